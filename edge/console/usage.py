"""What a tenant's customers and agents did, over a day or a week."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from msgspec import Struct

from edge.console.plots import HEIGHT, WIDTH, Bars, bars
from edge.console.tenants import read_own
from edge.console.views import draw, page
from edge.http import Reply, Request
from edge.state import EdgeState
from edge.wire import Query
from engine.usage import DAY_HOURS, WEEK_HOURS, Hour

_SERIES = {
    "submits": ("Submits", "Customers who got a passcode"),
    "fetches": ("Fetches", "Passcodes that agents got"),
    "conflicts": (
        "Conflicts",
        "Submits of a number whose passcode was alive: somebody else may have been there first",
    ),
    "gone": ("Gone", "Fetches of what was not there: never submitted, expired, or fetched before"),
}


class Span(Struct):
    span: Literal["day", "week"] = "day"


class Plot(NamedTuple):
    name: str
    label: str
    meaning: str
    bars: Bars


_SPAN = Query(Span)
# How many hours are shown, and how many go into one bar.
_HOURS = {"day": (DAY_HOURS, 1), "week": (WEEK_HOURS, 6)}


async def show_usage(state: EdgeState, request: Request) -> Reply:
    """Raises: Unauthenticated, UnknownTenant, Invalid."""
    visitor, tenant = await read_own(state, request)
    span = _SPAN.read(request.scope["query_string"]).span
    hours, step = _HOURS[span]
    times = _steps(await state.engine.usage.read(tenant.id, hours=hours), step)
    plots = [_plot(name, times) for name in _SERIES]
    content = {"span": span, "step": step, "times": times, "plots": plots, "box": (WIDTH, HEIGHT)}
    return page(draw(request, "usage", visitor, tenant=tenant, **content))


def _plot(name: str, times: Sequence[Hour]) -> Plot:
    label, meaning = _SERIES[name]
    return Plot(name, label, meaning, bars([getattr(time, name) for time in times]))


def _steps(hours: Sequence[Hour], step: int) -> list[Hour]:
    """Hours taken together, from the last one back."""
    first = len(hours) % step
    starts = ([0] if first else []) + list(range(first, len(hours), step))
    ends = [*starts[1:], len(hours)]
    return [_sum(hours[start:end]) for start, end in zip(starts, ends, strict=True)]


def _sum(hours: Sequence[Hour]) -> Hour:
    return Hour(hours[0].at, *(sum(counts) for counts in list(zip(*hours, strict=True))[1:]))
