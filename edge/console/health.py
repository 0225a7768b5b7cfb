"""What the operator is told of the deployment: what `watchword doctor` finds, and what this worker counts."""

import asyncio
from typing import NamedTuple

from edge.console.views import draw, page
from edge.console.visitors import read_operator
from edge.http import Reply, Request
from edge.state import EdgeState


class Figure(NamedTuple):
    name: str
    value: str


async def show_health(state: EdgeState, request: Request) -> Reply:
    """The checks take part of a second, in a thread.

    Raises:
        Unauthenticated, NotFound
    """
    visitor = await read_operator(state, request)
    checks = await asyncio.to_thread(state.examine)
    return page(draw(request, "health", visitor, checks=checks, figures=_figures(state)))


def _figures(state: EdgeState) -> list[Figure]:
    """Of the worker that answers; /metrics has them over all workers, and over time."""
    engine = state.engine
    link = engine.link
    server = " ".join(link.server) if link.server else "unknown"
    return [
        Figure("Server", server),
        Figure("Requests under way", f"{state.in_flight} of at most {state.max_in_flight}"),
        Figure("Calls to Redis under way", f"{link.in_flight} of at most {link.max_in_flight}"),
        Figure("Calls to Redis that wait", str(link.queued)),
        Figure("Passwords being hashed or waiting", str(engine.passwords.queued)),
        Figure("Tenants known to this worker", str(len(engine.known_tenants))),
        Figure("Leaving", "yes" if state.draining else "no"),
    ]
