"""Factors through the engine: life, limits, races and tenants."""

import asyncio
import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from engine.errors import (
    FactorNotActive,
    FactorNotPending,
    UnknownFactor,
    UserTaken,
    WrongCode,
)
from engine.factor_records import Changes, Factor, State
from engine.ids import FactorId, TenantId, UserName
from engine.tenants import Tenant
from engine.totp import TotpPolicy, code_at

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from engine.assembly import Engine

pytestmark = pytest.mark.anyio

ALICE, BOB = UserName("alice@example.com"), UserName("bob@example.com")
OTHER_TENANT = TenantId("00000000-0000-4000-8000-000000000000")
OTHER = Tenant(OTHER_TENANT, "Other", 0)
MANY = 100
# A code of the last step is still good in the next one: the clock may turn while a test runs.
POLICY = TotpPolicy(window=2)


def code_of(factor: Factor, *, steps: int = 0) -> str:
    """The code that an app shows now, or showed or will show some steps from now."""
    policy = factor.record.policy
    return code_at(policy, factor.record.secret, now_s=time.time() + steps * policy.step_s)


def wrong_code_of(factor: Factor) -> str:
    right = {code_of(factor, steps=steps) for steps in range(-3, 4)}
    return next(code for digit in "01234567" if (code := digit * factor.record.policy.digits) not in right)


async def enrolled(engine: "Engine", tenant: Tenant, user: UserName = ALICE) -> Factor:
    return await engine.factors.enrol(tenant.id, user=user, policy=POLICY)


async def active(engine: "Engine", tenant: Tenant, user: UserName = ALICE) -> Factor:
    """Activated by the code of the step before, so that the present one is still good."""
    factor = await enrolled(engine, tenant, user)
    return await engine.factors.change(tenant.id, factor.id, Changes(code=code_of(factor, steps=-1)))


async def outcomes(*calls: "Awaitable[object]") -> list[object]:
    """What became of each of many calls at once: what it returned, or the class of what it raised."""
    results = await asyncio.gather(*calls, return_exceptions=True)
    return [type(result) if isinstance(result, BaseException) else result for result in results]


async def test_a_right_code_activates_a_factor_once(engine: "Engine", tenant: Tenant) -> None:
    factor = await enrolled(engine, tenant)
    assert factor.state is State.PENDING
    code = code_of(factor)

    activated = await engine.factors.change(tenant.id, factor.id, Changes(code=code))

    assert activated.state is State.ACTIVE
    assert await engine.factors.read(tenant.id, factor.id) == activated
    with pytest.raises(FactorNotPending):
        await engine.factors.change(tenant.id, factor.id, Changes(code=code))


async def test_the_fifth_wrong_code_ends_a_factor_and_the_right_one_comes_too_late(
    engine: "Engine", tenant: Tenant
) -> None:
    factor = await enrolled(engine, tenant)
    for _ in range(5):
        assert (await engine.factors.read(tenant.id, factor.id)).state is State.PENDING
        with pytest.raises(WrongCode):
            await engine.factors.change(tenant.id, factor.id, Changes(code=wrong_code_of(factor)))

    assert (await engine.factors.read(tenant.id, factor.id)).state is State.INACTIVE
    with pytest.raises(FactorNotPending):
        await engine.factors.change(tenant.id, factor.id, Changes(code=code_of(factor)))


async def test_of_many_activations_at_once_one_wins(engine: "Engine", tenant: Tenant) -> None:
    factor = await enrolled(engine, tenant)
    code = code_of(factor)

    results = await outcomes(
        *[engine.factors.change(tenant.id, factor.id, Changes(code=code)) for _ in range(MANY)]
    )

    assert sum(isinstance(result, Factor) for result in results) == 1


async def test_of_many_guesses_at_once_five_are_looked_at(engine: "Engine", tenant: Tenant) -> None:
    factor = await enrolled(engine, tenant)
    wrong = wrong_code_of(factor)

    results = await outcomes(
        *[engine.factors.change(tenant.id, factor.id, Changes(code=wrong)) for _ in range(MANY)]
    )

    assert Counter(results) == {WrongCode: 5, FactorNotPending: MANY - 5}
    assert (await engine.factors.read(tenant.id, factor.id)).state is State.INACTIVE


async def test_of_many_enrolments_of_a_user_at_once_one_wins(engine: "Engine", tenant: Tenant) -> None:
    results = await outcomes(*[enrolled(engine, tenant) for _ in range(MANY)])

    assert Counter(results)[UserTaken] == MANY - 1
    assert (await engine.factors.list(tenant.id, first=0, most=10))[0] == 1


