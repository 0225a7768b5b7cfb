"""Deliveries: ends of challenges that tenants are to be told of, from the outbox to the receiver's answer.

The script that changes a state writes the event (lua/include/announce.lua). A courier takes it, tries, and notes
here what came of it. Nothing is forgotten on the way: what a courier had taken when it died is taken by another,
and a receiver may be told twice, by the same message id.
"""

import asyncio
import logging
from collections.abc import Iterator
from enum import StrEnum
from functools import partial
from random import SystemRandom
from typing import NamedTuple, Self

from engine.errors import UnknownDelivery
from engine.ids import ChallengeId, TenantId, is_uuid
from engine.reading import readable
from engine.store.keys import KeySpace, Place
from engine.store.outbox import BuryStatus, OutboxStore, PostponeStatus, ReplayStatus, SettleStatus

_chance = SystemRandom()  # that of the module has a state, which others in the process may have set

# Seconds until the next attempt: ten more each time up to a minute, then further and further apart, within a day
# (Standard Webhooks 1.0.0).
SCHEDULE_S = (10, 20, 30, 40, 50, 60, 300, 1800, 7200, 18_000, 21_600, 28_800)
_JITTER = 0.1

_MESSAGE_PREFIX = "msg"
_MOST_LETTERS = 10_000  # that a partition keeps of a tenant
_STEP = 100

_logger = logging.getLogger(__name__)


class End(StrEnum):
    """How an attempt left its delivery."""

    DELIVERED = "delivered"
    RETRY = "retry"
    DEAD = "dead"


class Event(NamedTuple):
    """What happened: something of a tenant's came into a state. `topic` says who knows how to tell of it."""

    topic: str
    tenant_id: TenantId
    subject: ChallengeId
    state: str
    at_ms: int

    @classmethod
    def parse(cls, text: str) -> Self:
        topic, tenant_id, subject, state, at_ms = text.split(" ")
        return cls(topic, TenantId(tenant_id), ChallengeId(subject), state, int(at_ms))

    @property
    def text(self) -> str:
        return f"{notice(self.topic, self.tenant_id, self.subject)} {self.state} {self.at_ms}"

    @property
    def message_id(self) -> str:
        """The same for every attempt to tell of it. There is no full stop in it (Standard Webhooks 1.0.0)."""
        return f"{_MESSAGE_PREFIX}_{self.subject}_{self.state.lower()}"


def notice(topic: str, tenant_id: TenantId, subject: ChallengeId) -> str:
    """What a script that changes a state completes to an event."""
    return f"{topic} {tenant_id} {subject}"


class Delivery(NamedTuple):
    """An event that a courier holds. Attempts are counted from 1."""

    partition: int
    entry_id: str
    attempt: int
    event: Event


class Attempt(NamedTuple):
    """What came of an attempt, as the log has it. `outcome` is a word, `status` the receiver's or 0."""

    outcome: str
    status: int
    took_ms: int


class Logged(NamedTuple):
    at_ms: int
    event: Event
    number: int
    attempt: Attempt
    end: End


class DeadLetter(NamedTuple):
    since_ms: int
    event: Event


class History(NamedTuple):
    """The youngest first."""

    dead: list[DeadLetter]
    log: list[Logged]


class Backlog(NamedTuple):
    """Over all partitions. Ages are milliseconds: of the oldest event that was not tried yet, ready or put off,
    and of the oldest expiry that is not noted. Of many events only the first of each partition are looked at.
    """

    ready: int
    waiting: int
    oldest_ms: int
    overdue_ms: int


