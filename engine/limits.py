"""Rate limits: who may ask how often."""

import asyncio
from collections import deque
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
    """A lease, and the requests that wait for its renewal, in the order in which they came.

    What becomes of a turn: True = charged, False = over the limit, None = Redis could not be asked.
    """

    __slots__ = ("decisions", "is_renewing", "lease", "subject", "turns")

    def __init__(self, lease: Lease, subject: tuple[str, ...], decisions: Decisions) -> None:
        self.lease = lease
        self.subject = subject
        self.decisions = decisions
        self.is_renewing = False
        self.turns: deque[asyncio.Future[bool | None]] = deque()

    def serve(self, now: float) -> None:
        """Give turns what the lease has, before anybody who comes later gets something of it."""
        while self.turns and (self.turns[0].done() or self.lease.take(now)):
            _end(self.turns.popleft(), outcome=True)

    def dismiss(self, *, outcome: bool | None) -> None:
        """Give all turns that are left the same outcome."""
        while self.turns:
            _end(self.turns.popleft(), outcome=outcome)


class Limits:
    """Charges requests; entered for the time of serving, it forgets idle subjects and gives back at the end."""

    def __init__(self, store: LimitStore, space: KeySpace) -> None:
        self.decisions: dict[str, Decisions] = {}  # by policy
        self._store = store
        self._space = space
        self._held: dict[tuple[str, ...], _Held] = {}
        self._sweeping: asyncio.Task[None] | None = None
        self._renewals: set[asyncio.Task[None]] = set()  # those that nobody waits for yet

    async def __aenter__(self) -> Self:
        self._sweeping = asyncio.create_task(self._keep_sweeping(), name="limits")
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        if self._sweeping is not None:
            self._sweeping.cancel()
        await asyncio.gather(*self._renewals, return_exceptions=True)
        await asyncio.gather(*map(self._give_back, self._held.values()))

    def take(self, policy: str, rate: Rate, *subject: str) -> tuple[LimitState, ...]:
        """Use up a request that was charged ahead, and tell where the subject stands; nothing = ask `charge`."""
        held = self._held.get((policy, *subject))
        if held is None or held.lease.rate != rate or not held.lease.take(monotonic()):
            return _NO_STATES
        held.decisions.allowed_unasked += 1
        if held.lease.is_running_low and not held.is_renewing:
            self._renew_ahead(held)
        return (held.lease.state,)

    async def charge(self, policy: str, rate: Rate, *subject: str) -> tuple[LimitState, ...]:
        """Charge one request, and tell where the subject stands; nothing to tell where there is no limit.

        Raises:
            LimitExceeded: refused, and not charged.
        """
        if not rate.quota:
            return _NO_STATES
        if taken := self.take(policy, rate, *subject):
            return taken
        held = self._hold(rate, (policy, *subject))
        if retry_after_ms := held.lease.retry_after_ms(monotonic()):
            held.decisions.refused_unasked += 1
            raise LimitExceeded(held.lease.state, retry_after_ms)
        await self._wait(held)
        return (held.lease.state,)

    def _hold(self, rate: Rate, name: tuple[str, ...]) -> _Held:
        held = self._held.get(name)
        if held is None or held.lease.rate != rate:
            policy = name[0]
            held = _Held(Lease(policy, rate), name, self.decisions.setdefault(policy, Decisions()))
            self._held[name] = held
        return held

    async def _wait(self, held: _Held) -> None:
        """Wait in line for a renewal; whoever comes first sees to it.

        Raises:
            LimitExceeded
            LinkDown: Redis was not there to ask. At worst a request was charged that is not made.
        """
        turn: asyncio.Future[bool | None] = asyncio.get_running_loop().create_future()
        held.turns.append(turn)
        if not held.is_renewing:
            await self._renew(held)
        outcome = await turn
        if outcome is None:
            raise LinkDown
        if not outcome:
            held.decisions.refused += 1
            raise LimitExceeded(held.lease.state, max(held.lease.retry_after_ms(monotonic()), 1))
        held.decisions.allowed += 1

    def count(self, policy: str, *, refused: bool) -> None:
        """A decision that another noun's script made."""
        decided = self.decisions.setdefault(policy, Decisions())
        decided.refused += refused
        decided.allowed += not refused

    def _renew_ahead(self, held: _Held) -> None:
        """Charge the next requests while there is something left. If that fails, whoever needs one asks again."""
        task = asyncio.create_task(self._renew(held), name="renewal")
        self._renewals.add(task)
        task.add_done_callback(self._renewals.discard)

    async def _renew(self, held: _Held) -> None:
        """Charge the next requests, and see to everybody who waits.

        Where fewer are granted than asked for, whoever gets none is refused, and nobody asks again.
        """
        held.is_renewing = True
        outcome: bool | None = None
        try:
            short = await self._charge(held)
            while held.turns and not short:
                short = await self._charge(held)
            outcome = False
        except Unavailable:
            pass
        finally:
            held.is_renewing = False
            held.dismiss(outcome=outcome)

    async def _charge(self, held: _Held) -> bool:
        """True if fewer were granted than asked for."""
        lease = held.lease
        asked = max(lease.size(monotonic()), len(held.turns))
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
            held.serve(now)
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
            idle = [name for name, held in self._held.items() if not held.turns and held.lease.is_idle(now)]
            for name in idle:
                del self._held[name]


def _end(turn: asyncio.Future[bool | None], *, outcome: bool | None) -> None:
    if not turn.done():  # whoever waited may have gone
        turn.set_result(outcome)
