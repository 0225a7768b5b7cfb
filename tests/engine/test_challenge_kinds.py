"""Challenges that are answered with a code that was sent, or decided; and challenges that are taken back."""

from collections import Counter
from typing import TYPE_CHECKING

import msgspec
import pytest

from engine.challenge_records import Challenge, Kind, State
from engine.challenges import MOST_ATTEMPTS
from engine.errors import ChallengeClosed, FactorLocked, UnknownChallenge
from engine.factor_records import Changes, Factor
from engine.policies import ChallengePolicy
from engine.tenants import Tenant
from tests.engine.servers import scan
from tests.engine.test_factors import MANY, OTHER, active, code_of, outcomes

if TYPE_CHECKING:
    from engine.assembly import Engine
    from tests.engine.servers import Admin

pytestmark = pytest.mark.anyio

CODE, WRONG = "271828", "314159"
MOST = MOST_ATTEMPTS[Kind.CODE]


@pytest.fixture
async def factor(engine: "Engine", tenant: Tenant) -> Factor:
    return await active(engine, tenant)


async def sent(engine: "Engine", tenant: Tenant, factor: Factor, code: str = CODE) -> Challenge:
    """A challenge whose code was sent to its user."""
    return await engine.challenges.open(tenant, factor.id, kind=Kind.CODE, code=code, reference="order")


async def undecided(engine: "Engine", tenant: Tenant, factor: Factor) -> Challenge:
    return await engine.challenges.open(tenant, factor.id, kind=Kind.DECISION)


async def state_of(engine: "Engine", tenant: Tenant, factor: Factor, challenge: Challenge) -> State:
    return (await engine.challenges.read(tenant.id, factor.id, challenge.id)).state


def states(results: list[object]) -> Counter[object]:
    """What became of each call: the state that it returned, or the class of what it raised."""
    return Counter(result.state if isinstance(result, Challenge) else result for result in results)


async def test_a_code_that_was_sent_is_accepted_once(engine: "Engine", tenant: Tenant, factor: Factor) -> None:
    challenge = await sent(engine, tenant, factor)

    answered = await engine.challenges.answer(tenant, factor.id, challenge.id, code=CODE)

    assert (answered.state, answered.record.reference) == (State.VERIFIED, "order")
    assert await engine.challenges.read(tenant.id, factor.id, challenge.id) == answered
    with pytest.raises(ChallengeClosed):
        await engine.challenges.answer(tenant, factor.id, challenge.id, code=CODE)


async def test_a_code_may_be_tried_again_until_the_last_attempt_and_then_even_the_right_one_is_refused(
    engine: "Engine", tenant: Tenant, factor: Factor
) -> None:
    challenge, other = await sent(engine, tenant, factor), await sent(engine, tenant, factor)

    answered = [await engine.challenges.answer(tenant, factor.id, challenge.id, code=WRONG) for _ in range(MOST)]

    assert [one.state for one in answered] == [State.PENDING] * (MOST - 1) + [State.FAILED]
    with pytest.raises(ChallengeClosed):
        await engine.challenges.answer(tenant, factor.id, challenge.id, code=CODE)
    assert await state_of(engine, tenant, factor, challenge) is State.FAILED
    for code, state in ((WRONG, State.PENDING), (CODE, State.VERIFIED)):
        one = await engine.challenges.answer(tenant, factor.id, other.id, code=code)
        assert one == await engine.challenges.read(tenant.id, factor.id, other.id)
        assert one.state is state


async def test_of_many_right_codes_at_once_one_is_accepted(
    engine: "Engine", tenant: Tenant, factor: Factor
) -> None:
    challenge = await sent(engine, tenant, factor)

    results = await outcomes(
        *[engine.challenges.answer(tenant, factor.id, challenge.id, code=CODE) for _ in range(MANY)]
    )

    assert states(results) == {State.VERIFIED: 1, ChallengeClosed: MANY - 1}
    assert await state_of(engine, tenant, factor, challenge) is State.VERIFIED


