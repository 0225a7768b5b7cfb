"""Leases on rate limits: a busy worker charges some requests ahead, so that the usual one asks nobody.

A lease is sized by what was used lately and lasts a twentieth of a second at most. It is charged against a burst
that is smaller by that time, so the quota holds over all workers, to within the round trip of a charge
(lua/include/gcra.lua). Where a quota is too small to share out, or requests are rare, every request is charged by
itself.
"""

from math import ceil

from engine.errors import LimitState
from engine.rates import Rate

HOLD_SECONDS = 0.05

# A lease should be used up in a quarter of the time that it may last: then little is lost when traffic ends.
_AIM_SECONDS = HOLD_SECONDS / 4
# No lease takes more than half of what the limit lets through meanwhile: other workers want some too.
_SHARE = 2
# The next lease is asked for when a quarter of this one is left, so that no request has to wait for it. After a
# small one requests wait: whoever comes seldom must not be charged for what is never asked.
_LAST_PART = 4
_SMALL = 8


class Lease:
    """What one worker holds of one limit. Instants are seconds of a monotonic clock."""

    __slots__ = (
        "_granted_at",
        "_held",
        "_low",
        "_most",
        "_next",
        "_next_at",
        "_refused_until",
        "left",
        "rate",
        "state",
    )

    def __init__(self, policy: str, rate: Rate) -> None:
        self.rate = rate
        self.left = 0
        # As of the last answer of Redis. What is charged ahead counts as used, so this never promises too much.
        self.state = LimitState(policy, rate.quota, rate.window_s, 0, 0)
        self._most = int(HOLD_SECONDS * rate.quota / rate.window_s) // _SHARE
        self._granted_at = 0.0
        self._next = 0  # granted while there was something left
        self._next_at = 0.0
        self._held = 0  # just after the last grant
        self._low = -1
        self._refused_until = 0.0

    @property
    def hold_us(self) -> int:
        """How long a request that was charged may be held back; 0 where the quota is too small for leases."""
        return int(HOLD_SECONDS * 1_000_000) if self._most > 1 else 0

    @property
    def is_running_low(self) -> bool:
        """Whether it is time to ask for the next one: true once in a lease."""
        return self.left == self._low and not self._next

    def take(self, now: float) -> bool:
        """Use up one request that was charged ahead, if there is one that has not grown old."""
        if self.left and now - self._granted_at < HOLD_SECONDS:
            self.left -= 1
            return True
        if not self._next:
            return False
        self.left, self._granted_at, self._next = self._next, self._next_at, 0
        self._low = self.left // _LAST_PART if self.left >= _SMALL else -1
        return self.take(now)

    def size(self, now: float) -> int:
        """How many requests to charge next."""
        age = max(now - max(self._granted_at, self._next_at), 1e-6)
        if self._most <= 1 or age > 1:
            return 1
        used = self._held - self.left - self._next
        return max(1, min(int(used * _AIM_SECONDS / age), 2 * used, self._most))

    def grant(self, count: int, *, remaining: int, reset_ms: int, now: float) -> None:
        """Redis has charged this many."""
        if now - self._granted_at >= HOLD_SECONDS:
            self.left = 0
        self._next, self._next_at = count, now
        self._held = self.left + count
        self.state = self.state._replace(remaining=remaining, reset_ms=reset_ms)

    def refuse(self, *, retry_after_ms: int, reset_ms: int, now: float) -> None:
        """Redis has charged none, and will not for a while: until then there is no need to ask."""
        self._refused_until = now + retry_after_ms / 1000
        self.state = self.state._replace(remaining=0, reset_ms=reset_ms)

    def retry_after_ms(self, now: float) -> int:
        """How long the limit is known to be exhausted; 0 if it is not."""
        return max(ceil((self._refused_until - now) * 1000), 0)

    def is_idle(self, now: float) -> bool:
        """Whether there is nothing worth remembering."""
        return now - max(self._granted_at, self._next_at) > 1 and now > self._refused_until

    def give_up(self, now: float) -> int:
        """Hold nothing any more. Tells what giving back frees: what was charged, less what has drained since."""
        unused, since = self.left + self._next, self._granted_at if self.left else self._next_at
        self.left = self._next = 0
        age_us = int((now - since) * 1_000_000)
        return max(unused * self.rate.emission_us - age_us, 0)
