"""What an administrator configures."""

import asyncio

import pytest

from engine.assembly import Engine
from engine.errors import AlreadyConfigured, ChallengesNotSetUp, Refusal, TenantInactive, UnknownTenant
from engine.ids import AdminId
from engine.policies import Alphabet, Mode, PasscodePolicy
from engine.tenants import ChallengeSetup, Configuration, State, Tenant
from tests.conftest import OWNER

pytestmark = pytest.mark.anyio

STRANGER = AdminId("f" * 32)
POLICY = PasscodePolicy(mode=Mode.MANUAL, alphabet=Alphabet.ALPHABETS, length=8, expires_s=90)


async def test_a_configuration_is_in_force_once_it_is_created(engine: Engine, tenant: Tenant) -> None:
    configuration = await engine.configurations.create(tenant.id, admin=OWNER, policy=POLICY)
    found = await engine.tenants.read(tenant.id)
    assert (found.policy, found.configuration) == (POLICY, configuration)
    assert configuration.created_by == OWNER
    assert configuration.created_at == configuration.updated_at


async def test_a_configuration_is_created_once(engine: Engine, tenant: Tenant) -> None:
    await engine.configurations.create(tenant.id, admin=OWNER, policy=POLICY)
    with pytest.raises(AlreadyConfigured):
        await engine.configurations.create(tenant.id, admin=OWNER, policy=PasscodePolicy())
    assert (await engine.tenants.read(tenant.id)).policy == POLICY


async def test_of_many_configurations_created_at_once_one_is(engine: Engine, tenant: Tenant) -> None:
    creations = [
        engine.configurations.create(tenant.id, admin=OWNER, policy=PasscodePolicy(length=length))
        for length in range(4, 24)
    ]
    results = await asyncio.gather(*creations, return_exceptions=True)
    (created,) = [result for result in results if isinstance(result, Configuration)]
    assert sum(isinstance(result, AlreadyConfigured) for result in results) == 19
    assert (await engine.tenants.read(tenant.id)).configuration == created


async def test_a_replaced_configuration_keeps_when_it_was_created(engine: Engine, tenant: Tenant) -> None:
    created = await engine.configurations.create(tenant.id, admin=OWNER, policy=PasscodePolicy())
    replaced = await engine.configurations.replace(tenant.id, admin=OWNER, policy=POLICY)
    assert (await engine.tenants.read(tenant.id)).configuration == replaced
    assert (replaced.policy, replaced.created_at) == (POLICY, created.created_at)
    assert replaced.updated_at >= created.updated_at


async def test_replacing_needs_nothing_to_replace(engine: Engine, tenant: Tenant) -> None:
    await engine.configurations.replace(tenant.id, admin=OWNER, policy=POLICY)
    assert (await engine.tenants.read(tenant.id)).policy == POLICY


@pytest.mark.parametrize(
    ("admin", "state", "refusal"),
    [
        (STRANGER, State.ACTIVE, UnknownTenant),
        (STRANGER, State.INACTIVE, UnknownTenant),
        (OWNER, State.INACTIVE, TenantInactive),
        (OWNER, State.SUSPENDED, TenantInactive),
    ],
)
async def test_only_the_owner_of_an_active_tenant_configures_it(
    engine: Engine, tenant: Tenant, admin: AdminId, state: State, refusal: type[Refusal]
) -> None:
    await engine.tenants.set_state(tenant.id, state)
    for configure in (engine.configurations.create, engine.configurations.replace):
        with pytest.raises(refusal):
            await configure(tenant.id, admin=admin, policy=POLICY)
    assert (await engine.tenants.read(tenant.id)).configuration is None


async def test_configuring_leaves_everything_else_as_it_is(engine: Engine, tenant: Tenant, api_key: str) -> None:
    await engine.configurations.create(tenant.id, admin=OWNER, policy=POLICY)
    found = (await engine.api_keys.authenticate(api_key)).tenant
    assert (found.id, found.name, found.owner, found.state) == (tenant.id, tenant.name, OWNER, State.ACTIVE)


async def test_challenges_are_set_up_changed_and_no_longer_set_up(engine: Engine, tenant: Tenant) -> None:
    setup = ChallengeSetup("Acme", "https://acme.example/told", "Is it you?")
    with pytest.raises(ChallengesNotSetUp):
        tenant.require_challenge_setup()

    changed = await engine.configurations.change_challenges(tenant.id, lambda _: setup)
    assert changed == await engine.tenants.read(tenant.id)
    assert changed.require_challenge_setup() == setup
    assert changed.callback_url == setup.callback_url

    changed = await engine.configurations.change_challenges(tenant.id, lambda _: None)
    assert (changed.challenge_setup, changed.callback_url) == (None, None)


async def test_a_refused_change_of_the_setup_changes_nothing(engine: Engine, tenant: Tenant) -> None:
    def refuse(_: ChallengeSetup | None) -> ChallengeSetup | None:
        raise AlreadyConfigured

    with pytest.raises(AlreadyConfigured):
        await engine.configurations.change_challenges(tenant.id, refuse)
    assert await engine.tenants.read(tenant.id) == tenant


async def test_callbacks_stop_at_an_address_until_it_is_set_again(engine: Engine, tenant: Tenant) -> None:
    setup = ChallengeSetup("Acme", "https://acme.example/told")

    async def url() -> str | None:
        return (await engine.tenants.read(tenant.id)).callback_url

    await engine.configurations.stop_callbacks(tenant.id, "https://acme.example/told")
    assert (await engine.tenants.read(tenant.id)) == tenant
    await engine.configurations.change_challenges(tenant.id, lambda _: setup)
    await engine.configurations.stop_callbacks(tenant.id, "https://acme.example/before")
    assert await url() == setup.callback_url

    await engine.configurations.stop_callbacks(tenant.id, "https://acme.example/told")

    assert await url() is None
    stopped = (await engine.tenants.read(tenant.id)).require_challenge_setup()
    assert (stopped.callback_url, stopped.issuer) == (setup.callback_url, "Acme")
    await engine.configurations.change_challenges(tenant.id, lambda _: setup)
    assert await url() == setup.callback_url
