"""Passcodes: who may submit and fetch them, within which rules and limits."""

import asyncio
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from engine.assembly import Engine, Options, open_engine
from engine.errors import (
    CannotUnseal,
    IdempotencyMismatch,
    Invalid,
    LimitExceeded,
    PasscodeGone,
    PassKeyTaken,
    Refusal,
    TenantInactive,
    Unauthenticated,
    UnknownTenant,
)
from engine.ids import TenantId
from engine.policies import Mode, PasscodePolicy
from engine.rates import DefaultRates, Rate
from engine.sealing import Keyring
from engine.tenants import State, Tenant
from engine.tokens import digest
from tests.conftest import NO_LIMITS, OWNER
from tests.engine.servers import scan

if TYPE_CHECKING:
    from tests.engine.servers import Admin

pytestmark = pytest.mark.anyio

PASS_KEY = "+49 30 123456"


async def submit(engine: Engine, tenant_id: TenantId, pass_key: str = PASS_KEY, **changes: Any) -> str:  # noqa: ANN401
    given: dict[str, Any] = {"pass_phrase": None, "address": "192.0.2.1", "idempotency_key": None} | changes
    return (await engine.passcodes.submit(tenant_id=tenant_id, pass_key=pass_key, **given)).text


async def fetch(
    engine: Engine,
    tenant_id: TenantId,
    api_key: str,
    pass_key: str = PASS_KEY,
    *,
    idempotency_key: str | None = None,
) -> str:
    passcode = await engine.passcodes.fetch(
        tenant_id=tenant_id, api_key=api_key, pass_key=pass_key, idempotency_key=idempotency_key
    )
    return passcode.text


async def change(engine: Engine, tenant: Tenant, **changes: Any) -> None:  # noqa: ANN401
    await engine.tenants.change(tenant.id, lambda tenant: msgspec.structs.replace(tenant, **changes))


async def test_the_agent_fetches_what_the_customer_was_given_once(
    engine: Engine, tenant: Tenant, api_key: str
) -> None:
    text = await submit(engine, tenant.id)
    assert await fetch(engine, tenant.id, api_key, "4930123456") == text
    with pytest.raises(PasscodeGone):
        await fetch(engine, tenant.id, api_key)


async def test_of_many_fetches_through_two_engines_one_wins(
    engine_options: Options, engine: Engine, tenant: Tenant, api_key: str
) -> None:
    async with open_engine(engine_options) as other:
        text = await submit(engine, tenant.id)
        fetches = [fetch((engine, other)[number % 2], tenant.id, api_key) for number in range(100)]
        results = await asyncio.gather(*fetches, return_exceptions=True)
    assert results.count(text) == 1
    assert sum(isinstance(result, PasscodeGone) for result in results) == 99


async def test_a_passcode_lives_as_long_as_the_policy_says(
    engine: Engine, tenant: Tenant, admin_redis: "Admin"
) -> None:
    await engine.configurations.create(tenant.id, admin=OWNER, policy=PasscodePolicy(length=12, expires_s=600))
    text = await submit(engine, tenant.id)
    (passcode,) = [key for key in scan(admin_redis) if b":passcode:" in key]
    assert 590_000 < admin_redis.pttl(passcode) <= 600_000
    assert len(text) == 12


async def test_a_customers_own_passcode_is_taken_where_the_policy_says_so(
    engine: Engine, tenant: Tenant, api_key: str
) -> None:
    await engine.configurations.create(tenant.id, admin=OWNER, policy=PasscodePolicy(mode=Mode.MANUAL))
    assert await submit(engine, tenant.id, pass_phrase="00123") == "00123"
    assert await fetch(engine, tenant.id, api_key) == "00123"
    with pytest.raises(Invalid):
        await submit(engine, tenant.id, pass_phrase="letters")


async def test_another_tenant_neither_takes_nor_gets_nor_blocks_it(
    engine: Engine, tenant: Tenant, api_key: str
) -> None:
    other = await engine.tenants.create(name="Other", state=State.ACTIVE)
    other_key = await engine.api_keys.issue(other.id, name="dialer")
    text = await submit(engine, tenant.id)
    with pytest.raises(PasscodeGone):
        await fetch(engine, other.id, other_key)
    with pytest.raises(UnknownTenant):
        await fetch(engine, tenant.id, other_key)
    other_text = await submit(engine, other.id)
    assert await fetch(engine, tenant.id, api_key) == text
    assert await fetch(engine, other.id, other_key) == other_text


