"""The outbox as its scripts keep it: taken, settled, put off, given up, brought back."""

from typing import NamedTuple

import pytest

from engine.store import keys
from engine.store.keys import KeySpace
from engine.store.outbox import (
    BuryStatus,
    OutboxStore,
    PostponeStatus,
    ReplayStatus,
    SettleStatus,
    TakeStatus,
)
from tests.engine.conftest import Backend, real_servers

# fakeredis answers XREADGROUP inside Lua in another shape than Redis does.
pytestmark = [pytest.mark.anyio, real_servers]

NOW_MS = 1_800_000_000_000
IDLE_MS = 60_000
MONTH_MS = 30 * 24 * 3600 * 1000
GROUP = "couriers"


class Entry(NamedTuple):
    id: str
    attempt: int
    event: str


class Outbox:
    """The outbox of one partition, and what is kept of one tenant's deliveries."""

    def __init__(self, backend: Backend, space: KeySpace) -> None:
        self.backend = backend
        self.store = OutboxStore(backend.runner)
        self.tenant = space.place_in(3, "deliveries", "tenant")
        self.stranger = space.place_in(3, "deliveries", "stranger")

    def announce(self, *events: str) -> None:
        """As lua/include/announce.lua does."""
        for event in events:
            self.backend.admin.xadd(keys.outbox(self.tenant), {"event": event, "attempt": 1})

    def let_wait(self, entry: Entry, *, ms: int) -> None:
        """Let an entry have been held for so long."""
        admin, key = self.backend.admin, keys.outbox(self.tenant)
        admin.xclaim(key, GROUP, GROUP, 0, [entry.id], idle=ms, justid=True)

    async def take(self, *, most: int = 10, after_ms: int = 0) -> list[Entry]:
        reply = await self.store.take(
            partition=self.tenant, most=most, idle_ms=IDLE_MS, now_us=(NOW_MS + after_ms) * 1000
        )
        assert (reply.status is TakeStatus.EMPTY) == (reply.entries == b"")
        parts = [line.split(" ", 2) for line in reply.entries.decode().splitlines()]
        return [Entry(entry_id, int(attempt), event) for entry_id, attempt, event in parts]

    async def settle(self, entry: Entry, *, line: str = "") -> SettleStatus:
        return (await self.store.settle(tenant=self.tenant, entry_id=entry.id, line=line)).status

    async def postpone(self, entry: Entry, *, attempt: int = 2, wait_ms: int, line: str = "") -> PostponeStatus:
        reply = await self.store.postpone(
            tenant=self.tenant,
            entry_id=entry.id,
            event=entry.event,
            attempt=attempt,
            wait_ms=wait_ms,
            line=line,
            now_us=NOW_MS * 1000,
        )
        return reply.status

    async def bury(self, entry: Entry, *, line: str = "", after_ms: int = 0) -> BuryStatus:
        reply = await self.store.bury(
            tenant=self.tenant,
            entry_id=entry.id,
            event=entry.event,
            line=line,
            now_us=(NOW_MS + after_ms) * 1000,
        )
        return reply.status

    async def replay(self, event: str) -> ReplayStatus:
        return (await self.store.replay(tenant=self.tenant, event=event)).status

    async def history(self, *, most: int = 10) -> tuple[list[str], list[str]]:
        """Dead letters with their instants, and lines of the log."""
        reply = await self.store.history(tenant=self.tenant, most=most)
        letters, log = reply.dead.decode().splitlines(), reply.log.decode().splitlines()
        return letters, log[1::2]

    async def backlog(self, *, now_ms: int = NOW_MS) -> tuple[int, ...]:
        return (await self.store.backlog(partition=self.tenant, now_us=now_ms * 1000))[1:]


@pytest.fixture
def outbox(backend: Backend, space: KeySpace) -> Outbox:
    return Outbox(backend, space)


async def test_what_happened_is_taken_once_in_its_order(outbox: Outbox) -> None:
    assert await outbox.take() == []
    outbox.announce("one of it", "another", "a third")

    first, second = await outbox.take(most=2), await outbox.take(most=2)

    assert [entry[1:] for entry in (*first, *second)] == [(1, "one of it"), (1, "another"), (1, "a third")]
    assert await outbox.take() == []


async def test_what_is_held_too_long_is_taken_again_once(outbox: Outbox) -> None:
    outbox.announce("held", "lost")
    held, lost = await outbox.take()
    outbox.announce("new")

    outbox.let_wait(held, ms=IDLE_MS - 10_000)
    outbox.let_wait(lost, ms=IDLE_MS)

    taken = await outbox.take()
    assert (taken[0], [entry.event for entry in taken]) == (lost, ["lost", "new"])
    assert await outbox.take() == []


