"""Which keys there are and which processes have them, in Redis: never a key."""

from enum import IntEnum
from typing import NamedTuple

from engine.store import keys
from engine.store.clock import clock
from engine.store.runner import Runner
from engine.store.scripts import load

_JOIN = load("keyholder/join")
_LEAVE = load("keyholder/leave")
_READ = load("keyholder/read")


class JoinStatus(IntEnum):
    JOINED = 0
    FORGED = 1
    LACKING = 2
    AHEAD = 3


class LeaveStatus(IntEnum):
    LEFT = 0
    ABSENT = 1


class ReadStatus(IntEnum):
    READ = 0


class JoinReply(NamedTuple):
    status: JoinStatus
    subject: bytes
    now_ms: int


class LeaveReply(NamedTuple):
    status: LeaveStatus


class ReadReply(NamedTuple):
    status: ReadStatus
    now_ms: int
    keys: bytes
    holders: bytes


class KeyholderStore:
    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    async def join(self, *, holder: str, ring: str, life_ms: int, now_us: int | None = None) -> JoinReply:
        reply = await self._runner.run(
            _JOIN, 0, [keys.KEY_CHECKS, keys.KEY_HOLDERS], [holder, ring, life_ms, clock(now_us)]
        )
        return JoinReply(JoinStatus(reply[0]), *reply[1:])

    async def leave(self, *, holder: str) -> LeaveReply:
        reply = await self._runner.run(_LEAVE, 0, [keys.KEY_HOLDERS], [holder])
        return LeaveReply(LeaveStatus(reply[0]))

    async def read(self, *, life_ms: int, now_us: int | None = None) -> ReadReply:
        reply = await self._runner.run(_READ, 0, [keys.KEY_CHECKS, keys.KEY_HOLDERS], [life_ms, clock(now_us)])
        return ReadReply(ReadStatus(reply[0]), *reply[1:])