@pytest.mark.one_node  # there is no copy from one partition to another
async def test_a_sealed_passcode_that_is_copied_to_another_subject_does_not_open(
    engine: Engine, tenant: Tenant, api_key: str, admin_redis: "Admin"
) -> None:
    await submit(engine, tenant.id)
    (stolen,) = [key for key in scan(admin_redis) if b":passcode:" in key]
    await submit(engine, tenant.id, "other")
    (target,) = [key for key in scan(admin_redis) if b":passcode:" in key and key != stolen]
    admin_redis.copy(stolen.decode(), target.decode(), replace=True)
    with pytest.raises(CannotUnseal):
        await fetch(engine, tenant.id, api_key, "other")


@pytest.mark.parametrize("state", [State.INACTIVE, State.SUSPENDED])
async def test_a_tenant_that_is_not_active_neither_submits_nor_fetches(
    engine: Engine, tenant: Tenant, api_key: str, state: State
) -> None:
    text = await submit(engine, tenant.id)
    await engine.tenants.set_state(tenant.id, state)
    for attempt in (partial(submit, engine, tenant.id), partial(fetch, engine, tenant.id, api_key)):
        with pytest.raises(TenantInactive):
            await attempt()
    await engine.tenants.set_state(tenant.id, State.ACTIVE)
    assert await fetch(engine, tenant.id, api_key) == text


async def test_nothing_can_be_done_for_an_unknown_tenant(engine: Engine, tenant: Tenant, api_key: str) -> None:
    await engine.tenants.delete(tenant.id)
    with pytest.raises(UnknownTenant):
        await submit(engine, tenant.id)
    with pytest.raises(Unauthenticated):
        await fetch(engine, tenant.id, api_key)


async def test_a_revoked_key_fetches_nothing_more(engine: Engine, tenant: Tenant, api_key: str) -> None:
    await submit(engine, tenant.id)
    fresh = await engine.api_keys.replace_all(tenant.id, name="fresh")
    with pytest.raises(Unauthenticated):
        await fetch(engine, tenant.id, api_key)
    assert await fetch(engine, tenant.id, fresh)


@pytest.mark.parametrize(("write", "refusal"), [("revoked", Unauthenticated), ("suspended", TenantInactive)])
async def test_a_write_that_redis_has_seen_is_in_force_before_anybody_here_has_heard_of_it(
    engine: Engine, tenant: Tenant, api_key: str, admin_redis: "Admin", write: str, refusal: type[Refusal]
) -> None:
    await submit(engine, tenant.id)
    with pytest.raises(PasscodeGone):  # from now on the tenant and its key are known here
        await fetch(engine, tenant.id, api_key, "other")
    (name,) = [key for key in scan(admin_redis) if b":tenant:" in key]
    record = admin_redis.hget(name.decode(), "record")
    assert isinstance(record, bytes)
    changed = {
        "revoked": record.replace(digest(api_key).encode(), b"0" * 64),
        "suspended": record.replace(b'"active"', b'"suspended"'),
    }[write]
    admin_redis.hset(name.decode(), "record", changed)
    with pytest.raises(refusal):
        await fetch(engine, tenant.id, api_key)


@pytest.mark.parametrize("pass_key", ["", "a\0b", "x" * 65])
async def test_what_is_no_pass_key_is_refused(
    engine: Engine, tenant: Tenant, api_key: str, pass_key: str, admin_redis: "Admin"
) -> None:
    for attempt in (
        partial(submit, engine, tenant.id, pass_key, idempotency_key="a"),
        partial(fetch, engine, tenant.id, api_key, pass_key, idempotency_key="a"),
    ):
        with pytest.raises(Invalid):
            await attempt()
    nouns = {key.split(b":")[1] for key in scan(admin_redis) if admin_redis.pttl(key) != -1}
    assert nouns == {b"keyholders", b"audit", b"journal"}, "none but of tenants: they were audited"


