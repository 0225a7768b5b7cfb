"""Challenges in Redis. A challenge lives in the partition of its factor, and carries that in its id."""

from enum import IntEnum
from typing import NamedTuple

from engine.store import keys
from engine.store.clock import clock
from engine.store.keys import Place
from engine.store.link import Runner
from engine.store.scripts import load

_OPEN = load("challenge/open")
_READ = load("challenge/read")
_ATTEMPT = load("challenge/attempt")
_CONCLUDE = load("challenge/conclude")
_LIST = load("challenge/list")
_FORGET = load("challenge/forget")


class OpenStatus(IntEnum):
    OPENED = 0
    ABSENT = 1
    CLOSED = 2
    LOCKED = 3


class ReadStatus(IntEnum):
    FOUND = 0
    ABSENT = 1


class AttemptStatus(IntEnum):
    COUNTED = 0
    ABSENT = 1
    CLOSED = 2
    LOCKED = 3


class ConcludeStatus(IntEnum):
    VERIFIED = 0
    FAILED = 1
    CLOSED = 2


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
    now_ms: int
    retry_after_ms: int


class ConcludeReply(NamedTuple):
    status: ConcludeStatus
    now_ms: int


class ListReply(NamedTuple):
    status: ListStatus
    total: int
    ids: bytes


class ForgetReply(NamedTuple):
    status: ForgetStatus


class ChallengeStore:
    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    async def open(
        self,
        *,
        factor: Place,
        challenge: Place,
        challenge_id: str,
        record: bytes,
        life_ms: int,
        kept_ms: int,
        now_us: int | None = None,
    ) -> OpenReply:
        reply = await self._runner.run(
            _OPEN,
            factor.partition,
            [keys.factor(factor), keys.challenge(challenge), keys.challenges(factor)],
            [challenge_id, record, life_ms, kept_ms, clock(now_us)],
        )
        return OpenReply(OpenStatus(reply[0]), *reply[1:])

    async def read(self, *, challenge: Place, now_us: int | None = None) -> ReadReply:
        reply = await self._runner.run(_READ, challenge.partition, [keys.challenge(challenge)], [clock(now_us)])
        return ReadReply(ReadStatus(reply[0]), *reply[1:])

    async def attempt(
        self, *, challenge: Place, factor: Place, most: int, now_us: int | None = None
    ) -> AttemptReply:
        reply = await self._runner.run(
            _ATTEMPT,
            challenge.partition,
            [keys.challenge(challenge), keys.factor(factor)],
            [most, clock(now_us)],
        )
        return AttemptReply(AttemptStatus(reply[0]), *reply[1:])

    async def conclude(
        self,
        *,
        challenge: Place,
        factor: Place,
        step: int | None,
        free: int,
        first_ms: int,
        longest_ms: int,
        now_us: int | None = None,
    ) -> ConcludeReply:
        """`step` is the time step of a right code, None of a wrong one."""
        reply = await self._runner.run(
            _CONCLUDE,
            challenge.partition,
            [keys.challenge(challenge), keys.factor(factor)],
            ["" if step is None else step, free, first_ms, longest_ms, clock(now_us)],
        )
        return ConcludeReply(ConcludeStatus(reply[0]), reply[1])

    async def list(
        self, *, factor: Place, first: int, most: int, kept_ms: int, now_us: int | None = None
    ) -> ListReply:
        reply = await self._runner.run(
            _LIST, factor.partition, [keys.challenges(factor)], [first, most, kept_ms, clock(now_us)]
        )
        return ListReply(ListStatus(reply[0]), *reply[1:])

    async def forget(self, *, factor: Place, challenge: Place, challenge_id: str) -> ForgetReply:
        reply = await self._runner.run(
            _FORGET, factor.partition, [keys.challenge(challenge), keys.challenges(factor)], [challenge_id]
        )
        return ForgetReply(ForgetStatus(reply[0]))
