"""Whose turn it is: what a courier holds, a line for each tenant, served in turns.

A tenant has a quarter of the courier, and more of it only while nobody else waits; a last quarter is never lent,
so that whoever comes next is served at once. A tenant whose receiver hangs has one attempt at a time and a short
line once several in a row came to nothing, and all of these together have a quarter. What does not fit into its
line is put off, for as long as the line would take to get to it.
"""

from collections import OrderedDict, deque
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

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

    @property
    def is_failing(self) -> bool:
        return self.failures >= _FAILURES_IN_A_ROW


Queue: TypeAlias = OrderedDict[TenantId, Line]


class Lines:
    """Args:
    slots: deliveries at once, of all tenants.
    """

    def __init__(self, *, slots: int) -> None:
        self._slots = slots
        self._share = max(slots // 4, 1)
        self._lent = max(slots - self._share, self._share)
        self._most_failing = slots * _LINE_PER_SLOT
        self._lines: dict[TenantId, Line] = {}
        # Those that have less than their share, those that fail, and those that could do with more.
        self._sharing, self._failing, self._borrowing = Queue(), Queue(), Queue()
        self._turns = deque([self._sharing, self._failing])
        # By whether their lines fail.
        self._active = [0, 0]
        self._waiting = [0, 0]

    @property
    def held(self) -> int:
        """What is under way, and what waits but for tenants that fail: their lines move too slowly to wait for."""
        return sum(self._active) + self._waiting[False]

    def add(self, held: Held, *, now: float) -> float:
        """Stand in line. If that is full: the seconds for which to put the delivery off, else 0."""
        tenant_id = held.delivery.event.tenant_id
        line = self._line(tenant_id)
        if self._room(line) < 1:
            line.next_slot = max(line.next_slot, now + 1) + line.seconds / self._pace(line)
            return min(line.next_slot - now, _LONGEST_PUT_OFF_S)
        line.waiting.append(held)
        self._waiting[line.is_failing] += 1
        self._give_turn(tenant_id, line)
        return 0.0

    def next(self) -> Held | None:
        """Whose turn it is; None if nobody's, or nothing more may be under way. `done` must follow."""
        if sum(self._active) >= self._slots:
            return None
        for queue in (*self._turns, self._borrowing):
            if held := self._next_of(queue):
                self._turns.rotate()  # those that fail are neither before nor behind all others
                return held
        return None

    def _next_of(self, queue: Queue) -> Held | None:
        if queue is self._failing and self._active[True] >= self._share:
            return None
        while queue:
            tenant_id, line = queue.popitem(last=False)
            if self._queue_of(line) is queue:  # or something happened to it since it was given the turn
                return self._start(tenant_id, line)
        return None

    def _start(self, tenant_id: TenantId, line: Line) -> Held:
        held = line.waiting.popleft()
        line.active += 1
        self._active[line.is_failing] += 1
        self._waiting[line.is_failing] -= 1
        if not line.waiting:
            line.next_slot = 0.0
        self._give_turn(tenant_id, line)
        return held

    def done(self, held: Held, *, failed: bool | None, seconds: float) -> list[Held]:
        """A delivery that had its turn is over, after so many seconds. None = it was not tried.

        Returns: what is too much for a line that fails from now on, and has to stand in line again.
        """
        tenant_id = held.delivery.event.tenant_id
        line = self._lines[tenant_id]
        self._count(line, -1)
        line.active -= 1
        if failed is not None:
            line.failures = line.failures + 1 if failed else 0
            line.seconds += (seconds - line.seconds) * _WEIGHT
        self._count(line, 1)
        surplus = self._cut(line) if line.is_failing else []
        self._give_turn(tenant_id, line)
        return surplus

    def _count(self, line: Line, sign: int) -> None:
        self._active[line.is_failing] += sign * line.active
        self._waiting[line.is_failing] += sign * len(line.waiting)

    def _cut(self, line: Line) -> list[Held]:
        surplus = min(max(-self._room(line), 0), len(line.waiting))
        self._waiting[True] -= surplus
        return [line.waiting.pop() for _ in range(surplus)][::-1]

    def _line(self, tenant_id: TenantId) -> Line:
        line = self._lines.get(tenant_id)
        if line is None:
            if len(self._lines) >= _MOST_LINES:
                self._forget_idle()
            line = self._lines[tenant_id] = Line()
        return line

    def _give_turn(self, tenant_id: TenantId, line: Line) -> None:
        queue = self._queue_of(line)
        if queue is not None:
            queue[tenant_id] = line

    def _queue_of(self, line: Line) -> Queue | None:
        """Where a line waits for its turn; None if it may have none now."""
        if not line.waiting:
            return None
        if line.active < self._share_of(line):
            return self._failing if line.is_failing else self._sharing
        return self._borrowing if not line.is_failing and line.active < self._lent else None

    def _share_of(self, line: Line) -> int:
        return 1 if line.is_failing else self._share

    def _room(self, line: Line) -> int:
        """How many more may wait in a line; below 0 if there are too many."""
        if line.is_failing:
            return min(_LINE_PER_SLOT - len(line.waiting), self._most_failing - self._waiting[True])
        return self._pace(line) * _LINE_PER_SLOT - len(line.waiting)

    def _pace(self, line: Line) -> int:
        """How many at once a line can count on for what waits in it."""
        is_alone = self._waiting[False] == len(line.waiting)
        return self._lent if is_alone and not line.is_failing else self._share_of(line)

    def _forget_idle(self) -> None:
        idle = [tenant_id for tenant_id, line in self._lines.items() if not line.waiting and not line.active]
        for tenant_id in idle:
            del self._lines[tenant_id]
