"""The courier: takes what is to be told from the outbox, tells it, and notes what came of it.

Any number of couriers work side by side. What one of them holds when it dies is taken by another after a while
(`claim_s`), so a courier leaves alone what it has held for too long.
"""

import asyncio
import logging
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

from edge.courier.lines import Held, Lines
from edge.courier.sender import Answer, Callback, Outcome, Sender
from engine.assembly import Engine
from engine.deliveries import Attempt, Backlog, Delivery, End, Event
from engine.errors import CannotUnseal, ScriptFailed, Unavailable, UnknownTenant
from engine.tenants import Tenant

_POLL_SECONDS = 0.2
_EXPIRY_SECONDS = 1.0
_BACKLOG_SECONDS = 5.0
_PAUSE_SECONDS = 1.0  # when Redis does not answer
_EXPIRED_AT_ONCE = 20  # of a partition: all partitions at once are well below what a link takes

# Of the time of an attempt, in seconds.
BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

_OFF = Attempt("off", 0, 0)  # the receiver has said that it is gone
_UNKNOWN = Attempt("unknown", 0, 0)  # a courier that knows the topic may come, and there is an end to it if not
_UNSIGNED = Attempt("unsigned", 0, 0)  # what it would be signed with cannot be opened

_logger = logging.getLogger(__name__)


class Teller(Protocol):
    """Knows how a surface tells its tenants of an event."""

    async def compose(self, event: Event, tenant: Tenant, url: str) -> Callback: ...


@dataclass(slots=True)
class CourierStats:
    """Counts since the start, for the metrics.

    `attempts` by outcome, `ends` by how deliveries were left (of couriers that held the same, by the first),
    `tally` attempts by the bucket of their time, `expired` the expiries that were noted. `backlog` is None while
    Redis does not tell it.
    """

    attempts: Counter[str] = field(default_factory=Counter[str])
    ends: Counter[str] = field(default_factory=Counter[str])
    tally: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS) + 1))
    seconds: float = 0.0
    expired: int = 0
    backlog: Backlog | None = None

    def count(self, answer: Answer) -> None:
        self.attempts[answer.outcome] += 1
        self.tally[bisect_left(BUCKETS, answer.seconds)] += 1
        self.seconds += answer.seconds

    def left(self, end: str | None) -> None:
        """Count how a delivery was left; None if another courier has left it before."""
        if end is not None:
            self.ends[end] += 1