async def test_of_many_wrong_codes_at_once_five_are_looked_at(
    engine: "Engine", tenant: Tenant, factor: Factor
) -> None:
    challenge = await sent(engine, tenant, factor)

    results = await outcomes(
        *[engine.challenges.answer(tenant, factor.id, challenge.id, code=WRONG) for _ in range(MANY)]
    )

    assert states(results) == {State.PENDING: MOST - 1, State.FAILED: 1, ChallengeClosed: MANY - MOST}
    with pytest.raises(ChallengeClosed):
        await engine.challenges.answer(tenant, factor.id, challenge.id, code=CODE)


async def test_a_code_is_good_for_the_challenge_that_it_was_sent_for(
    engine: "Engine", tenant: Tenant, factor: Factor
) -> None:
    first, second = await sent(engine, tenant, factor, CODE), await sent(engine, tenant, factor, "161803")

    wrong = await engine.challenges.answer(tenant, factor.id, second.id, code=CODE)
    right = await engine.challenges.answer(tenant, factor.id, first.id, code=CODE)

    assert (wrong.state, right.state) == (State.PENDING, State.VERIFIED)


async def test_a_code_of_one_kind_is_wrong_for_the_other(engine: "Engine", tenant: Tenant, factor: Factor) -> None:
    of_app = await engine.challenges.open(tenant, factor.id, code=CODE)
    of_message = await sent(engine, tenant, factor)
    code = code_of(factor)

    swapped = await engine.challenges.answer(tenant, factor.id, of_message.id, code=code)
    assert swapped.state is State.PENDING
    swapped = await engine.challenges.answer(tenant, factor.id, of_app.id, code=CODE)
    assert swapped.state is State.FAILED


async def test_a_code_that_was_sent_burns_no_code_of_the_app(
    engine: "Engine", tenant: Tenant, factor: Factor
) -> None:
    of_message, of_app = await sent(engine, tenant, factor), await engine.challenges.open(tenant, factor.id)

    for challenge, code in ((of_message, CODE), (of_app, code_of(factor))):
        answered = await engine.challenges.answer(tenant, factor.id, challenge.id, code=code)
        assert answered.state is State.VERIFIED


async def test_another_tenant_neither_answers_nor_decides(
    engine: "Engine", tenant: Tenant, factor: Factor
) -> None:
    of_message, decision = await sent(engine, tenant, factor), await undecided(engine, tenant, factor)

    for _ in range(MOST + 1):
        with pytest.raises(UnknownChallenge):
            await engine.challenges.answer(OTHER, factor.id, of_message.id, code=CODE)
    with pytest.raises(UnknownChallenge):
        await engine.challenges.decide(OTHER, factor.id, decision.id, is_approved=False)

    answered = await engine.challenges.answer(tenant, factor.id, of_message.id, code=CODE)
    decided = await engine.challenges.decide(tenant, factor.id, decision.id, is_approved=True)
    assert (answered.state, decided.state) == (State.VERIFIED, State.VERIFIED)


async def test_a_code_that_was_sent_is_not_in_redis(
    engine: "Engine", tenant: Tenant, factor: Factor, admin_redis: "Admin"
) -> None:
    challenge = await sent(engine, tenant, factor, "a code that stands out")
    await engine.challenges.answer(tenant, factor.id, challenge.id, code="another such code")

    dumped = b"".join(name + (admin_redis.dump(name) or b"") for name in scan(admin_redis))
    assert b"such code" not in dumped
    assert b"stands out" not in dumped


@pytest.mark.parametrize(("is_approved", "state"), [(True, State.VERIFIED), (False, State.FAILED)])
async def test_a_challenge_is_decided_once(
    engine: "Engine", tenant: Tenant, factor: Factor, is_approved: bool, state: State
) -> None:
    challenge = await undecided(engine, tenant, factor)

    decided = await engine.challenges.decide(tenant, factor.id, challenge.id, is_approved=is_approved)

    assert decided.state is state
    assert await engine.challenges.read(tenant.id, factor.id, challenge.id) == decided
    with pytest.raises(ChallengeClosed):
        await engine.challenges.decide(tenant, factor.id, challenge.id, is_approved=not is_approved)


