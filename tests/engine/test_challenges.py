"""Challenges through the engine: TOTP codes, the tenant's policy, lists and other tenants."""

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

import msgspec
import pytest

from engine.challenge_records import Kind, State
from engine.challenges import FIRST_LOCK_MS
from engine.configurations import Changes as PolicyChanges
from engine.errors import (
    ChallengeClosed,
    FactorLocked,
    FactorNotActive,
    Invalid,
    Problem,
    UnknownChallenge,
    UnknownFactor,
)
from engine.factor_records import Changes
from engine.ids import ChallengeId
from engine.policies import ChallengePolicy
from engine.tenants import Tenant
from engine.totp import Digest, TotpPolicy, code_at
from tests.engine.test_factors import (
    ALICE,
    BOB,
    MANY,
    OTHER,
    OTHER_TENANT,
    active,
    code_of,
    enrolled,
    outcomes,
    wrong_code_of,
)

if TYPE_CHECKING:
    from engine.assembly import Engine

pytestmark = pytest.mark.anyio


def under(tenant: Tenant, policy: ChallengePolicy) -> Tenant:
    """The tenant under a policy that need not be within bounds."""
    return msgspec.structs.replace(tenant, challenge_policy=policy)


async def test_a_right_answer_is_accepted_once(engine: "Engine", tenant: Tenant) -> None:
    factor = await active(engine, tenant)
    challenge = await engine.challenges.open(tenant, factor.id, reference="order 17")

    answered = await engine.challenges.answer(tenant, factor.id, challenge.id, code=code_of(factor))

    assert (answered.state, answered.record.reference) == (State.VERIFIED, "order 17")
    with pytest.raises(ChallengeClosed):
        await engine.challenges.answer(tenant, factor.id, challenge.id, code=code_of(factor))


async def test_of_many_right_answers_at_once_one_is_accepted(engine: "Engine", tenant: Tenant) -> None:
    factor = await active(engine, tenant)
    challenge = await engine.challenges.open(tenant, factor.id)
    code = code_of(factor)

    results = await outcomes(
        *[engine.challenges.answer(tenant, factor.id, challenge.id, code=code) for _ in range(MANY)]
    )

    assert Counter(results)[ChallengeClosed] == MANY - 1
    assert (await engine.challenges.read(tenant.id, factor.id, challenge.id)).state is State.VERIFIED


async def test_of_many_wrong_answers_at_once_one_is_looked_at(engine: "Engine", tenant: Tenant) -> None:
    factor = await active(engine, tenant)
    challenge = await engine.challenges.open(tenant, factor.id)
    wrong = wrong_code_of(factor)

    results = await outcomes(
        *[engine.challenges.answer(tenant, factor.id, challenge.id, code=wrong) for _ in range(MANY)]
    )

    assert Counter(results)[ChallengeClosed] == MANY - 1
    assert (await engine.challenges.read(tenant.id, factor.id, challenge.id)).state is State.FAILED
    with pytest.raises(ChallengeClosed):
        await engine.challenges.answer(tenant, factor.id, challenge.id, code=code_of(factor))


async def test_one_code_answers_one_challenge(engine: "Engine", tenant: Tenant) -> None:
    factor = await active(engine, tenant)
    opened = [await engine.challenges.open(tenant, factor.id) for _ in range(5)]
    code = code_of(factor)

    answered = await asyncio.gather(
        *[engine.challenges.answer(tenant, factor.id, challenge.id, code=code) for challenge in opened]
    )

    assert Counter(challenge.state for challenge in answered) == {
        State.VERIFIED: 1,
        State.FAILED: 4,
    }


async def test_a_factor_that_is_not_active_is_not_challenged(engine: "Engine", tenant: Tenant) -> None:
    factor = await enrolled(engine, tenant)
    with pytest.raises(FactorNotActive):
        await engine.challenges.open(tenant, factor.id)

    other = await active(engine, tenant, BOB)
    challenge = await engine.challenges.open(tenant, other.id)
    await engine.factors.change(tenant.id, other.id, Changes(is_ended=True))
    with pytest.raises(ChallengeClosed):
        await engine.challenges.answer(tenant, other.id, challenge.id, code=code_of(other))