async def test_with_a_country_code_the_dialers_number_finds_the_customers(
    engine: Engine, tenant: Tenant, api_key: str
) -> None:
    await change(engine, tenant, country_code=49)
    text = await submit(engine, tenant.id, "030 123456")
    assert await fetch(engine, tenant.id, api_key, "+4930123456") == text


async def test_an_idempotency_key_is_for_one_submit(engine: Engine, tenant: Tenant) -> None:
    text = await submit(engine, tenant.id, idempotency_key="a")
    assert await submit(engine, tenant.id, "4930123456", idempotency_key="a") == text
    for other in (partial(submit, pass_key="other"), partial(submit, pass_phrase="123")):
        with pytest.raises(IdempotencyMismatch):
            await other(engine, tenant.id, idempotency_key="a")
    with pytest.raises(PassKeyTaken):
        await submit(engine, tenant.id, idempotency_key="b")


async def test_a_passcode_sealed_before_a_rotation_is_fetched_after_it(engine_options: Options) -> None:
    old, new = Keyring.generate(), Keyring.generate().replace("k1:", "k2:")
    async with open_engine(replace(engine_options, keyring=Keyring.parse(old))) as engine:
        tenant = await engine.tenants.create(name="Acme", state=State.ACTIVE)
        api_key = await engine.api_keys.issue(tenant.id, name="dialer")
        text = await submit(engine, tenant.id)
    async with open_engine(replace(engine_options, keyring=Keyring.parse(f"{new},{old}"))) as engine:
        assert await fetch(engine, tenant.id, api_key) == text


@pytest.mark.parametrize(
    ("rates", "policy"),
    [
        (NO_LIMITS._replace(submit_per_address=Rate(2, 3600)), "address"),
        (NO_LIMITS._replace(submit_per_key=Rate(2, 3600)), "pass-key"),
    ],
)
async def test_submits_are_limited(
    engine_options: Options, tenant: Tenant, rates: DefaultRates, policy: str
) -> None:
    async with open_engine(replace(engine_options, rates=rates)) as engine:
        results: list[str | Refusal] = []
        for _ in range(4):
            try:
                results.append(await submit(engine, tenant.id))
            except Refusal as refusal:
                results.append(refusal)
    assert [type(result) for result in results] == [str, PassKeyTaken, LimitExceeded, LimitExceeded]
    assert isinstance(results[-1], LimitExceeded)
    assert (results[-1].state.policy, results[-1].state.remaining) == (policy, 0)
    assert 1_799_000 < results[-1].retry_after_ms <= 1_800_001


async def test_fetches_are_limited_by_api_key(engine_options: Options, tenant: Tenant, api_key: str) -> None:
    rates = NO_LIMITS._replace(fetch_per_api_key=Rate(2, 3600))
    async with open_engine(replace(engine_options, rates=rates)) as engine:
        other_key = await engine.api_keys.issue(tenant.id, name="crm")
        for _ in range(2):
            with pytest.raises(PasscodeGone):
                await fetch(engine, tenant.id, api_key)
        with pytest.raises(LimitExceeded) as refusal:
            await fetch(engine, tenant.id, api_key)
        assert (refusal.value.state.policy, refusal.value.state.quota) == ("api-key", 2)
        with pytest.raises(PasscodeGone):
            await fetch(engine, tenant.id, other_key)


async def test_a_tenants_own_limits_come_before_those_of_the_deployment(
    engine: Engine, tenant: Tenant, api_key: str
) -> None:
    await change(engine, tenant, submit_limit=3, fetch_limit=2)
    submitted = await engine.passcodes.submit(
        tenant_id=tenant.id, pass_key="1", pass_phrase=None, address="192.0.2.1", idempotency_key=None
    )
    fetched = await engine.passcodes.fetch(
        tenant_id=tenant.id, api_key=api_key, pass_key="1", idempotency_key=None
    )
    assert [(state.policy, state.quota, state.remaining) for state in submitted.limits] == [
        ("address", 3, 2),
        ("pass-key", 3, 2),
    ]
    assert [(state.policy, state.quota, state.remaining) for state in fetched.limits] == [("api-key", 2, 1)]
