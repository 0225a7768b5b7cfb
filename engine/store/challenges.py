"""Challenges in Redis. A challenge lives in the partition of its factor, and carries that in its id."""

from enum import IntEnum
from typing import NamedTuple

from engine.store import keys
from engine.store.clock import clock
from engine.store.keys import Place
from engine.store.runner import Runner
from engine.store.scripts import load

_OPEN = load("challenge/open")
_READ = load("challenge/read")
_ATTEMPT = load("challenge/attempt")
_CONCLUDE = load("challenge/conclude")
_DECIDE = load("challenge/decide")
_CANCEL = load("challenge/cancel")
_OVERDUE = load("challenge/overdue")
_EXPIRE = load("challenge/expire")
_LIST = load("challenge/list")
_FORGET = load("challenge/forget")


class OpenStatus(IntEnum):
    OPENED = 0
    ABSENT = 1
    CLOSED = 2
    LOCKED = 3
    FULL = 4


class ReadStatus(IntEnum):
    FOUND = 0
    ABSENT = 1


class AttemptStatus(IntEnum):
    COUNTED = 0
    ABSENT = 1
    CLOSED = 2
    LOCKED = 3
    SEALED = 4


class ConcludeStatus(IntEnum):
    VERIFIED = 0
    FAILED = 1
    CLOSED = 2
    WRONG = 3


class DecideStatus(IntEnum):
    VERIFIED = 0
    FAILED = 1
    ABSENT = 2
    CLOSED = 3


class CancelStatus(IntEnum):
    CANCELLED = 0
    ABSENT = 1
    CLOSED = 2


class OverdueStatus(IntEnum):
    LISTED = 0


class ExpireStatus(IntEnum):
    EXPIRED = 0
    ENDED = 1
    EARLY = 2


class ListStatus(IntEnum):
    LISTED = 0


class ForgetStatus(IntEnum):
    FORGOTTEN = 0
    ABSENT = 1


class OpenReply(NamedTuple):
    status: OpenStatus
    now_ms: int
    retry_after_ms: int


class ReadReply(NamedTuple):
    status: ReadStatus
    state: bytes
    record: bytes
    created_ms: int
    updated_ms: int
    expires_ms: int


class AttemptReply(NamedTuple):
    status: AttemptStatus
    record: bytes
    held: bytes
    created_ms: int
    expires_ms: int
    now_ms: int
    retry_after_ms: int


class ConcludeReply(NamedTuple):
    status: ConcludeStatus
    now_ms: int


class DecideReply(NamedTuple):
    status: DecideStatus
    now_ms: int


class CancelReply(NamedTuple):
    status: CancelStatus
    now_ms: int


class OverdueReply(NamedTuple):
    status: OverdueStatus
    due_as: bytes


class ExpireReply(NamedTuple):
    status: ExpireStatus


class ListReply(NamedTuple):
    status: ListStatus
    total: int
    ids: bytes


class ForgetReply(NamedTuple):
    status: ForgetStatus