async def test_of_many_decisions_at_once_one_stands(engine: "Engine", tenant: Tenant, factor: Factor) -> None:
    challenge = await undecided(engine, tenant, factor)

    results = await outcomes(
        *[
            engine.challenges.decide(tenant, factor.id, challenge.id, is_approved=number % 2 == 0)
            for number in range(MANY)
        ]
    )

    (decided,) = [result for result in results if isinstance(result, Challenge)]
    assert Counter(results)[ChallengeClosed] == MANY - 1
    assert await engine.challenges.read(tenant.id, factor.id, challenge.id) == decided


async def test_what_takes_a_code_is_not_decided(engine: "Engine", tenant: Tenant, factor: Factor) -> None:
    opened = [(await sent(engine, tenant, factor), CODE)]
    opened.append((await engine.challenges.open(tenant, factor.id), code_of(factor)))

    for challenge, code in opened:
        with pytest.raises(ChallengeClosed):
            await engine.challenges.decide(tenant, factor.id, challenge.id, is_approved=True)
        answered = await engine.challenges.answer(tenant, factor.id, challenge.id, code=code)
        assert answered.state is State.VERIFIED


async def test_what_is_decided_takes_no_code(engine: "Engine", tenant: Tenant, factor: Factor) -> None:
    challenge = await undecided(engine, tenant, factor)

    for code in (code_of(factor), CODE, ""):
        with pytest.raises(ChallengeClosed):
            await engine.challenges.answer(tenant, factor.id, challenge.id, code=code)
    assert await state_of(engine, tenant, factor, challenge) is State.PENDING


async def test_what_expired_or_has_lost_its_factor_is_not_decided(
    engine: "Engine", tenant: Tenant, factor: Factor
) -> None:
    challenge = await undecided(engine, tenant, factor)
    at_once = msgspec.structs.replace(tenant, challenge_policy=ChallengePolicy(life_s=0))
    expired = await undecided(engine, at_once, factor)
    await engine.factors.change(tenant.id, factor.id, Changes(is_ended=True))

    for one in (expired, challenge):
        with pytest.raises(ChallengeClosed):
            await engine.challenges.decide(tenant, factor.id, one.id, is_approved=True)


async def test_denials_lock_nothing(engine: "Engine", tenant: Tenant, factor: Factor) -> None:
    wary = msgspec.structs.replace(tenant, challenge_policy=ChallengePolicy(lock_after=1))
    for _ in range(3):
        challenge = await undecided(engine, wary, factor)
        await engine.challenges.decide(wary, factor.id, challenge.id, is_approved=False)

    challenge = await sent(engine, wary, factor)
    await engine.challenges.answer(wary, factor.id, challenge.id, code=WRONG)
    with pytest.raises(FactorLocked):
        await engine.challenges.answer(wary, factor.id, challenge.id, code=CODE)


async def test_a_challenge_is_taken_back_until_it_is_answered(
    engine: "Engine", tenant: Tenant, factor: Factor
) -> None:
    challenge, answered = await sent(engine, tenant, factor), await sent(engine, tenant, factor)
    await engine.challenges.answer(tenant, factor.id, answered.id, code=CODE)

    cancelled = await engine.challenges.cancel(tenant, factor.id, challenge.id)

    assert cancelled.state is State.CANCELLED
    assert await engine.challenges.read(tenant.id, factor.id, challenge.id) == cancelled
    with pytest.raises(ChallengeClosed):
        await engine.challenges.answer(tenant, factor.id, challenge.id, code=CODE)
    for one in (challenge, answered):
        with pytest.raises(ChallengeClosed):
            await engine.challenges.cancel(tenant, factor.id, one.id)


async def test_of_many_ends_at_once_one_stands(engine: "Engine", tenant: Tenant, factor: Factor) -> None:
    challenge = await undecided(engine, tenant, factor)

    results = await outcomes(
        *[
            engine.challenges.cancel(tenant, factor.id, challenge.id)
            if number % 2
            else engine.challenges.decide(tenant, factor.id, challenge.id, is_approved=True)
            for number in range(MANY)
        ]
    )

    (ended,) = [result for result in results if isinstance(result, Challenge)]
    assert Counter(results)[ChallengeClosed] == MANY - 1
    assert await engine.challenges.read(tenant.id, factor.id, challenge.id) == ended
