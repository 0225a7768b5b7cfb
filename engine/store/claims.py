"""Unique names in Redis. A name and what it names may be in different partitions: take, create, keep."""

from enum import IntEnum
from typing import NamedTuple

from engine.store import keys
from engine.store.keys import Place
from engine.store.link import Runner
from engine.store.scripts import load

_TAKE = load("claim/take")
_READ = load("claim/read")
_KEEP = load("claim/keep")
_RELEASE = load("claim/release")


class TakeStatus(IntEnum):
    TAKEN = 0
    REFUSED = 1


class KeepStatus(IntEnum):
    KEPT = 0
    LAPSED = 1


class ReleaseStatus(IntEnum):
    RELEASED = 0
    LAPSED = 1


class TakeReply(NamedTuple):
    status: TakeStatus


class KeepReply(NamedTuple):
    status: KeepStatus


class ReleaseReply(NamedTuple):
    status: ReleaseStatus


class ReadStatus(IntEnum):
    TAKEN = 0
    FREE = 1


class ReadReply(NamedTuple):
    status: ReadStatus
    owner: bytes


class ClaimStore:
    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    async def take(self, *, name: Place, owner: str, lapse_ms: int) -> TakeReply:
        reply = await self._runner.run(_TAKE, name.partition, [keys.claim(name)], [owner, lapse_ms])
        return TakeReply(TakeStatus(reply[0]))

    async def read(self, *, name: Place) -> ReadReply:
        reply = await self._runner.run(_READ, name.partition, [keys.claim(name)], [])
        return ReadReply(ReadStatus(reply[0]), reply[1])

    async def keep(self, *, name: Place, owner: str) -> KeepReply:
        reply = await self._runner.run(_KEEP, name.partition, [keys.claim(name)], [owner])
        return KeepReply(KeepStatus(reply[0]))

    async def release(self, *, name: Place, owner: str) -> ReleaseReply:
        reply = await self._runner.run(_RELEASE, name.partition, [keys.claim(name)], [owner])
        return ReleaseReply(ReleaseStatus(reply[0]))