async def test_what_is_held_too_long_is_found_behind_much_that_is_held(outbox: Outbox) -> None:
    """Redis looks at ten held entries for each that it may claim."""
    outbox.announce(*[f"event {number}" for number in range(65)])
    entries = await outbox.take(most=65)
    for entry in entries[60:]:
        outbox.let_wait(entry, ms=IDLE_MS)

    assert await outbox.take(most=4) == entries[60:64]
    assert await outbox.take(most=1) == entries[64:]


async def test_no_more_is_taken_than_was_asked_for_when_some_of_it_was_held_before(outbox: Outbox) -> None:
    outbox.announce("lost", "lost too")
    for entry in await outbox.take():
        outbox.let_wait(entry, ms=IDLE_MS)
    outbox.announce("new", "newer")

    taken = [[entry.event for entry in await outbox.take(most=3)] for _ in range(2)]

    assert taken == [["lost", "lost too", "new"], ["newer"]]


async def test_what_was_told_is_gone_and_settled_once(outbox: Outbox) -> None:
    outbox.announce("event")
    (entry,) = await outbox.take()

    assert await outbox.settle(entry, line="told") is SettleStatus.SETTLED

    assert await outbox.settle(entry, line="told again") is SettleStatus.STALE
    assert await outbox.postpone(entry, wait_ms=0) is PostponeStatus.STALE
    assert await outbox.bury(entry) is BuryStatus.STALE
    assert await outbox.take(after_ms=IDLE_MS) == []
    assert await outbox.backlog() == (0, 0, 0, 0)
    assert await outbox.history() == ([], ["told"])


async def test_what_nobody_has_taken_is_not_settled(outbox: Outbox) -> None:
    outbox.announce("event")

    assert await outbox.settle(Entry("0-1", 1, "event")) is SettleStatus.STALE
    (entry,) = await outbox.take()
    assert entry.event == "event"


async def test_who_lost_an_entry_may_settle_it_until_the_other_has(outbox: Outbox) -> None:
    """Both have told of it. It is not told a third time."""
    outbox.announce("event")
    (entry,) = await outbox.take()
    outbox.let_wait(entry, ms=IDLE_MS)
    (again,) = await outbox.take()

    assert await outbox.settle(entry) is SettleStatus.SETTLED
    assert await outbox.postpone(again, wait_ms=0) is PostponeStatus.STALE
    assert await outbox.take() == []


async def test_what_was_put_off_comes_back_when_its_time_has_come_and_not_before(outbox: Outbox) -> None:
    outbox.announce("event")
    (entry,) = await outbox.take()

    assert await outbox.postpone(entry, attempt=2, wait_ms=10_000, line="failed") is PostponeStatus.POSTPONED

    assert await outbox.postpone(entry, wait_ms=0) is PostponeStatus.STALE
    assert await outbox.take(after_ms=9_999) == []
    (again,) = await outbox.take(after_ms=10_000)
    assert again == (again.id, 2, "event")
    assert again.id != entry.id
    assert await outbox.take(after_ms=10_000) == []
    assert await outbox.settle(again, line="told") is SettleStatus.SETTLED
    assert await outbox.history() == ([], ["told", "failed"])


async def test_of_what_was_put_off_only_so_much_comes_back_at_once_the_earliest_first(outbox: Outbox) -> None:
    outbox.announce("late", "early", "between")
    for entry, wait_ms in zip(await outbox.take(), (3, 1, 2), strict=True):
        await outbox.postpone(entry, wait_ms=wait_ms)

    assert [entry.event for entry in await outbox.take(most=2, after_ms=3)] == ["early", "between"]
    assert [entry.event for entry in await outbox.take(most=2, after_ms=3)] == ["late"]


async def test_what_was_given_up_is_a_dead_letter_until_it_is_brought_back(outbox: Outbox) -> None:
    outbox.announce("event")
    (entry,) = await outbox.take()
    await outbox.postpone(entry, attempt=13, wait_ms=0)
    (entry,) = await outbox.take()

    assert await outbox.bury(entry, line="failed") is BuryStatus.BURIED

    assert await outbox.bury(entry) is BuryStatus.STALE
    assert await outbox.history() == (["event", f"{NOW_MS}"], ["failed"])
    assert await outbox.take(after_ms=MONTH_MS) == []
    assert await outbox.replay("event") is ReplayStatus.REPLAYED
    assert await outbox.replay("event") is ReplayStatus.ABSENT
    assert await outbox.history() == ([], ["failed"])
    (again,) = await outbox.take()
    assert again == (again.id, 1, "event")


