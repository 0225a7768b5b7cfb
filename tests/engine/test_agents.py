"""Agents: created by their tenant, signed in for a shift, and nobody outside of it."""

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from engine.assembly import Engine, Options, open_engine
from engine.errors import (
    AgentTaken,
    LimitExceeded,
    PasscodeGone,
    TenantInactive,
    Unauthenticated,
    UnknownAgent,
    UnknownTenant,
    WrongPassword,
)
from engine.ids import TenantId
from engine.rates import Rate
from engine.tenants import State, Tenant
from engine.tokens import Kind, mint
from tests.conftest import NO_LIMITS
from tests.engine.servers import scan

if TYPE_CHECKING:
    from tests.engine.servers import Admin

pytestmark = pytest.mark.anyio

EMAIL, ADDRESS = "ann@example.com", "192.0.2.1"


async def create(engine: Engine, tenant: Tenant, email: str = EMAIL) -> str:
    return (await engine.agents.create(tenant.id, name="Ann", email=email)).password


async def sign_in(engine: Engine, tenant: Tenant, password: str, email: str = EMAIL) -> str:
    session = await engine.agents.sign_in(tenant.id, email=email, password=password, address=ADDRESS)
    return session.token


async def is_in(engine: Engine, tenant_id: TenantId, token: str) -> bool:
    try:
        await engine.agents.authenticate(tenant_id, token)
    except Unauthenticated:
        return False
    return True


async def new_tenant(engine: Engine, name: str = "Other") -> Tenant:
    return await engine.tenants.create(name=name, state=State.ACTIVE)


async def test_an_agent_signs_in_whatever_the_case_of_the_address(engine: Engine, tenant: Tenant) -> None:
    password = await create(engine, tenant, " Ann@Example.com ")
    session = await engine.agents.sign_in(tenant.id, email="ann@EXAMPLE.com", password=password, address=ADDRESS)
    assert await engine.agents.authenticate(tenant.id, session.token) == session.agent_id
    assert (await engine.agents.read(tenant.id, session.agent_id)).email == "Ann@Example.com"


async def test_of_many_created_at_once_under_one_address_one_is(engine: Engine, tenant: Tenant) -> None:
    made = await asyncio.gather(*[create(engine, tenant) for _ in range(8)], return_exceptions=True)
    (password,) = [one for one in made if isinstance(one, str)]
    assert [type(one) for one in made].count(AgentTaken) == 7
    assert await sign_in(engine, tenant, password)


async def test_a_wrong_password_and_an_unknown_agent_are_one_refusal(engine: Engine, tenant: Tenant) -> None:
    password = await create(engine, tenant)
    for email, wrong in ((EMAIL, password[:-1]), (EMAIL, ""), ("eve@example.com", password)):
        with pytest.raises(WrongPassword):
            await sign_in(engine, tenant, wrong, email)


async def test_a_new_password_ends_all_sessions_and_the_old_one(engine: Engine, tenant: Tenant) -> None:
    password = await create(engine, tenant)
    tokens = [await sign_in(engine, tenant, password) for _ in range(2)]
    reset = await engine.agents.reset_password(tenant.id, email=EMAIL)
    assert [await is_in(engine, tenant.id, token) for token in tokens] == [False, False]
    with pytest.raises(WrongPassword):
        await sign_in(engine, tenant, password)
    assert await is_in(engine, tenant.id, await sign_in(engine, tenant, reset))


async def test_signing_out_ends_this_session_and_no_other(engine: Engine, tenant: Tenant) -> None:
    password = await create(engine, tenant)
    one, other = [await sign_in(engine, tenant, password) for _ in range(2)]
    await engine.agents.sign_out(tenant.id, one)
    await engine.agents.sign_out(tenant.id, one)  # again, as after a lost answer
    assert [await is_in(engine, tenant.id, token) for token in (one, other)] == [False, True]


async def test_a_deleted_agent_is_out_and_one_created_anew_has_none_of_the_sessions(
    engine: Engine, tenant: Tenant
) -> None:
    token = await sign_in(engine, tenant, await create(engine, tenant))
    await engine.agents.delete(tenant.id, email=EMAIL)
    assert not await is_in(engine, tenant.id, token)
    with pytest.raises(UnknownAgent):
        await engine.agents.delete(tenant.id, email=EMAIL)
    await create(engine, tenant)
    assert not await is_in(engine, tenant.id, token)


async def test_a_session_is_good_in_its_own_tenant_only(engine: Engine, tenant: Tenant) -> None:
    """Though an agent of the same address, or of any, is there."""
    others = [await new_tenant(engine, f"Other {number}") for number in range(20)]  # some in the same partition
    token = await sign_in(engine, tenant, await create(engine, tenant))
    for other in others:
        await create(engine, other)
    assert not any([await is_in(engine, other.id, token) for other in others])
    await engine.agents.sign_out(others[0].id, token)
    assert await is_in(engine, tenant.id, token)


async def test_what_was_never_given_out_is_no_session(engine: Engine, tenant: Tenant) -> None:
    session = await engine.agents.sign_in(
        tenant.id, email=EMAIL, password=await create(engine, tenant), address=ADDRESS
    )
    never = [mint(Kind.AGENT_SESSION, session.agent_id), mint(Kind.SESSION, session.agent_id)]
    for token in (*never, session.token[:-1], "", "ü"):
        assert not await is_in(engine, tenant.id, token)
        await engine.agents.sign_out(tenant.id, token)
    assert not await is_in(engine, TenantId("x\0y"), session.token)
    assert await is_in(engine, tenant.id, session.token)


