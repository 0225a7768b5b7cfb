"""Rate limits in Redis."""

from enum import IntEnum
from typing import NamedTuple

from engine.store import keys
from engine.store.keys import Place
from engine.store.link import Runner
from engine.store.scripts import load

_CHARGE = load("limit/charge")


class ChargeStatus(IntEnum):
    ALLOWED = 0
    EXCEEDED = 1


class Charge(NamedTuple):
    status: ChargeStatus
    remaining: int
    reset_ms: int
    retry_after_ms: int


class LimitStore:
    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    async def charge(self, *, subject: Place, quota: int, window_us: int, now_us: int | None = None) -> Charge:
        reply = await self._runner.run(
            _CHARGE,
            subject.partition,
            [keys.limit(subject)],
            [quota, window_us, "" if now_us is None else now_us],
        )
        return Charge(ChargeStatus(reply[0]), *reply[1:])
