"""Rate limits in Redis."""

from enum import IntEnum
from typing import NamedTuple

from engine.store import keys
from engine.store.clock import clock
from engine.store.keys import Place
from engine.store.runner import Runner
from engine.store.scripts import load

_CHARGE = load("limit/charge")
_GIVE_BACK = load("limit/give_back")


class ChargeStatus(IntEnum):
    ALLOWED = 0
    EXCEEDED = 1


class GiveBackStatus(IntEnum):
    TAKEN = 0
    EMPTY = 1


class Charge(NamedTuple):
    status: ChargeStatus
    granted: int
    remaining: int
    reset_ms: int
    retry_after_ms: int


class GiveBackReply(NamedTuple):
    status: GiveBackStatus


class LimitStore:
    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    async def charge(
        self,
        *,
        subject: Place,
        quota: int,
        window_us: int,
        hold_us: int = 0,
        count: int = 1,
        now_us: int | None = None,
    ) -> Charge:
        reply = await self._runner.run(
            _CHARGE,
            subject.partition,
            [keys.limit(subject)],
            [quota, window_us, hold_us, count, clock(now_us)],
        )
        return Charge(ChargeStatus(reply[0]), *reply[1:])

    async def give_back(self, *, subject: Place, back_us: int) -> GiveBackReply:
        reply = await self._runner.run(_GIVE_BACK, subject.partition, [keys.limit(subject)], [back_us])
        return GiveBackReply(GiveBackStatus(reply[0]))