async def test_what_was_answered_is_what_is_read(engine: "Engine", tenant: Tenant) -> None:
    factor = await active(engine, tenant)
    right, wrong = [await engine.challenges.open(tenant, factor.id, reference="order") for _ in range(2)]
    assert await engine.challenges.read(tenant.id, factor.id, right.id) == right

    for challenge, code in ((wrong, wrong_code_of(factor)), (right, code_of(factor))):
        answered = await engine.challenges.answer(tenant, factor.id, challenge.id, code=code)
        assert await engine.challenges.read(tenant.id, factor.id, challenge.id) == answered


async def test_failures_over_challenges_of_all_kinds_lock_a_factor(engine: "Engine", tenant: Tenant) -> None:
    """Ten in a row. The right code is refused then, on a challenge that was open before too."""
    factor = await active(engine, tenant)
    opened = await engine.challenges.open(tenant, factor.id)
    for _ in range(5):
        challenge = await engine.challenges.open(tenant, factor.id)
        await engine.challenges.answer(tenant, factor.id, challenge.id, code=wrong_code_of(factor))
    challenge = await engine.challenges.open(tenant, factor.id, kind=Kind.CODE, code="123456")
    for _ in range(5):
        await engine.challenges.answer(tenant, factor.id, challenge.id, code="654321")

    with pytest.raises(FactorLocked) as locked:
        await engine.challenges.open(tenant, factor.id)
    assert 0 < locked.value.retry_after_ms <= FIRST_LOCK_MS
    with pytest.raises(FactorLocked):
        await engine.challenges.answer(tenant, factor.id, opened.id, code=code_of(factor))


async def test_a_tenants_policy_is_in_force(engine: "Engine", tenant: Tenant) -> None:
    changes = PolicyChanges(life_s=30, lock_after=2, digest=Digest.SHA256, digits=8, window=2)
    tenant = await engine.configurations.change(tenant.id, changes)
    assert tenant.challenge_policy == ChallengePolicy(30, 2, TotpPolicy(Digest.SHA256, 8, 30, 2))
    factor = await engine.factors.enrol(tenant.id, user=ALICE, policy=tenant.challenge_policy.totp)
    await engine.factors.change(tenant.id, factor.id, Changes(code=code_of(factor, steps=-1)))

    right, first, second = [await engine.challenges.open(tenant, factor.id) for _ in range(3)]
    assert right.expires_ms == right.created_ms + 30_000
    answered = await engine.challenges.answer(tenant, factor.id, right.id, code=code_of(factor))
    assert (len(code_of(factor)), answered.state) == (8, State.VERIFIED)
    for challenge in (first, second):
        await engine.challenges.answer(tenant, factor.id, challenge.id, code=wrong_code_of(factor))
    with pytest.raises(FactorLocked):
        await engine.challenges.open(tenant, factor.id)


async def test_codes_by_the_usual_policy_are_wrong_under_another(engine: "Engine", tenant: Tenant) -> None:
    factor = await engine.factors.enrol(tenant.id, user=ALICE, policy=TotpPolicy(Digest.SHA256, window=2))
    await engine.factors.change(tenant.id, factor.id, Changes(code=code_of(factor, steps=-1)))
    challenge = await engine.challenges.open(tenant, factor.id)

    usual = code_at(TotpPolicy(), factor.record.secret, now_s=challenge.created_ms / 1000)
    answered = await engine.challenges.answer(tenant, factor.id, challenge.id, code=usual)

    assert answered.state is State.FAILED


async def test_a_policy_out_of_bounds_is_refused(engine: "Engine", tenant: Tenant) -> None:
    with pytest.raises(Invalid) as refused:
        await engine.configurations.change(tenant.id, PolicyChanges(life_s=29, lock_after=101, digits=9))

    assert set(refused.value.problems) == {
        Problem("life_s", "min", 30),
        Problem("lock_after", "max", 100),
        Problem("digits", "max", 8),
    }
    assert (await engine.tenants.read(tenant.id)).challenge_policy == ChallengePolicy()