class ChallengeStore:
    """`due_as` names a challenge in the due set of its partition; an empty `notice` tells nobody of its end."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    async def open(
        self,
        *,
        factor: Place,
        challenge: Place,
        challenge_id: str,
        due_as: str,
        record: bytes,
        most: int,
        life_ms: int,
        kept_ms: int,
        capacity: int,
        now_us: int | None = None,
    ) -> OpenReply:
        reply = await self._runner.run(
            _OPEN,
            factor.partition,
            [keys.factor(factor), keys.challenge(challenge), keys.challenges(factor), keys.due(factor)],
            [challenge_id, due_as, record, most, life_ms, kept_ms, capacity, clock(now_us)],
        )
        return OpenReply(OpenStatus(reply[0]), *reply[1:])

    async def read(self, *, challenge: Place, now_us: int | None = None) -> ReadReply:
        reply = await self._runner.run(_READ, challenge.partition, [keys.challenge(challenge)], [clock(now_us)])
        return ReadReply(ReadStatus(reply[0]), *reply[1:])

    async def attempt(
        self,
        *,
        challenge: Place,
        factor: Place,
        tenant: Place,
        factor_id: str,
        free: int,
        first_ms: int,
        longest_ms: int,
        last: int,
        ids: bytes = b"",
        now_us: int | None = None,
    ) -> AttemptReply:
        """`tenant` is the place of the tenant's factors in this partition, `ids` are those of the keys at hand."""
        reply = await self._runner.run(
            _ATTEMPT,
            challenge.partition,
            [
                keys.challenge(challenge),
                keys.factor(factor),
                keys.active_factors(tenant),
                keys.inactive_factors(tenant),
            ],
            [factor_id, free, first_ms, longest_ms, last, ids, clock(now_us)],
        )
        return AttemptReply(AttemptStatus(reply[0]), *reply[1:])

    async def conclude(
        self,
        *,
        challenge: Place,
        factor: Place,
        is_right: bool,
        step: int | None,
        due_as: str,
        notice: str,
        now_us: int | None = None,
    ) -> ConcludeReply:
        """`step` is the time step of a right code, if it has one."""
        reply = await self._runner.run(
            _CONCLUDE,
            challenge.partition,
            [keys.challenge(challenge), keys.factor(factor), keys.due(challenge), keys.outbox(challenge)],
            [
                int(is_right),
                "" if step is None else step,
                due_as,
                notice,
                clock(now_us),
            ],
        )
        return ConcludeReply(ConcludeStatus(reply[0]), reply[1])

    async def decide(
        self,
        *,
        challenge: Place,
        factor: Place,
        is_approved: bool,
        due_as: str,
        notice: str,
        now_us: int | None = None,
    ) -> DecideReply:
        reply = await self._runner.run(
            _DECIDE,
            challenge.partition,
            [keys.challenge(challenge), keys.factor(factor), keys.due(challenge), keys.outbox(challenge)],
            [int(is_approved), due_as, notice, clock(now_us)],
        )
        return DecideReply(DecideStatus(reply[0]), reply[1])

    async def cancel(
        self, *, challenge: Place, due_as: str, notice: str, now_us: int | None = None
    ) -> CancelReply:
        reply = await self._runner.run(_CANCEL, challenge.partition, *_ending(challenge, due_as, notice, now_us))
        return CancelReply(CancelStatus(reply[0]), reply[1])

    async def overdue(self, *, partition: Place, most: int, now_us: int | None = None) -> OverdueReply:
        reply = await self._runner.run(_OVERDUE, partition.partition, [keys.due(partition)], [most, clock(now_us)])
        return OverdueReply(OverdueStatus(reply[0]), reply[1])

    async def expire(
        self, *, challenge: Place, due_as: str, notice: str, now_us: int | None = None
    ) -> ExpireReply:
        reply = await self._runner.run(_EXPIRE, challenge.partition, *_ending(challenge, due_as, notice, now_us))
        return ExpireReply(ExpireStatus(reply[0]))

    async def list(
        self,
        *,
        factor: Place,
        is_oldest_first: bool,
        first: int,
        most: int,
        kept_ms: int,
        now_us: int | None = None,
    ) -> ListReply:
        order = "" if is_oldest_first else "REV"
        reply = await self._runner.run(
            _LIST, factor.partition, [keys.challenges(factor)], [order, first, most, kept_ms, clock(now_us)]
        )
        return ListReply(ListStatus(reply[0]), *reply[1:])

    async def forget(self, *, factor: Place, challenge: Place, challenge_id: str, due_as: str) -> ForgetReply:
        reply = await self._runner.run(
            _FORGET,
            factor.partition,
            [keys.challenge(challenge), keys.challenges(factor), keys.due(factor)],
            [challenge_id, due_as],
        )
        return ForgetReply(ForgetStatus(reply[0]))


def _ending(challenge: Place, due_as: str, notice: str, now_us: int | None) -> tuple[list[bytes], list[str | int]]:
    """Keys and arguments of a script that ends a challenge without an answer."""
    return (
        [keys.challenge(challenge), keys.due(challenge), keys.outbox(challenge)],
        [due_as, notice, clock(now_us)],
    )