async def test_another_tenant_brings_nothing_back(outbox: Outbox) -> None:
    outbox.announce("event")
    (entry,) = await outbox.take()
    await outbox.bury(entry, line="failed")

    stranger = outbox.stranger
    assert (await outbox.store.replay(tenant=stranger, event="event")).status is ReplayStatus.ABSENT
    assert (await outbox.store.history(tenant=stranger, most=10))[1:] == (b"", b"")
    assert (await outbox.store.forget(tenant=stranger)).letters == 0
    assert await outbox.replay("event") is ReplayStatus.REPLAYED


async def test_history_begins_with_the_youngest_and_has_so_much_of_each(outbox: Outbox) -> None:
    outbox.announce("a", "b", "c")
    for number, entry in enumerate(await outbox.take()):
        await outbox.bury(entry, line=f"line {number}", after_ms=number)

    assert await outbox.history(most=2) == (
        ["c", f"{NOW_MS + 2}", "b", f"{NOW_MS + 1}"],
        ["line 2", "line 1"],
    )


async def test_log_and_dead_letters_are_bounded_and_live_for_a_month(outbox: Outbox) -> None:
    """The oldest go first. Redis keeps a log of about the length that is asked for (XADD, MAXLEN ~)."""
    admin, dead = outbox.backend.admin, keys.dead_letters(outbox.tenant)
    admin.zadd(dead, {f"dead {number}": number for number in range(10_000)})
    outbox.announce(*[f"event {number}" for number in range(1000)])
    *told, last = await outbox.take(most=1000)
    for entry in told:
        await outbox.settle(entry, line=entry.event)
    await outbox.bury(last, line=last.event)

    letters, log = await outbox.history(most=20_000)
    assert (len(letters[::2]), letters[0], letters[-2]) == (10_000, "event 999", "dead 1")
    assert 200 <= len(log) <= 400
    assert log == [f"event {number}" for number in range(999, 999 - len(log), -1)]
    for key in (dead, keys.deliveries(outbox.tenant)):
        assert MONTH_MS - 60_000 < outbox.backend.remaining_ms(key) <= MONTH_MS


async def test_the_backlog_tells_how_much_there_is_and_since_when(outbox: Outbox) -> None:
    assert await outbox.backlog() == (0, 0, 0, 0)
    outbox.announce(f"ready {NOW_MS + 1_000}", f"held {NOW_MS}", f"later {NOW_MS - 500}", "of a newer version")
    ready, held, later, _ = await outbox.take()
    await outbox.postpone(later, attempt=1, wait_ms=5_000)
    outbox.backend.admin.zadd(keys.due(outbox.tenant), {"overdue": NOW_MS + 4_000, "due": NOW_MS + 9_000})

    assert await outbox.backlog(now_ms=NOW_MS + 4_500) == (3, 1, 5_000, 500)
    assert await outbox.backlog(now_ms=NOW_MS - 501) == (3, 1, 0, 0)
    (later,) = await outbox.take(after_ms=5_000)
    assert await outbox.backlog(now_ms=NOW_MS + 5_000) == (4, 0, 5_500, 1_000)
    await outbox.settle(later)
    assert await outbox.backlog(now_ms=NOW_MS + 5_000) == (3, 0, 5_000, 1_000)
    await outbox.settle(held)
    assert await outbox.backlog(now_ms=NOW_MS + 5_000) == (2, 0, 4_000, 1_000)
    await outbox.postpone(ready, attempt=2, wait_ms=0)
    assert await outbox.backlog(now_ms=NOW_MS + 5_000) == (1, 1, 0, 1_000)  # it was tried


async def test_what_is_kept_of_a_tenant_is_forgotten_and_what_is_to_be_told_is_not(outbox: Outbox) -> None:
    outbox.announce("a", "b", "c")
    a, b, _ = await outbox.take()
    await outbox.settle(a, line="told")
    await outbox.bury(b, line="failed")

    assert (await outbox.store.forget(tenant=outbox.tenant)).letters == 1

    assert (await outbox.store.forget(tenant=outbox.tenant)).letters == 0
    assert await outbox.history() == ([], [])
    assert (await outbox.backlog())[0] == 1


async def test_a_group_that_was_lost_is_made_anew_and_everything_is_taken_again(outbox: Outbox) -> None:
    """As after a restore from a backup that was made before the first courier."""
    outbox.announce("event")
    (entry,) = await outbox.take()
    outbox.backend.admin.xgroup_destroy(keys.outbox(outbox.tenant), GROUP)

    assert await outbox.settle(entry) is SettleStatus.STALE
    assert await outbox.take() == [entry]
