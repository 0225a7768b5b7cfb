"""Whose turn it is: what a courier holds, a line for each tenant, served in turns.

A tenant whose receiver hangs has a bounded share of the courier, and only one attempt at a time and a short line
once several in a row came to nothing. What does not fit into its line is put off, for as long as the line would
take to get to it.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import NamedTuple

from engine.deliveries import Delivery
from engine.ids import TenantId

_LINE_PER_SLOT = 4
_FAILURES_IN_A_ROW = 5
_LONGEST_PUT_OFF_S = 60.0
_FIRST_GUESS_S = 0.1
_WEIGHT = 0.2  # of the newest in the average time of a delivery
_MOST_LINES = 10_000


class Held(NamedTuple):
    """A delivery, and when it was taken; seconds of a monotonic clock."""

    delivery: Delivery
    taken_at: float


@dataclass(slots=True)
class Line:
    waiting: deque[Held] = field(default_factory=deque[Held])
    active: int = 0
    failures: int = 0
    seconds: float = _FIRST_GUESS_S  # that a delivery takes, on average
    next_slot: float = 0.0
    is_in_turn: bool = False

    @property
    def is_failing(self) -> bool:
        return self.failures >= _FAILURES_IN_A_ROW


class Lines:
    """Args:
    slots: deliveries at once, of all tenants.
    """

    def __init__(self, *, slots: int) -> None:
        self._slots = slots
        self._share = max(slots // 4, 1)
        self._lines: dict[TenantId, Line] = {}
        self._turns: deque[TenantId] = deque()
        self._active = 0

    @property
    def held(self) -> int:
        """What is under way, and what waits but for tenants that fail: their lines move too slowly to wait for."""
        return self._active + sum(len(line.waiting) for line in self._lines.values() if not line.is_failing)

    def add(self, held: Held, *, now: float) -> float:
        """Stand in line. If that is full: the seconds for which to put the delivery off, else 0."""
        tenant_id = held.delivery.event.tenant_id
        line = self._line(tenant_id)
        share = self._share_of(line)
        if len(line.waiting) >= share * _LINE_PER_SLOT:
            line.next_slot = max(line.next_slot, now + 1) + line.seconds / share
            return min(line.next_slot - now, _LONGEST_PUT_OFF_S)
        line.waiting.append(held)
        self._give_turn(tenant_id, line)
        return 0.0

    def next(self) -> Held | None:
        """Whose turn it is; None if nobody's, or nothing more may be under way. `done` must follow."""
        if self._active >= self._slots:
            return None
        while self._turns:
            tenant_id = self._turns.popleft()
            line = self._lines[tenant_id]
            line.is_in_turn = False
            if line.active < self._share_of(line):  # it may have failed since it was given the turn
                return self._start(tenant_id, line)
        return None

    def _start(self, tenant_id: TenantId, line: Line) -> Held:
        held = line.waiting.popleft()
        line.active += 1
        self._active += 1
        self._give_turn(tenant_id, line)
        return held

    def done(self, held: Held, *, failed: bool | None, seconds: float) -> None:
        """A delivery that had its turn is over, after so many seconds. None = it was not tried."""
        tenant_id = held.delivery.event.tenant_id
        line = self._lines[tenant_id]
        line.active -= 1
        self._active -= 1
        if failed is not None:
            line.failures = line.failures + 1 if failed else 0
            line.seconds += (seconds - line.seconds) * _WEIGHT
        self._give_turn(tenant_id, line)

    def _line(self, tenant_id: TenantId) -> Line:
        line = self._lines.get(tenant_id)
        if line is None:
            if len(self._lines) >= _MOST_LINES:
                self._forget_idle()
            line = self._lines[tenant_id] = Line()
        return line

    def _give_turn(self, tenant_id: TenantId, line: Line) -> None:
        if line.waiting and line.active < self._share_of(line) and not line.is_in_turn:
            line.is_in_turn = True
            self._turns.append(tenant_id)

    def _share_of(self, line: Line) -> int:
        return 1 if line.is_failing else self._share

    def _forget_idle(self) -> None:
        idle = [tenant_id for tenant_id, line in self._lines.items() if not line.waiting and not line.active]
        for tenant_id in idle:
            del self._lines[tenant_id]