class Courier:
    """Args:
    tellers: by topic.
    slots: deliveries at once.
    claim_s: how long something may be held before another courier takes it.
    timeout_s: the longest that an attempt takes.
    stats: what is counted on.
    """

    def __init__(
        self,
        engine: Engine,
        sender: Sender,
        tellers: Mapping[str, Teller],
        *,
        slots: int,
        claim_s: float,
        timeout_s: float,
        stats: CourierStats,
    ) -> None:
        self._stats = stats
        self._engine = engine
        self._sender = sender
        self._tellers = tellers
        self._lines = Lines(slots=slots)
        self._most_held = 4 * slots
        self._least_room = max(slots // 4, 1)  # for which it is worth asking all partitions
        self._has_ended = asyncio.Event()  # a delivery
        self._claim_s = claim_s
        self._patience_s = claim_s - 2 * timeout_s
        self._under_way: set[asyncio.Task[None]] = set()
        self._is_leaving = False

    async def run(self) -> None:
        """Work until cancelled. What is under way then is taken by another courier, or by the next one."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._keep(self._take_all, _POLL_SECONDS), name="courier")
                group.create_task(self._keep(self._expire_all, _EXPIRY_SECONDS), name="expiry")
                group.create_task(self._keep(self._look_at_backlog, _BACKLOG_SECONDS), name="backlog")
        finally:
            self._is_leaving = True
            for task in self._under_way:
                task.cancel()
            await asyncio.gather(*self._under_way, return_exceptions=True)

    async def _keep(self, work: Callable[[], Awaitable[bool]], pause_s: float) -> None:
        """Do something again and again: at once if there was as much to do as could be done."""
        while True:
            try:
                if await work():
                    continue
            except Unavailable:
                await asyncio.sleep(_PAUSE_SECONDS)
            except (
                Exception
            ):  # whatever it is: what is under way and the other partitions have nothing to do with it
                _logger.exception("a part of a courier's work failed")
                await asyncio.sleep(_PAUSE_SECONDS)
            await asyncio.sleep(pause_s)

    async def _take_all(self) -> bool:
        """Take what there is room for, from all partitions, once there is. True if there may be more."""
        deliveries = self._engine.deliveries
        while (room := self._most_held - self._lines.held) < self._least_room:
            self._has_ended.clear()
            await self._has_ended.wait()
        most = max(room // len(deliveries.partitions), 1)
        takes = [
            deliveries.take(number, most=most, idle_ms=int(self._claim_s * 1000))
            for number in deliveries.partitions
        ]
        replies = await asyncio.gather(*takes, return_exceptions=True)
        taken = [reply for reply in replies if not isinstance(reply, BaseException)]
        now = time.monotonic()
        await asyncio.gather(*[self._stand_in_line(Held(delivery, now)) for some in taken for delivery in some])
        self._start()
        for failure in replies:  # not before what the other partitions gave stands in line
            if isinstance(failure, BaseException):
                raise failure
        return any(len(some) == most for some in taken)

    async def _stand_in_line(self, held: Held) -> None:
        if put_off_s := self._lines.add(held, now=time.monotonic()):
            await self._engine.deliveries.defer(held.delivery, wait_s=put_off_s)

    def _start(self) -> None:
        while not self._is_leaving and (held := self._lines.next()):
            task = asyncio.create_task(self._handle(held), name="delivery")
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)

    async def _handle(self, held: Held) -> None:
        started = time.monotonic()
        failed = None
        try:
            if started - held.taken_at < self._patience_s:
                failed = await self._deliver(held.delivery)
        except Unavailable:
            pass  # it stays in the outbox, and is taken again
        except Exception:
            _logger.exception("a delivery broke", extra={"message_id": held.delivery.event.message_id})
        finally:
            surplus = self._lines.done(held, failed=failed, seconds=time.monotonic() - started)
            self._has_ended.set()
            self._start()
        with suppress(Unavailable):
            await asyncio.gather(*map(self._stand_in_line, surplus))

    async def _deliver(self, delivery: Delivery) -> bool | None:
        """True if the receiver could not be told; None if nobody tried."""
        deliveries, event = self._engine.deliveries, delivery.event
        teller = self._tellers.get(event.topic)
        if teller is None:
            self._stats.left(await deliveries.fail(delivery, _UNKNOWN, retry_after_s=None))
            return None
        tenant = await self._tenant(event)
        if tenant is None or tenant.challenge_setup is None or tenant.challenge_setup.callback_url is None:
            self._stats.left("dropped" if await deliveries.settle(delivery, None) else None)
            return None
        if tenant.callback_url is None:
            self._stats.left(End.DEAD if await deliveries.bury(delivery, _OFF) else None)
            return None
        try:
            callback = await teller.compose(event, tenant, tenant.callback_url)
        except CannotUnseal:  # a key is missing here: it may come back, and there is an end to it if not
            _logger.exception("a callback cannot be signed", extra={"message_id": event.message_id})
            self._stats.left(await deliveries.fail(delivery, _UNSIGNED, retry_after_s=None))
            return None
        answer = await self._sender.send(callback)
        await self._note(delivery, answer, tenant.callback_url)
        return answer.outcome is not Outcome.DELIVERED

    async def _tenant(self, event: Event) -> Tenant | None:
        try:
            return await self._engine.known_tenants.read(event.tenant_id)
        except UnknownTenant:
            return None

    async def _note(self, delivery: Delivery, answer: Answer, url: str) -> None:
        deliveries = self._engine.deliveries
        attempt = Attempt(answer.outcome, answer.status or 0, round(answer.seconds * 1000))
        self._stats.count(answer)
        match answer.outcome:
            case Outcome.DELIVERED:
                end = End.DELIVERED if await deliveries.settle(delivery, attempt) else None
            case Outcome.GONE:
                await self._engine.configurations.stop_callbacks(delivery.event.tenant_id, url)
                end = End.DEAD if await deliveries.bury(delivery, attempt) else None
            case _:
                end = await deliveries.fail(delivery, attempt, retry_after_s=answer.retry_after_s)
        self._stats.left(end)

    async def _expire_all(self) -> bool:
        """Note what has expired, so that it is told without anybody reading. True if there may be more."""
        challenges, partitions = self._engine.challenges, self._engine.deliveries.partitions
        before = challenges.counts["expired"]
        overdue = await asyncio.gather(
            *[challenges.expire_overdue(number, most=_EXPIRED_AT_ONCE) for number in partitions]
        )
        self._stats.expired += challenges.counts["expired"] - before
        return max(overdue) == _EXPIRED_AT_ONCE

    async def _look_at_backlog(self) -> bool:
        try:
            self._stats.backlog = await self._engine.deliveries.backlog()
        except (Unavailable, ScriptFailed):
            self._stats.backlog = None
            raise
        return False
