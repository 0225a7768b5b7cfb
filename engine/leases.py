"""Leases on rate limits: a busy worker charges some requests ahead, so that the usual one asks nobody.

A lease is sized by what was used lately and lasts a twentieth of a second at most. It is charged against a burst
that is smaller by that time, so the quota holds over all workers, to within the round trip of a charge
(lua/include/gcra.lua). Where a quota is too small to share out, or requests are rare, every request is charged by
itself.
"""

from math import ceil

from engine.rates import Rate

HOLD_SECONDS = 0.05

# A lease should be used up in a quarter of the time that it may last: then little is lost when traffic ends.
_AIM_SECONDS = HOLD_SECONDS / 4
# No lease takes more than half of what the limit lets through meanwhile: other workers want some too.
_SHARE = 2


class Lease:
    """What one worker holds of one limit. Instants are seconds of a monotonic clock."""

    __slots__ = ("_granted", "_granted_at", "_most", "_refused_until", "_remaining", "left", "rate", "reset_ms")

    def __init__(self, rate: Rate) -> None:
        self.rate = rate
        self.left = 0
        self._most = int(HOLD_SECONDS * rate.quota / rate.window_s) // _SHARE
        self._granted = 0
        self._granted_at = 0.0
        self._remaining = 0
        self.reset_ms = 0  # until the whole quota is free again, as of the last answer of Redis
        self._refused_until = 0.0

    @property
    def hold_us(self) -> int:
        """How long a request that was charged may be held back; 0 where the quota is too small for leases."""
        return int(HOLD_SECONDS * 1_000_000) if self._most > 1 else 0

    def take(self, now: float) -> bool:
        """Use up one request that was charged ahead, if there is one that has not grown old."""
        if self.left and now - self._granted_at < HOLD_SECONDS:
            self.left -= 1
            return True
        return False

    def size(self, now: float) -> int:
        """How many requests to charge next."""
        age = max(now - self._granted_at, 1e-6)
        if self._most <= 1 or age > 1:
            return 1
        used = self._granted - self.left
        return max(1, min(int(used * _AIM_SECONDS / age), 2 * used, self._most))

    def grant(self, count: int, *, remaining: int, reset_ms: int, now: float) -> None:
        """Redis has charged this many."""
        self.left = self._granted = count
        self._granted_at = now
        self._remaining = remaining
        self.reset_ms = reset_ms

    def refuse(self, *, retry_after_ms: int, reset_ms: int, now: float) -> None:
        """Redis has charged none, and will not for a while: until then there is no need to ask."""
        self.left = self._remaining = 0
        self._refused_until = now + retry_after_ms / 1000
        self.reset_ms = reset_ms

    def retry_after_ms(self, now: float) -> int:
        """How long the limit is known to be exhausted; 0 if it is not."""
        return max(ceil((self._refused_until - now) * 1000), 0)

    def remaining(self) -> int:
        """What is left of the quota, as far as is known here."""
        return self._remaining + self.left

    def is_idle(self, now: float) -> bool:
        """Whether there is nothing worth remembering."""
        return now - self._granted_at > 1 and now > self._refused_until

    def unused_us(self, now: float) -> int:
        """What giving back frees: what was charged, less what has drained from the limit since."""
        age_us = int((now - self._granted_at) * 1_000_000)
        return max(self.left * self.rate.emission_us - age_us, 0)
