"""The outbox in Redis: what couriers are to tell, a stream for each partition, read by one group of consumers.

All couriers are one consumer of it. Redis gives a new entry to one of them only, and who holds an entry does not
matter: how long it is held tells that its courier has died.
"""

from enum import IntEnum
from typing import NamedTuple

from engine.store import keys
from engine.store.clock import clock
from engine.store.keys import Place
from engine.store.runner import Runner
from engine.store.scripts import load

_TAKE = load("outbox/take")
_SETTLE = load("outbox/settle")
_POSTPONE = load("outbox/postpone")
_BURY = load("outbox/bury")
_REPLAY = load("outbox/replay")
_HISTORY = load("outbox/history")
_BACKLOG = load("outbox/backlog")
_FORGET = load("outbox/forget")

_GROUP = "couriers"
# Of a tenant, in each partition. Both are bounded twice, by number and by age.
_LOG_LINES = 200
_DEAD_LETTERS = 10_000
_KEPT_MS = 30 * 24 * 3600 * 1000


class TakeStatus(IntEnum):
    TAKEN = 0
    EMPTY = 1


class SettleStatus(IntEnum):
    SETTLED = 0
    STALE = 1


class PostponeStatus(IntEnum):
    POSTPONED = 0
    STALE = 1


class BuryStatus(IntEnum):
    BURIED = 0
    STALE = 1


class ReplayStatus(IntEnum):
    REPLAYED = 0
    ABSENT = 1


class HistoryStatus(IntEnum):
    TOLD = 0


class BacklogStatus(IntEnum):
    TOLD = 0


class ForgetStatus(IntEnum):
    FORGOTTEN = 0


class TakeReply(NamedTuple):
    status: TakeStatus
    entries: bytes


class SettleReply(NamedTuple):
    status: SettleStatus


class PostponeReply(NamedTuple):
    status: PostponeStatus


class BuryReply(NamedTuple):
    status: BuryStatus


class ReplayReply(NamedTuple):
    status: ReplayStatus


class HistoryReply(NamedTuple):
    status: HistoryStatus
    dead: bytes
    log: bytes


class BacklogReply(NamedTuple):
    status: BacklogStatus
    ready: int
    waiting: int
    oldest_ms: int
    overdue_ms: int


class ForgetReply(NamedTuple):
    status: ForgetStatus
    letters: int


class OutboxStore:
    """`tenant` is always the place of a tenant's deliveries in one partition, the partition of the entry."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    async def take(self, *, partition: Place, most: int, idle_ms: int, now_us: int | None = None) -> TakeReply:
        reply = await self._runner.run(
            _TAKE,
            partition.partition,
            [keys.outbox(partition), keys.retries(partition)],
            [_GROUP, most, idle_ms, clock(now_us)],
        )
        return TakeReply(TakeStatus(reply[0]), reply[1])

    async def settle(self, *, tenant: Place, entry_id: str, line: str) -> SettleReply:
        """An empty line is not logged, here and below."""
        reply = await self._runner.run(
            _SETTLE,
            tenant.partition,
            [keys.outbox(tenant), keys.deliveries(tenant)],
            [_GROUP, entry_id, line, _LOG_LINES, _KEPT_MS],
        )
        return SettleReply(SettleStatus(reply[0]))

    async def postpone(
        self,
        *,
        tenant: Place,
        entry_id: str,
        event: str,
        attempt: int,
        wait_ms: int,
        line: str,
        now_us: int | None = None,
    ) -> PostponeReply:
        reply = await self._runner.run(
            _POSTPONE,
            tenant.partition,
            [keys.outbox(tenant), keys.retries(tenant), keys.deliveries(tenant)],
            [_GROUP, entry_id, event, attempt, wait_ms, line, _LOG_LINES, _KEPT_MS, clock(now_us)],
        )
        return PostponeReply(PostponeStatus(reply[0]))

    async def bury(
        self, *, tenant: Place, entry_id: str, event: str, line: str, now_us: int | None = None
    ) -> BuryReply:
        reply = await self._runner.run(
            _BURY,
            tenant.partition,
            [keys.outbox(tenant), keys.dead_letters(tenant), keys.deliveries(tenant)],
            [_GROUP, entry_id, event, _DEAD_LETTERS, line, _LOG_LINES, _KEPT_MS, clock(now_us)],
        )
        return BuryReply(BuryStatus(reply[0]))

    async def replay(self, *, tenant: Place, event: str) -> ReplayReply:
        reply = await self._runner.run(
            _REPLAY, tenant.partition, [keys.outbox(tenant), keys.dead_letters(tenant)], [event]
        )
        return ReplayReply(ReplayStatus(reply[0]))

    async def history(self, *, tenant: Place, most: int) -> HistoryReply:
        reply = await self._runner.run(
            _HISTORY, tenant.partition, [keys.dead_letters(tenant), keys.deliveries(tenant)], [most]
        )
        return HistoryReply(HistoryStatus(reply[0]), *reply[1:])

    async def backlog(self, *, partition: Place, now_us: int | None = None) -> BacklogReply:
        reply = await self._runner.run(
            _BACKLOG,
            partition.partition,
            [keys.outbox(partition), keys.retries(partition), keys.due(partition)],
            [clock(now_us)],
        )
        return BacklogReply(BacklogStatus(reply[0]), *reply[1:])

    async def forget(self, *, tenant: Place) -> ForgetReply:
        reply = await self._runner.run(
            _FORGET, tenant.partition, [keys.dead_letters(tenant), keys.deliveries(tenant)], []
        )
        return ForgetReply(ForgetStatus(reply[0]), reply[1])
