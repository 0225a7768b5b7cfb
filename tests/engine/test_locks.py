"""How often a factor may be guessed at, over all of its challenges and however many guess at one time."""

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from engine.challenge_records import Challenge, State
from engine.errors import FactorLocked
from engine.store.challenges import AttemptStatus, ConcludeStatus, OpenStatus
from tests.engine.cases import CAPACITY, FIRST_MS, FREE, KEPT_MS, LAST, LONGEST_MS, Case
from tests.engine.test_factors import active, code_of, wrong_code_of

if TYPE_CHECKING:
    from engine.assembly import Engine
    from engine.store.keys import KeySpace
    from engine.tenants import Tenant
    from tests.engine.conftest import Backend

pytestmark = pytest.mark.anyio

MANY = 300


@pytest.fixture
def case(backend: "Backend", space: "KeySpace") -> Case:
    return Case(backend, space)


def kind(result: object) -> object:
    return result.state if isinstance(result, Challenge) else type(result)


async def test_of_many_guesses_at_once_over_many_challenges_as_many_are_looked_at_as_lead_to_the_lock(
    engine: "Engine", tenant: "Tenant"
) -> None:
    factor = await active(engine, tenant)
    opened = [await engine.challenges.open(tenant, factor.id) for _ in range(MANY)]
    wrong = wrong_code_of(factor)

    results = await asyncio.gather(
        *[engine.challenges.answer(tenant, factor.id, one.id, code=wrong) for one in opened],
        return_exceptions=True,
    )

    free = tenant.challenge_policy.lock_after
    assert Counter(map(kind, results)) == {State.FAILED: free, FactorLocked: MANY - free}
    pending = next(one for one, result in zip(opened, results, strict=True) if kind(result) is FactorLocked)
    with pytest.raises(FactorLocked):
        await engine.challenges.answer(tenant, factor.id, pending.id, code=code_of(factor))
    with pytest.raises(FactorLocked):
        await engine.challenges.open(tenant, factor.id)


async def test_an_attempt_whose_end_nobody_noted_counts_as_a_failure(case: Case) -> None:
    """As where a worker dies between counting and concluding."""
    await case.activate()
    for number in range(FREE):
        await case.open(f"{number}")
    for number in range(FREE):
        assert await case.attempt(f"{number}") is AttemptStatus.COUNTED

    assert await case.open("next") == (OpenStatus.LOCKED, FIRST_MS)


async def test_the_attempt_that_leads_to_the_lock_may_be_the_right_one(case: Case) -> None:
    await case.activate()
    for number in range(FREE):
        await case.open(f"{number}")
        assert await case.attempt(f"{number}") is AttemptStatus.COUNTED

    assert await case.conclude(f"{FREE - 1}", 101) is ConcludeStatus.VERIFIED
    assert case.failures() == 0
    assert await case.open("next") == (OpenStatus.OPENED, 0)


async def test_too_many_failures_in_a_row_end_a_factor(case: Case) -> None:
    await case.activate()
    for number in range(LAST + 1):
        after_ms = number * LONGEST_MS
        assert await case.open(f"{number}", after_ms=after_ms) == (OpenStatus.OPENED, 0)
        expected = AttemptStatus.COUNTED if number < LAST else AttemptStatus.CLOSED
        assert await case.attempt(f"{number}", after_ms=after_ms) is expected
        await case.conclude(f"{number}", after_ms=after_ms)

    assert (await case.factors.read(factor=case.factor)).state == b"INACTIVE"
    assert (await case.listed("A"))[0] == 0
    assert (await case.listed("I"))[0] == 1
    assert (await case.open("late", after_ms=(LAST + 1) * LONGEST_MS))[0] is OpenStatus.CLOSED


async def test_a_factor_has_no_more_challenges_at_a_time_than_are_kept(case: Case) -> None:
    await case.activate()
    for number in range(CAPACITY):
        assert await case.open(f"{number}", after_ms=number) == (OpenStatus.OPENED, 0)

    assert await case.open("more", after_ms=CAPACITY) == (OpenStatus.FULL, KEPT_MS - CAPACITY)
    assert await case.open("later", after_ms=KEPT_MS) == (OpenStatus.OPENED, 0)
