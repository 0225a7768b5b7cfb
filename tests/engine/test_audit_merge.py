"""Trails of many partitions read as one: every event once, in order, whatever the pages, on generated trails."""

import asyncio
import re
from contextlib import aclosing
from typing import TYPE_CHECKING, NamedTuple, cast

import fakeredis
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.audit import Audit
from engine.audit_events import Event, Filter, Position
from engine.errors import Invalid
from engine.store import keys
from engine.store.audit import AuditStore
from engine.store.keys import KeySpace
from tests.engine.conftest import FakeRunner

if TYPE_CHECKING:
    from engine.tenants import Tenants

PARTITIONS = 4
KINDS = ("fetch", "submit", "conflict")
SPACE = KeySpace(partitions=PARTITIONS, index_key=bytes(32))


class Entry(NamedTuple):
    at_ms: int
    sequence: int
    share: int
    kind: str
    actor: str


ENTRIES = st.builds(
    Entry,
    st.integers(1, 30),
    st.integers(0, 3),
    st.integers(0, PARTITIONS - 1),
    st.sampled_from(KINDS),
    st.sampled_from(["api-key:1", "api-key:12", "operator"]),
)
TRAILS = st.lists(ENTRIES, unique_by=lambda entry: entry[:3], max_size=120)
FILTERS = st.builds(
    Filter,
    st.frozensets(st.sampled_from(KINDS), max_size=2),
    st.sampled_from(["", "api-key:", "api-key:12", "nobody"]),
    st.just(""),
    st.none() | st.integers(0, 31),
    st.none() | st.integers(0, 31),
)


def stored(entries: list[Entry]) -> Audit:
    """The journals of a deployment of which this was done."""
    server = fakeredis.FakeRedis(version=(7,))
    for entry in sorted(entries):
        name = keys.journal(SPACE.partition(entry.share))
        server.xadd(name, {entry.kind: f"{entry.actor} s"}, id=f"{entry.at_ms}-{entry.sequence}")
    return Audit(AuditStore(FakeRunner(server)), SPACE, cast("Tenants", None))  # journals belong to no tenant


def expected(entries: list[Entry], sought: Filter) -> list[Entry]:
    return sorted(
        entry
        for entry in entries
        if (not sought.kinds or entry.kind in sought.kinds)
        and entry.actor.startswith(sought.actor)
        and (sought.since_ms is None or entry.at_ms >= sought.since_ms)
        and (sought.until_ms is None or entry.at_ms <= sought.until_ms)
    )


def plain(events: list[Event]) -> list[Entry]:
    return [Entry(*event.position, event.kind, event.actor) for event in events]


@given(TRAILS, FILTERS)
@settings(deadline=None, max_examples=60)
def test_an_export_is_every_event_once_in_order(entries: list[Entry], sought: Filter) -> None:
    async def export() -> list[Event]:
        async with aclosing(stored(entries).export(None, sought)) as events:
            return [event async for event in events]

    assert plain(asyncio.run(export())) == expected(entries, sought)


@given(TRAILS, FILTERS, st.integers(1, 40), st.booleans(), st.integers(1, 9), st.sampled_from([1, 5, 2000]))
@settings(deadline=None, max_examples=100)
def test_pages_are_every_event_once_in_order(
    entries: list[Entry],
    sought: Filter,
    most: int,
    is_oldest_first: bool,
    step: int,
    calls: int,
) -> None:
    """However few events a call looks at, and however few calls a page makes."""
    audit = stored(entries)

    async def pages() -> list[Event]:
        events: list[Event] = []
        after: Position | None = None
        while True:
            page = await audit.read(None, sought, most=most, after=after, is_oldest_first=is_oldest_first)
            assert len(page.events) <= most
            events += page.events
            if page.after is None:
                return events
            assert page.after != after, "it gets on"
            after = Position.parse(page.after.text)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("engine.audit._STEP", step)
        patch.setattr("engine.audit._PAGE_CALLS", calls)
        told = plain(asyncio.run(pages()))
    assert told == (expected(entries, sought) if is_oldest_first else expected(entries, sought)[::-1])


@given(st.text() | st.from_regex(r"\d{1,30}-\d{1,30}-\d{1,8}", fullmatch=True))
def test_a_cursor_of_somebody_else_is_read_or_refused(text: str) -> None:
    try:
        position = Position.parse(text)
    except Invalid:
        return
    assert re.fullmatch(r"\d+-\d+-\d+", position.text)
    assert Position.parse(position.text) == position