async def test_a_challenge_whose_time_is_up_reads_as_expired_and_is_not_answered(
    engine: "Engine", tenant: Tenant
) -> None:
    factor = await active(engine, tenant)
    challenge = await engine.challenges.open(under(tenant, ChallengePolicy(life_s=0)), factor.id)

    read = await engine.challenges.read(tenant.id, factor.id, challenge.id)

    assert (read.state, read.updated_ms) == (State.EXPIRED, challenge.expires_ms)
    with pytest.raises(ChallengeClosed):
        await engine.challenges.answer(tenant, factor.id, challenge.id, code=code_of(factor))


async def test_another_tenant_finds_no_challenge(engine: "Engine", tenant: Tenant) -> None:
    factor = await active(engine, tenant)
    challenge = await engine.challenges.open(tenant, factor.id)
    challenges, code = engine.challenges, code_of(factor)

    results = await outcomes(
        *[
            challenges.open(OTHER, factor.id),
            challenges.read(OTHER_TENANT, factor.id, challenge.id),
            challenges.answer(OTHER, factor.id, challenge.id, code=code),
            challenges.cancel(OTHER, factor.id, challenge.id),
            challenges.forget(OTHER_TENANT, factor.id, challenge),
            challenges.list(OTHER_TENANT, factor.id, first=0, most=10),
        ]
    )

    assert results == [UnknownFactor, UnknownChallenge, UnknownChallenge, UnknownChallenge, False, (0, [])]
    answered = await challenges.answer(tenant, factor.id, challenge.id, code=code)
    assert answered.state is State.VERIFIED


async def test_another_factor_of_the_tenant_has_no_part_in_a_challenge(engine: "Engine", tenant: Tenant) -> None:
    factor, other = await active(engine, tenant), await active(engine, tenant, BOB)
    challenge = await engine.challenges.open(tenant, factor.id)

    results = await outcomes(
        engine.challenges.read(tenant.id, other.id, challenge.id),
        engine.challenges.answer(tenant, other.id, challenge.id, code=code_of(other)),
    )

    assert results == [UnknownChallenge] * 2
    answered = await engine.challenges.answer(tenant, factor.id, challenge.id, code=code_of(other))
    assert answered.state is State.FAILED


@pytest.mark.parametrize("text", ["", "x", "0" * 36, "00000000-0000-4000-8000-00000000000G", "{0}:challenge"])
async def test_what_is_no_id_is_no_challenge(engine: "Engine", tenant: Tenant, text: str) -> None:
    factor = await active(engine, tenant)
    with pytest.raises(UnknownChallenge):
        await engine.challenges.read(tenant.id, factor.id, ChallengeId(text))


async def test_challenges_are_listed_in_either_order_by_page_and_by_what_they_are(
    engine: "Engine", tenant: Tenant
) -> None:
    factor, challenges = await active(engine, tenant), engine.challenges
    made = [await challenges.open(tenant, factor.id, reference=f"{number % 3}") for number in range(230)]
    await challenges.cancel(tenant, factor.id, made[17].id)

    oldest = await challenges.list(tenant.id, factor.id, first=0, most=300, is_oldest_first=True)
    youngest = await challenges.list(tenant.id, factor.id, first=20, most=10)
    thirds = await challenges.list(
        tenant.id, factor.id, first=50, most=100, matches=lambda one: one.record.reference == "2"
    )
    cancelled = await challenges.list(
        tenant.id, factor.id, first=0, most=10, matches=lambda one: one.state is State.CANCELLED
    )

    assert (oldest[0], {one.id for one in oldest[1]}) == (230, {one.id for one in made})
    assert [one.created_ms for one in oldest[1]] == sorted(one.created_ms for one in made)
    assert youngest == (230, oldest[1][::-1][20:30])
    assert thirds == (76, [one for one in oldest[1][::-1] if one.record.reference == "2"][50:])
    assert (cancelled[0], [one.id for one in cancelled[1]]) == (1, [made[17].id])