async def test_renaming_and_ending_at_once_frees_the_name(engine: "Engine", tenant: Tenant) -> None:
    factor = await active(engine, tenant)

    ended = await engine.factors.change(tenant.id, factor.id, Changes(user=UserName("gone"), is_ended=True))

    assert (ended.state, ended.record.user) == (State.INACTIVE, "gone")
    await enrolled(engine, tenant)
    with pytest.raises(UserTaken):
        await enrolled(engine, tenant, UserName("gone"))
    with pytest.raises(FactorNotActive):
        await engine.factors.change(tenant.id, factor.id, Changes(user=BOB))


async def test_a_factor_follows_its_names(engine: "Engine", tenant: Tenant) -> None:
    """Names are in partitions of their own: each is taken, kept and freed as the factor comes and goes."""
    factor = await active(engine, tenant)
    for name in (BOB, UserName("carol"), ALICE, BOB):
        await engine.factors.change(tenant.id, factor.id, Changes(user=name))
        with pytest.raises(UserTaken):
            await enrolled(engine, tenant, name)

    await enrolled(engine, tenant, ALICE)
    await enrolled(engine, tenant, UserName("carol"))


async def test_a_name_that_is_taken_changes_nothing(engine: "Engine", tenant: Tenant) -> None:
    factor = await active(engine, tenant)
    await enrolled(engine, tenant, BOB)

    with pytest.raises(UserTaken):
        await engine.factors.change(tenant.id, factor.id, Changes(user=BOB, is_ended=True))

    assert await engine.factors.read(tenant.id, factor.id) == factor


async def test_a_wrong_code_leaves_the_rest_of_a_change_undone(engine: "Engine", tenant: Tenant) -> None:
    factor = await enrolled(engine, tenant)

    with pytest.raises(WrongCode):
        await engine.factors.change(tenant.id, factor.id, Changes(code=wrong_code_of(factor), user=BOB))

    assert await engine.factors.read(tenant.id, factor.id) == factor
    await enrolled(engine, tenant, BOB)


async def test_factors_are_listed_by_age_and_page(engine: "Engine", tenant: Tenant) -> None:
    made = [(await enrolled(engine, tenant, UserName(f"user {number}"))).id for number in range(25)]

    pages = [await engine.factors.list(tenant.id, first=first, most=10) for first in (0, 10, 20, 30)]

    assert [total for total, _ in pages] == [25] * 4
    listed = [factor for _, page in pages for factor in page]
    assert {factor.id for factor in listed} == set(made)
    assert [factor.created_ms for factor in listed] == sorted(
        (factor.created_ms for factor in listed), reverse=True
    )


async def test_factors_are_listed_by_state_and_in_either_order(engine: "Engine", tenant: Tenant) -> None:
    pending, one, other = (
        await enrolled(engine, tenant),
        await active(engine, tenant, BOB),
        await active(engine, tenant, UserName("carol")),
    )
    ended = await engine.factors.change(tenant.id, other.id, Changes(is_ended=True))

    async def listed(*states: State, is_oldest_first: bool = False) -> tuple[int, list[Factor]]:
        return await engine.factors.list(
            tenant.id, first=0, most=10, states=states, is_oldest_first=is_oldest_first
        )

    assert await listed(State.PENDING) == (1, [pending])
    assert await listed(State.ACTIVE) == (1, [one])
    assert await listed(State.INACTIVE) == (1, [ended])
    assert await listed() == (0, [])
    total, oldest_first = await listed(*State, is_oldest_first=True)
    assert (total, sorted(oldest_first)) == (3, sorted([pending, one, ended]))
    assert await listed(*State) == (3, oldest_first[::-1])


async def test_another_tenant_finds_nothing(engine: "Engine", tenant: Tenant) -> None:
    factor = await active(engine, tenant)
    factors, code = engine.factors, code_of(factor)

    results = await outcomes(
        *[
            factors.read(OTHER_TENANT, factor.id),
            factors.change(OTHER_TENANT, factor.id, Changes(is_ended=True)),
            factors.change(OTHER_TENANT, factor.id, Changes(code=code)),
        ]
    )

    assert results == [UnknownFactor] * 3
    assert await factors.list(OTHER_TENANT, first=0, most=10) == (0, [])
    assert (await factors.read(tenant.id, factor.id)).state is State.ACTIVE


@pytest.mark.parametrize("text", ["", "x", "0" * 36, "00000000-0000-4000-8000-00000000000G", "{0}:factor"])
async def test_what_is_no_id_is_nobody(engine: "Engine", tenant: Tenant, text: str) -> None:
    with pytest.raises(UnknownFactor):
        await engine.factors.read(tenant.id, FactorId(text))
