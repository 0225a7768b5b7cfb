"""Whose turn it is: tenants are served in turns, each has a bounded share, idle places are lent."""

from collections import Counter, deque
from itertools import count, pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from edge.courier.lines import Held, Lines
from engine.deliveries import Delivery, Event
from engine.ids import ChallengeId, TenantId

if TYPE_CHECKING:
    from collections.abc import Sequence

SLOTS = 16
SHARE = 4  # of one tenant, and of all together that fail
LENT = 12  # what a tenant may have while nobody else waits
LINE = 16  # what waits of one tenant
LONG_LINE = 48  # while nobody else waits
ALL_FAILING = 64  # what waits of all tenants together that fail
FAILING_LINE = 4  # of one that fails
FAILURES = 5  # in a row
MOST_LINES = 10_000
FIRST_GUESS_S = 0.1
_numbers = count(1)


def held(tenant: str) -> Held:
    number = next(_numbers)
    event = Event("authenticator", TenantId(tenant), ChallengeId(str(number)), "FAILED", 0)
    return Held(Delivery(0, f"{number}-0", 1, event), 0.0)


def tenant_of(one: Held) -> str:
    return one.delivery.event.tenant_id


def lines_of(tenants: "Sequence[str]", *, slots: int = SLOTS) -> Lines:
    """Lines in which deliveries of these tenants have come to stand, one after another."""
    lines = Lines(slots=slots)
    for tenant in tenants:
        assert lines.add(held(tenant), now=0.0) == 0
    return lines


def start(lines: Lines) -> Held:
    one = lines.next()
    assert one is not None
    return one


def started(lines: Lines) -> list[Held]:
    """All that may be under way now."""
    return [*iter(lines.next, None)]


def tenants(some: list[Held]) -> str:
    return "".join(map(tenant_of, some))


def fail(lines: Lines, tenant: str, times: int = FAILURES) -> None:
    for _ in range(times):
        lines.add(held(tenant), now=0.0)
        lines.done(start(lines), failed=True, seconds=0.1)


def test_tenants_have_turns_however_much_one_of_them_has() -> None:
    lines = lines_of("AAAABBC")
    assert tenants(started(lines)) == "ABCABAA"


def test_deliveries_of_a_tenant_keep_their_order() -> None:
    lines, ours = Lines(slots=1), [held("A") for _ in range(4)]
    for one in ours:
        lines.add(one, now=0.0)
    served: list[Held] = []
    while one := lines.next():
        served.append(one)
        lines.done(one, failed=False, seconds=0.1)
    assert served == ours


def test_a_tenant_has_a_quarter_of_what_may_be_under_way_and_more_while_nobody_else_waits() -> None:
    lines = lines_of("A" * LINE)
    under_way = started(lines)
    assert tenants(under_way) == "A" * LENT
    for _ in range(LENT):
        lines.add(held("B"), now=0.0)
    assert tenants(started(lines)) == "B" * SHARE
    for one in under_way:
        lines.done(one, failed=False, seconds=0.1)
    assert tenants(started(lines)) == "AAAABBBBBBBB"


def test_who_has_less_than_a_share_goes_before_who_borrows() -> None:
    lines = lines_of("A" * LINE)
    under_way = started(lines)
    lines.add(held("B"), now=0.0)
    lines.done(under_way[0], failed=False, seconds=0.1)
    assert tenants(started(lines)) == "BA"


def test_tenants_that_fail_have_a_quarter_together_and_what_waits_of_them_is_bounded() -> None:
    lines = Lines(slots=SLOTS)
    failing = [f"{number}" for number in range(2 * SLOTS)]
    for tenant in failing:
        fail(lines, tenant)
    waits = [lines.add(held(tenant), now=0.0) for tenant in failing for _ in range(FAILING_LINE)]
    assert waits.count(0) == ALL_FAILING
    assert lines.held == 0
    under_way = started(lines)
    assert len(under_way) == SHARE
    lines.add(held("quick"), now=0.0)
    assert tenants(started(lines)) == "quick"
    lines.done(under_way[0], failed=True, seconds=10.0)
    (one,) = started(lines)
    assert tenant_of(one) not in map(tenant_of, under_way)


def test_a_tenant_that_fails_is_tried_however_much_there_is_of_others() -> None:
    lines = Lines(slots=1)
    fail(lines, "A")
    for tenant in "AABBBB":
        lines.add(held(tenant), now=0.0)
    served = ""
    while one := lines.next():
        served += tenant_of(one)
        lines.done(one, failed=None, seconds=0.1)
    assert sorted(served[:4]) == list("AABB")


def test_no_more_is_under_way_than_there_are_slots() -> None:
    lines = lines_of("ABCDE" * SHARE)
    under_way = started(lines)
    assert Counter(map(tenant_of, under_way)) == {"A": 4, "B": 3, "C": 3, "D": 3, "E": 3}
    assert lines.held == 5 * SHARE
    lines.done(under_way[0], failed=False, seconds=0.1)
    assert len(started(lines)) == 1
    assert lines.held == 5 * SHARE - 1


