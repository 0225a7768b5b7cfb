"""Unique names in Redis. A name and what it names may be in different partitions.

Who names something for good takes, creates, keeps. Who may be renamed holds: see engine.factor_names.
"""

from enum import IntEnum
from typing import NamedTuple

from engine.store import keys
from engine.store.clock import clock
from engine.store.keys import Place
from engine.store.runner import Runner
from engine.store.scripts import load

_TAKE = load("claim/take")
_HOLD = load("claim/hold")
_READ = load("claim/read")
_KEEP = load("claim/keep")
_RELEASE = load("claim/release")


class TakeStatus(IntEnum):
    TAKEN = 0
    REFUSED = 1


class HoldStatus(IntEnum):
    HELD = 0
    REFUSED = 1


class KeepStatus(IntEnum):
    KEPT = 0
    LAPSED = 1


class ReleaseStatus(IntEnum):
    RELEASED = 0
    LAPSED = 1


class TakeReply(NamedTuple):
    status: TakeStatus


class HoldReply(NamedTuple):
    status: HoldStatus
    value: bytes
    now_ms: int


class KeepReply(NamedTuple):
    status: KeepStatus


class ReleaseReply(NamedTuple):
    status: ReleaseStatus


class ReadStatus(IntEnum):
    TAKEN = 0
    FREE = 1


class ReadReply(NamedTuple):
    status: ReadStatus
    value: bytes


class ClaimStore:
    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    async def take(self, *, name: Place, owner: str, lapse_ms: int) -> TakeReply:
        reply = await self._runner.run(_TAKE, name.partition, [keys.claim(name)], [owner, lapse_ms])
        return TakeReply(TakeStatus(reply[0]))

    async def hold(
        self, *, name: Place, owner: str, nonce: str, lapse_ms: int | None, now_us: int | None = None
    ) -> HoldReply:
        lapse = "" if lapse_ms is None else lapse_ms
        reply = await self._runner.run(
            _HOLD, name.partition, [keys.claim(name)], [owner, nonce, lapse, clock(now_us)]
        )
        return HoldReply(HoldStatus(reply[0]), *reply[1:])

    async def read(self, *, name: Place) -> ReadReply:
        reply = await self._runner.run(_READ, name.partition, [keys.claim(name)], [])
        return ReadReply(ReadStatus(reply[0]), reply[1])

    async def keep(self, *, name: Place, owner: str) -> KeepReply:
        reply = await self._runner.run(_KEEP, name.partition, [keys.claim(name)], [owner])
        return KeepReply(KeepStatus(reply[0]))

    async def release(self, *, name: Place, value: str | bytes) -> ReleaseReply:
        """`value` is that of the claim in full: of one that was taken, its owner."""
        reply = await self._runner.run(_RELEASE, name.partition, [keys.claim(name)], [value])
        return ReleaseReply(ReleaseStatus(reply[0]))