class Deliveries:
    def __init__(self, store: OutboxStore, space: KeySpace) -> None:
        self._store = store
        self._space = space
        self.partitions = range(space.partitions)

    async def take(self, partition: int, *, most: int, idle_ms: int) -> list[Delivery]:
        """What is to be told now; it is this caller's for `idle_ms`, by when it must have said what came of it.

        What cannot be read is left alone, and comes back after `idle_ms` for a courier that can.
        """
        reply = await self._store.take(partition=self._space.partition(partition), most=most, idle_ms=idle_ms)
        taken, unreadable = readable(reply.entries, partial(_delivery, partition))
        if unreadable:
            _logger.error("%d events of a partition cannot be read, and wait for a courier that can", unreadable)
        return taken

    async def settle(self, delivery: Delivery, attempt: Attempt | None) -> bool:
        """It was told, or there is nobody to tell (None). False if another courier was faster."""
        line = "" if attempt is None else _line(delivery, attempt, End.DELIVERED)
        reply = await self._store.settle(tenant=self._place(delivery), entry_id=delivery.entry_id, line=line)
        return reply.status is SettleStatus.SETTLED

    async def fail(self, delivery: Delivery, attempt: Attempt, *, retry_after_s: float | None) -> End | None:
        """It was not told: try again when the schedule or the receiver says so, or give it up after a day.

        What the receiver asks for takes the place of the attempts that it leaves no time for: none comes later
        than the schedule's last. None if another courier was faster.
        """
        if delivery.attempt > len(SCHEDULE_S):
            return End.DEAD if await self.bury(delivery, attempt) else None
        scheduled_s = SCHEDULE_S[delivery.attempt - 1] * _chance.uniform(1, 1 + _JITTER)
        asked_s = min(retry_after_s or 0, sum(SCHEDULE_S[delivery.attempt - 1 :]))
        is_postponed = await self._postpone(
            delivery,
            max(scheduled_s, asked_s),
            attempt=_attempt_after(delivery.attempt, asked_s),
            line=_line(delivery, attempt, End.RETRY),
        )
        return End.RETRY if is_postponed else None

    async def defer(self, delivery: Delivery, *, wait_s: float) -> None:
        """Others' turn: the same attempt, later."""
        await self._postpone(delivery, wait_s, attempt=delivery.attempt, line="")

    async def bury(self, delivery: Delivery, attempt: Attempt) -> bool:
        """Give it up. It can be brought back by `replay` for a month. False if another courier was faster."""
        reply = await self._store.bury(
            tenant=self._place(delivery),
            entry_id=delivery.entry_id,
            event=delivery.event.text,
            line=_line(delivery, attempt, End.DEAD),
        )
        return reply.status is BuryStatus.BURIED

    async def history(self, tenant_id: TenantId, *, most: int) -> History:
        """Up to `most` dead letters and as many lines of the log, over all partitions."""
        replies = await asyncio.gather(
            *[self._store.history(tenant=self._tenant(number, tenant_id), most=most) for number in self.partitions]
        )
        dead = [letter for reply in replies for letter in _letters(reply.dead.decode())]
        log = [logged for reply in replies for logged in _log(reply.log.decode())]
        # What is of one instant stays in the order of its partition, or `most` would cut through it.
        return History(
            sorted(dead, key=lambda letter: letter.since_ms, reverse=True)[:most],
            sorted(log, key=lambda logged: logged.at_ms, reverse=True)[:most],
        )

    async def replay(self, tenant_id: TenantId, message_id: str) -> None:
        """Tell of a dead letter again, as if it were new.

        Raises:
            UnknownDelivery: none of the tenant's has this message id.
        """
        subject = message_id.split("_")[1] if message_id.count("_") == 2 else ""
        if not is_uuid(subject):
            raise UnknownDelivery
        tenant = self._tenant(self._space.partition_of_new(subject), tenant_id)
        found = await self._store.history(tenant=tenant, most=_MOST_LETTERS)
        letters = [letter for letter in _letters(found.dead.decode()) if letter.event.message_id == message_id]
        if not letters or not await self._replay(tenant, letters[0].event):
            raise UnknownDelivery

    async def replay_all(self, tenant_id: TenantId) -> int:
        """Tell of all dead letters of a tenant again, a few at a time. How many there were.

        Those that die again meanwhile are left alone, or there would be no end of it.
        """
        replayed = 0
        for number in self.partitions:
            tenant = self._tenant(number, tenant_id)
            found = await self._store.history(tenant=tenant, most=_MOST_LETTERS)
            events = [letter.event for letter in _letters(found.dead.decode())]
            for first in range(0, len(events), _STEP):
                some = events[first : first + _STEP]
                replayed += sum(await asyncio.gather(*[self._replay(tenant, event) for event in some]))
        return replayed

    async def backlog(self) -> Backlog:
        replies = await asyncio.gather(
            *[self._store.backlog(partition=self._space.partition(number)) for number in self.partitions]
        )
        return Backlog(
            sum(reply.ready for reply in replies),
            sum(reply.waiting for reply in replies),
            max(reply.oldest_ms for reply in replies),
            max(reply.overdue_ms for reply in replies),
        )

    async def forget(self, tenant_id: TenantId) -> int:
        """Remove log and dead letters of a tenant. How many letters there were."""
        letters = 0
        for number in self.partitions:
            letters += (await self._store.forget(tenant=self._tenant(number, tenant_id))).letters
        return letters

    async def _postpone(self, delivery: Delivery, wait_s: float, *, attempt: int, line: str) -> bool:
        reply = await self._store.postpone(
            tenant=self._place(delivery),
            entry_id=delivery.entry_id,
            event=delivery.event.text,
            attempt=attempt,
            wait_ms=int(wait_s * 1000),
            line=line,
        )
        return reply.status is PostponeStatus.POSTPONED

    async def _replay(self, tenant: Place, event: Event) -> bool:
        return (await self._store.replay(tenant=tenant, event=event.text)).status is ReplayStatus.REPLAYED

    def _place(self, delivery: Delivery) -> Place:
        return self._tenant(delivery.partition, delivery.event.tenant_id)

    def _tenant(self, partition: int, tenant_id: TenantId) -> Place:
        """Where a tenant's deliveries of one partition are."""
        return self._space.place_in(partition, "deliveries", tenant_id)


def _delivery(partition: int, line: str) -> Delivery:
    entry_id, attempt, event = line.split(" ", 2)
    return Delivery(partition, entry_id, int(attempt), Event.parse(event))


def _attempt_after(attempt: int, asked_s: float) -> int:
    """Which attempt of the schedule comes next when the receiver has asked for a wait."""
    following, passed_s = attempt + 1, SCHEDULE_S[attempt - 1]
    while passed_s < asked_s and following <= len(SCHEDULE_S):
        passed_s += SCHEDULE_S[following - 1]
        following += 1
    return following


def _line(delivery: Delivery, attempt: Attempt, end: End) -> str:
    """A line of the log."""
    words = (delivery.attempt, attempt.outcome, attempt.status, attempt.took_ms, end.value, delivery.event.text)
    return " ".join(map(str, words))


def _log(text: str) -> Iterator[Logged]:
    lines = text.splitlines()
    for entry_id, line in zip(lines[::2], lines[1::2], strict=True):
        number, outcome, status, took_ms, end, event = line.split(" ", 5)
        attempt = Attempt(outcome, int(status), int(took_ms))
        yield Logged(int(entry_id.partition("-")[0]), Event.parse(event), int(number), attempt, End(end))


def _letters(text: str) -> Iterator[DeadLetter]:
    lines = text.splitlines()
    for event, since_ms in zip(lines[::2], lines[1::2], strict=True):
        yield DeadLetter(int(since_ms), Event.parse(event))