def test_a_courier_with_few_slots_serves_everybody_all_the_same() -> None:
    assert tenants(started(lines_of("AAB", slots=2))) == "AB"


def test_after_five_failures_in_a_row_a_tenant_has_one_attempt_at_a_time() -> None:
    lines = Lines(slots=SLOTS)
    fail(lines, "A")
    for _ in range(SHARE):
        lines.add(held("A"), now=0.0)
    (one,) = started(lines)
    lines.done(one, failed=True, seconds=0.1)
    assert len(started(lines)) == 1


def test_four_failures_cost_nothing_and_one_success_ends_what_five_cost() -> None:
    lines = Lines(slots=SLOTS)
    fail(lines, "A", FAILURES - 1)
    for _ in range(LENT + SHARE):
        lines.add(held("A"), now=0.0)
    under_way = started(lines)
    assert len(under_way) == LENT
    for one in under_way:
        lines.done(one, failed=True, seconds=0.1)
    (one,) = started(lines)
    lines.done(one, failed=False, seconds=0.1)
    assert len(started(lines)) == SHARE - 1  # all that is left


def test_a_turn_that_was_given_before_the_fifth_failure_does_not_make_two_attempts_of_one() -> None:
    lines = Lines(slots=SLOTS)
    fail(lines, "A", FAILURES - 1)
    for _ in range(3):
        lines.add(held("A"), now=0.0)
    first, second = start(lines), start(lines)
    lines.done(first, failed=True, seconds=0.1)
    assert lines.next() is None
    lines.done(second, failed=True, seconds=0.1)
    assert len(started(lines)) == 1


def test_what_was_not_tried_says_nothing_of_the_receiver() -> None:
    lines = Lines(slots=SLOTS)
    fail(lines, "A")
    for _ in range(SHARE):
        lines.add(held("A"), now=0.0)
    lines.done(start(lines), failed=None, seconds=0.0)
    assert len(started(lines)) == 1


def test_what_waits_of_a_tenant_that_fails_takes_nobodys_room() -> None:
    lines = lines_of("A" * LINE)
    for _ in range(FAILURES - 1):
        lines.done(start(lines), failed=True, seconds=0.1)
    assert lines.held == LINE - FAILURES + 1
    surplus = lines.done(start(lines), failed=True, seconds=0.1)
    assert lines.held == 0
    assert len(surplus) == LINE - FAILURES - FAILING_LINE
    assert lines.done(start(lines), failed=False, seconds=0.1) == []
    assert lines.held == FAILING_LINE - 1


def test_the_line_of_a_tenant_that_fails_is_short_and_moves_one_by_one() -> None:
    lines = Lines(slots=SLOTS)
    fail(lines, "A")
    waits = [lines.add(held("A"), now=0.0) for _ in range(FAILING_LINE + 1)]
    assert waits == [*[0] * FAILING_LINE, pytest.approx(1 + FIRST_GUESS_S)]
    lines.done(start(lines), failed=False, seconds=0.1)
    assert lines.add(held("A"), now=0.0) == 0


def test_failures_of_one_tenant_are_not_anothers() -> None:
    lines = Lines(slots=SLOTS)
    fail(lines, "A")
    for tenant in "AABB":
        lines.add(held(tenant), now=0.0)
    assert tenants(started(lines)) == "ABB"


def test_what_does_not_fit_is_put_off_longer_and_longer_up_to_a_minute() -> None:
    lines = lines_of("A" * LONG_LINE)
    waits = [lines.add(held("A"), now=0.0) for _ in range(10_000)]
    assert waits[0] == 1 + FIRST_GUESS_S / LENT
    steps = [later - sooner for sooner, later in pairwise(waits)]
    assert all(step >= 0 for step in steps)
    assert (max(waits), waits[-1]) == (60, 60)
    assert lines.held == LONG_LINE
    assert lines.add(held("B"), now=0.0) == 0


def test_a_slow_receivers_deliveries_are_put_off_for_as_long_as_its_line_takes() -> None:
    quick, slow = Lines(slots=SLOTS), Lines(slots=SLOTS)
    for lines, seconds in ((quick, 0.01), (slow, 10.0)):
        for _ in range(50):
            lines.add(held("A"), now=0.0)
            lines.done(start(lines), failed=False, seconds=seconds)
        for _ in range(LONG_LINE):
            lines.add(held("A"), now=0.0)
    assert 1 < quick.add(held("A"), now=0.0) < 1.01
    assert 1.5 < slow.add(held("A"), now=0.0) < 1 + 10 / LENT


def test_time_that_has_passed_is_not_waited_for_again() -> None:
    lines = lines_of("A" * LONG_LINE)
    for _ in range(3000):
        lines.add(held("A"), now=0.0)
    waits = [lines.add(held("A"), now=now) for now in (10.0, 20.0, 1000.0)]
    assert waits[0] > waits[1] > waits[2] == pytest.approx(1 + FIRST_GUESS_S / LENT)


def test_a_line_that_was_empty_puts_off_as_if_it_were_new() -> None:
    lines = lines_of("A" * LONG_LINE)
    for _ in range(5000):
        lines.add(held("A"), now=0.0)
    while one := lines.next():
        lines.done(one, failed=False, seconds=0.1)
    for _ in range(LONG_LINE):
        assert lines.add(held("A"), now=0.0) == 0
    assert lines.add(held("A"), now=0.0) < 2


