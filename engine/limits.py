"""Rate limits: who may ask how often."""

import re
from typing import NamedTuple

from engine.errors import LimitExceeded, LimitState
from engine.store.keys import KeySpace
from engine.store.limits import ChargeStatus, LimitStore

_RATE = re.compile(r"([1-9][0-9]{0,8})/([1-9][0-9]{0,5})")
_MICROSECONDS = 1_000_000


class Rate(NamedTuple):
    """So many requests in so many seconds, all of them at once if need be. A quota of 0 is no limit."""

    quota: int
    window_s: int

    @classmethod
    def parse(cls, text: str) -> "Rate":
        """Read `quota/seconds`, or `0` for no limit.

        Raises:
            ValueError: anything else.
        """
        if text == "0":
            return NO_LIMIT
        match = _RATE.fullmatch(text)
        if match is None:
            raise ValueError("a rate is written quota/seconds, as in 60/60, or 0 for no limit")
        return cls(int(match[1]), int(match[2]))

    @classmethod
    def per_second(cls, quota: int) -> "Rate":
        return cls(quota, 1)

    @property
    def window_us(self) -> int:
        return self.window_s * _MICROSECONDS

    def state(self, policy: str, *, remaining: int, reset_ms: int) -> LimitState:
        return LimitState(policy, self.quota, self.window_s, remaining, reset_ms)


NO_LIMIT = Rate(0, 1)


class DefaultRates(NamedTuple):
    """The limits of a deployment, where a tenant sets none."""

    submit_per_address: Rate
    submit_per_key: Rate
    fetch_per_api_key: Rate
    login_per_email: Rate
    login_per_address: Rate
    sign_up_per_email: Rate
    sign_up_per_address: Rate


class Limits:
    def __init__(self, store: LimitStore, space: KeySpace) -> None:
        self._store = store
        self._space = space

    async def charge(self, policy: str, rate: Rate, *subject: str) -> tuple[LimitState, ...]:
        """Charge one request, and tell where the subject stands; nothing to tell where there is no limit.

        Raises:
            LimitExceeded: refused, and not charged.
        """
        if not rate.quota:
            return ()
        place = self._space.place("limit", policy, *subject)
        charge = await self._store.charge(subject=place, quota=rate.quota, window_us=rate.window_us)
        state = rate.state(policy, remaining=charge.remaining, reset_ms=charge.reset_ms)
        if charge.status is ChargeStatus.EXCEEDED:
            raise LimitExceeded(state, charge.retry_after_ms)
        return (state,)
