"""Rate limits: who may ask how often."""

import asyncio
from dataclasses import dataclass
from time import monotonic
from typing import Self

from engine.errors import LimitExceeded, LimitState, LinkDown, Unavailable
from engine.leases import Lease
from engine.rates import Rate
from engine.store.keys import KeySpace
from engine.store.limits import ChargeStatus, LimitStore

_SWEEP_SECONDS = 5.0

_NO_STATES: tuple[LimitState, ...] = ()


@dataclass(slots=True)
class Decisions:
    """Counts of one policy, for the metrics: requests let through or refused, and whether Redis was asked."""

    allowed_unasked: int = 0
    allowed: int = 0
    refused_unasked: int = 0
    refused: int = 0


class _Held:
    """A lease, and the requests that wait while it is renewed."""

    __slots__ = ("decisions", "lease", "renewal", "subject", "waiting")

    def __init__(self, lease: Lease, subject: tuple[str, ...], decisions: Decisions) -> None:
        self.lease = lease
        self.subject = subject
        self.decisions = decisions
        self.waiting = 0
        self.renewal: asyncio.Future[bool | None] | None = None


class Limits:
    """Charges requests; entered for the time of serving, it forgets idle subjects and gives back at the end."""

    def __init__(self, store: LimitStore, space: KeySpace) -> None:
        self.decisions: dict[str, Decisions] = {}  # by policy
        self._store = store
        self._space = space
        self._held: dict[tuple[str, ...], _Held] = {}
        self._sweeping: asyncio.Task[None] | None = None
        self._renewals: set[asyncio.Task[bool | None]] = set()  # those that nobody waits for yet

    async def __aenter__(self) -> Self:
        self._sweeping = asyncio.create_task(self._keep_sweeping(), name="limits")
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        if self._sweeping is not None:
            self._sweeping.cancel()
        await asyncio.gather(*self._renewals, return_exceptions=True)
        await asyncio.gather(*map(self._give_back, self._held.values()))

    async def charge(self, policy: str, rate: Rate, *subject: str) -> tuple[LimitState, ...]:
        """Charge one request, and tell where the subject stands; nothing to tell where there is no limit.

        Raises:
            LimitExceeded: refused, and not charged.
        """
        if not rate.quota:
            return _NO_STATES
        name = (policy, *subject)
        held = self._held.get(name)
        if held is None or held.lease.rate != rate:
            held = self._held[name] = _Held(
                Lease(policy, rate), name, self.decisions.setdefault(policy, Decisions())
            )
        lease, now = held.lease, monotonic()
        if lease.take(now):
            held.decisions.allowed_unasked += 1
            if lease.is_running_low and held.renewal is None:
                self._renew_ahead(held)
        elif retry_after_ms := lease.retry_after_ms(now):
            held.decisions.refused_unasked += 1
            raise LimitExceeded(lease.state, retry_after_ms)
        else:
            await self._take_next(held)
        return (lease.state,)

    async def _take_next(self, held: _Held) -> None:
        """Take one of the requests that are charged next.

        Raises:
            LimitExceeded
        """
        lease = held.lease
        while True:
            short = await self._renew(held)
            if lease.take(now := monotonic()):
                held.decisions.allowed += 1
                return
            if short or lease.retry_after_ms(now):
                held.decisions.refused += 1
                raise LimitExceeded(lease.state, max(lease.retry_after_ms(now), 1))

    def count(self, policy: str, *, refused: bool) -> None:
        """A decision that another noun's script made."""
        decided = self.decisions.setdefault(policy, Decisions())
        decided.refused += refused
        decided.allowed += not refused

    async def _renew(self, held: _Held) -> bool:
        """Charge the next requests, for everybody who waits; or wait for whoever is at it.

        True if fewer were granted than asked for: then whoever got none is refused, and nobody asks again.

        Raises:
            LinkDown: Redis was not there to ask. At worst a request was charged that is not made.
        """
        held.waiting += 1
        try:
            if held.renewal is not None:
                short = await asyncio.shield(held.renewal)
            else:
                short = await self._renew_for_all(held)
        finally:
            held.waiting -= 1
        if short is None:
            raise LinkDown
        return short

    def _renew_ahead(self, held: _Held) -> None:
        """Charge the next requests while there is something left. If that fails, whoever needs one asks again."""
        task = asyncio.create_task(self._renew_for_all(held), name="renewal")
        self._renewals.add(task)
        task.add_done_callback(self._renewals.discard)

    async def _renew_for_all(self, held: _Held) -> bool | None:
        renewal = held.renewal = asyncio.get_running_loop().create_future()
        short: bool | None = None
        try:
            short = await self._charge(held)
        except Unavailable:
            short = None
        finally:
            held.renewal = None
            renewal.set_result(short)
        return short

    async def _charge(self, held: _Held) -> bool:
        lease = held.lease
        asked = max(lease.size(monotonic()), held.waiting)
        charge = await self._store.charge(
            subject=self._space.place("limit", *held.subject),
            quota=lease.rate.quota,
            window_us=lease.rate.window_us,
            hold_us=lease.hold_us,
            count=asked,
        )
        now = monotonic()
        if charge.status is ChargeStatus.EXCEEDED:
            lease.refuse(retry_after_ms=charge.retry_after_ms, reset_ms=charge.reset_ms, now=now)
        else:
            lease.grant(charge.granted, remaining=charge.remaining, reset_ms=charge.reset_ms, now=now)
        return charge.granted < asked

    async def _give_back(self, held: _Held) -> None:
        back_us = held.lease.give_up(monotonic())
        if back_us:
            try:
                await self._store.give_back(subject=self._space.place("limit", *held.subject), back_us=back_us)
            except Unavailable:
                return  # it drains by itself

    async def _keep_sweeping(self) -> None:
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            now = monotonic()
            idle = [name for name, held in self._held.items() if not held.waiting and held.lease.is_idle(now)]
            for name in idle:
                del self._held[name]