async def test_only_an_active_tenant_lets_its_agents_in(engine: Engine, tenant: Tenant) -> None:
    password = await create(engine, tenant)
    await engine.tenants.set_state(tenant.id, State.SUSPENDED)
    with pytest.raises(TenantInactive):
        await sign_in(engine, tenant, password)
    await engine.tenants.delete(tenant.id)
    await engine.agents.forget(tenant.id)
    with pytest.raises(UnknownTenant):
        await sign_in(engine, tenant, password)
    with pytest.raises(UnknownTenant):
        await create(engine, tenant)


async def test_agents_are_listed_by_address_and_those_of_others_are_not(engine: Engine, tenant: Tenant) -> None:
    for email in ("b@example.com", "A@example.com"):
        await create(engine, tenant, email)
    await create(engine, await new_tenant(engine))
    listed = await engine.agents.list(tenant.id)
    assert [(one.agent.name, one.agent.email) for one in listed] == [
        ("Ann", "A@example.com"),
        ("Ann", "b@example.com"),
    ]


async def test_redis_holds_no_address_password_or_token(
    engine: Engine, tenant: Tenant, admin_redis: "Admin"
) -> None:
    password = await create(engine, tenant)
    token = await sign_in(engine, tenant, password)
    stored = b" ".join(key + (admin_redis.dump(key) or b"") for key in scan(admin_redis))
    assert not [text for text in (EMAIL, "Ann", password, token) if text.encode() in stored]


async def test_guesses_are_limited_by_agent_and_by_address(engine_options: Options) -> None:
    rates = NO_LIMITS._replace(login_per_email=Rate(2, 3600), login_per_address=Rate(6, 3600))
    async with open_engine(replace(engine_options, rates=rates)) as engine:
        tenant, other = await new_tenant(engine, "Acme"), await new_tenant(engine)
        passwords = [await create(engine, one) for one in (tenant, other)]
        for _ in range(2):
            with pytest.raises(WrongPassword):
                await sign_in(engine, tenant, "wrong")
        with pytest.raises(LimitExceeded, match="email"):
            await sign_in(engine, tenant, passwords[0])
        assert await sign_in(engine, other, passwords[1])  # the same address of mail, and another agent
        with pytest.raises(WrongPassword):
            await sign_in(engine, tenant, "wrong", "eve@example.com")
        with pytest.raises(WrongPassword):
            await sign_in(engine, tenant, "wrong", "mallory@example.com")
        with pytest.raises(LimitExceeded, match="address"):
            await sign_in(engine, other, passwords[1])


async def fetch(engine: Engine, tenant: Tenant, email: str = EMAIL, key: str | None = None) -> str:
    """As an agent whose session was looked at."""
    token = await sign_in(engine, tenant, await create(engine, tenant, email), email)
    agent_id = await engine.agents.authenticate(tenant.id, token)
    passcode = await engine.passcodes.fetch_for_agent(
        tenant_id=tenant.id, agent_id=agent_id, pass_key="23456", idempotency_key=key
    )
    assert 0 < passcode.left_ms <= 60_000
    return passcode.text


async def submit(engine: Engine, tenant: Tenant) -> str:
    passcode = await engine.passcodes.submit(
        tenant_id=tenant.id, pass_key="23456", pass_phrase=None, address=ADDRESS, idempotency_key=None
    )
    return passcode.text


async def test_an_agent_fetches_a_passcode_once_and_is_told_how_long_it_lives(
    engine: Engine, tenant: Tenant
) -> None:
    text = await submit(engine, tenant)
    assert await fetch(engine, tenant) == text
    with pytest.raises(PasscodeGone):
        await fetch(engine, tenant, "bob@example.com")


async def test_an_idempotency_key_replays_to_the_same_agent_only(engine: Engine, tenant: Tenant) -> None:
    text = await submit(engine, tenant)
    password = await create(engine, tenant)
    agent_id = await engine.agents.authenticate(tenant.id, await sign_in(engine, tenant, password))
    for _ in range(2):
        passcode = await engine.passcodes.fetch_for_agent(
            tenant_id=tenant.id, agent_id=agent_id, pass_key="23456", idempotency_key="k"
        )
        assert passcode.text == text
        assert 0 < passcode.left_ms <= 60_000
    with pytest.raises(PasscodeGone):
        await fetch(engine, tenant, "bob@example.com", "k")


async def test_fetches_are_limited_by_agent(engine_options: Options) -> None:
    rates = NO_LIMITS._replace(fetch_per_agent=Rate(1, 3600))
    async with open_engine(replace(engine_options, rates=rates)) as engine:
        tenant = await new_tenant(engine, "Acme")
        text = await submit(engine, tenant)
        agent_id = (await engine.agents.create(tenant.id, name="Ann", email=EMAIL)).id
        for refusal, key in ((PasscodeGone, "1"), (LimitExceeded, "23456")):
            with pytest.raises(refusal):
                await engine.passcodes.fetch_for_agent(
                    tenant_id=tenant.id, agent_id=agent_id, pass_key=key, idempotency_key=None
                )
        assert await fetch(engine, tenant, "bob@example.com") == text