def test_lines_in_which_nobody_stands_are_forgotten_when_there_are_too_many() -> None:
    lines = Lines(slots=SLOTS)
    fail(lines, "idle")
    fail(lines, "busy")
    lines.add(held("busy"), now=0.0)
    busy = start(lines)
    for number in range(MOST_LINES):
        fail(lines, f"other {number}", 1)
    for tenant in ("idle", "idle", "busy", "busy"):
        lines.add(held(tenant), now=0.0)
    assert [tenant_of(one) for one in started(lines)] == ["idle", "idle"]  # whose failures are forgotten, too
    lines.done(busy, failed=True, seconds=0.1)
    assert [tenant_of(one) for one in started(lines)] == ["busy"]


class LinesMachine(RuleBasedStateMachine):
    """Any order of arrivals, starts and ends, against what is promised of it."""

    def __init__(self) -> None:
        super().__init__()
        self._lines = Lines(slots=SLOTS)
        self._waiting = {tenant: deque[Held]() for tenant in "ABCDE"}
        self._under_way: list[Held] = []
        self._failures = Counter[str]()
        self._overtaken = {tenant: Counter[str]() for tenant in self._waiting}  # since it has been ready

    @rule(tenant=st.sampled_from("ABCDE"), number=st.integers(1, LINE))
    def arrive(self, tenant: str, number: int) -> None:
        for one in [held(tenant) for _ in range(number)]:
            is_full = len(self._waiting[tenant]) >= self._longest(tenant)
            assert bool(self._lines.add(one, now=0.0)) is is_full
            if not is_full:
                self._waiting[tenant].append(one)

    @rule(number=st.integers(1, SLOTS))
    def start(self, number: int) -> None:
        for _ in range(number):
            ready = [tenant for tenant in self._waiting if self._is_ready(tenant)]
            borrowing = [tenant for tenant in self._waiting if self._may_borrow(tenant)]
            one = self._lines.next()
            if one is None:
                assert not (ready or borrowing) or len(self._under_way) == SLOTS
                return
            tenant = tenant_of(one)
            assert tenant in (ready or borrowing)
            assert one is self._waiting[tenant].popleft()
            self._under_way.append(one)
            for other in ready:
                is_alike = self._is_failing(other) == self._is_failing(tenant)
                self._overtaken[other][tenant] += other != tenant and is_alike
            self._overtaken[tenant].clear()

    @rule(data=st.data(), failed=st.sampled_from([True, False, None]), number=st.integers(1, SLOTS))
    def end(self, data: st.DataObject, failed: bool | None, number: int) -> None:
        for _ in range(min(number, len(self._under_way))):
            one = self._under_way.pop(data.draw(st.integers(0, len(self._under_way) - 1)))
            tenant = tenant_of(one)
            if failed is not None:
                self._failures[tenant] = self._failures[tenant] + 1 if failed else 0
            surplus = self._lines.done(one, failed=failed, seconds=0.1)
            left = FAILING_LINE if self._is_failing(tenant) else LONG_LINE
            line = [*self._waiting[tenant]]
            assert surplus == line[left:]
            self._waiting[tenant] = deque(line[:left])

    @invariant()
    def everything_is_held_that_was_not_put_off_and_is_not_of_a_tenant_that_fails(self) -> None:
        waiting = [len(line) for tenant, line in self._waiting.items() if not self._is_failing(tenant)]
        assert self._lines.held == len(self._under_way) + sum(waiting)

    @invariant()
    def nobody_is_served_twice_before_somebody_of_the_same_kind_who_is_ready(self) -> None:
        for tenant, others in self._overtaken.items():
            if not self._is_ready(tenant):
                others.clear()
            assert max(others.values(), default=0) <= 1

    def _is_ready(self, tenant: str) -> bool:
        if self._is_failing(tenant):
            others = sum(self._is_failing(tenant_of(one)) for one in self._under_way)
            return bool(self._waiting[tenant]) and not self._active(tenant) and others < SHARE
        return bool(self._waiting[tenant]) and self._active(tenant) < SHARE

    def _may_borrow(self, tenant: str) -> bool:
        is_short = not self._is_failing(tenant) and SHARE <= self._active(tenant) < LENT
        return bool(self._waiting[tenant]) and is_short

    def _active(self, tenant: str) -> int:
        return sum(tenant_of(one) == tenant for one in self._under_way)

    def _is_failing(self, tenant: str) -> bool:
        return self._failures[tenant] >= FAILURES

    def _longest(self, tenant: str) -> int:
        if self._is_failing(tenant):
            return FAILING_LINE
        others = [one for one in self._waiting if one != tenant and not self._is_failing(one)]
        return LINE if any(self._waiting[one] for one in others) else LONG_LINE


def test_lines_do_what_is_promised_in_any_order_of_events() -> None:
    run_state_machine_as_test(
        LinesMachine, settings=settings(max_examples=100, stateful_step_count=40, deadline=None)
    )
