"""Redis goes away between counting an attempt and noting what became of it: nobody hears that nothing was done."""

from typing import TYPE_CHECKING

import pytest

from engine.challenges import Challenges
from engine.deployment import open_deployment
from engine.errors import ChallengeClosed, FactorNotPending, LinkDown, OutcomeUnknown, Overloaded
from engine.factor_records import Changes
from engine.factors import MOST_ACTIVATIONS, Factors
from engine.store.challenges import ChallengeStore
from engine.store.claims import ClaimStore
from engine.store.deployment import DeploymentStore
from engine.store.factors import FactorStore
from tests.engine.test_factor_names import Worker
from tests.engine.test_factors import active, code_of, enrolled

if TYPE_CHECKING:
    from engine.assembly import Engine, Options
    from engine.store.keys import KeySpace
    from engine.tenants import Tenant

pytestmark = pytest.mark.anyio


@pytest.fixture
async def space(engine: "Engine", engine_options: "Options") -> "KeySpace":
    """That of the engine."""
    return await open_deployment(
        DeploymentStore(engine.link), keyring=engine_options.keyring, partitions=engine_options.partitions
    )


@pytest.mark.parametrize("error", [LinkDown, Overloaded, OutcomeUnknown])
async def test_an_answer_that_is_counted_and_not_concluded_has_an_unknown_outcome(
    engine: "Engine", engine_options: "Options", tenant: "Tenant", space: "KeySpace", error: type[Exception]
) -> None:
    factor = await active(engine, tenant)
    challenge = await engine.challenges.open(tenant, factor.id)
    cut_off = Worker(engine.link, dies_before="challenge/conclude", fails_by=error)
    challenges = Challenges(
        ChallengeStore(cut_off),
        engine.factors,
        space,
        tenants=engine.known_tenants,
        keyring=engine_options.keyring,
    )
    with pytest.raises(OutcomeUnknown):
        await challenges.answer(tenant, factor.id, challenge.id, code=code_of(factor))
    with pytest.raises(ChallengeClosed):
        await engine.challenges.answer(tenant, factor.id, challenge.id, code=code_of(factor))


@pytest.mark.parametrize("script", ["factor/read", "factor/change"])
async def test_an_activation_that_is_counted_and_not_carried_out_has_an_unknown_outcome(
    engine: "Engine", engine_options: "Options", tenant: "Tenant", space: "KeySpace", script: str
) -> None:
    factor = await enrolled(engine, tenant)
    cut_off = Worker(engine.link, dies_before=script, fails_by=LinkDown)
    factors = Factors(FactorStore(cut_off), ClaimStore(cut_off), space, keyring=engine_options.keyring)
    for _ in range(MOST_ACTIVATIONS):
        with pytest.raises(OutcomeUnknown):
            await factors.change(tenant.id, factor.id, Changes(code=code_of(factor)))
    with pytest.raises(FactorNotPending):
        await engine.factors.change(tenant.id, factor.id, Changes(code=code_of(factor)))


async def test_a_change_that_counts_nothing_may_be_tried_again(
    engine: "Engine", engine_options: "Options", tenant: "Tenant", space: "KeySpace"
) -> None:
    factor = await enrolled(engine, tenant)
    cut_off = Worker(engine.link, dies_before="factor/change", fails_by=LinkDown)
    factors = Factors(FactorStore(cut_off), ClaimStore(cut_off), space, keyring=engine_options.keyring)
    with pytest.raises(LinkDown):
        await factors.change(tenant.id, factor.id, Changes(is_ended=True))
