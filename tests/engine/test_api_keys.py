"""API keys: issued beside each other or in place of all others, and gone with the write that revokes them."""

import asyncio

import pytest

from engine.assembly import Engine, Options, open_engine
from engine.errors import TenantInactive, Unauthenticated, UnknownApiKey, UnknownTenant
from engine.ids import AdminId, TenantId, api_key_id
from engine.tenants import State, Tenant
from engine.tokens import Kind, digest, mint
from tests.conftest import OWNER
from tests.waiting import wait_until_async

pytestmark = pytest.mark.anyio

STRANGER = AdminId("f" * 32)


async def is_good(engine: Engine, api_key: str) -> bool:
    try:
        await engine.api_keys.authenticate(api_key)
    except Unauthenticated:
        return False
    return True


async def test_an_issued_key_names_its_tenant(engine: Engine, tenant: Tenant) -> None:
    api_key = await engine.api_keys.issue(tenant.id, name="dialer")
    key = await engine.api_keys.authenticate(api_key)
    assert (key.tenant.id, key.tenant.api_keys[digest(api_key)].name) == (tenant.id, "dialer")
    assert key.id == api_key_id(digest(api_key))


async def test_a_key_is_stored_as_a_digest_only(engine: Engine, tenant: Tenant) -> None:
    api_key = await engine.api_keys.issue(tenant.id, name="dialer")
    assert api_key not in repr(await engine.tenants.read(tenant.id))
    assert list((await engine.tenants.read(tenant.id)).api_keys) == [digest(api_key)]


async def test_a_further_key_leaves_the_others_good(engine: Engine, tenant: Tenant) -> None:
    keys = [await engine.api_keys.issue(tenant.id, name=name) for name in ("dialer", "crm", "dialer")]
    assert [await is_good(engine, key) for key in keys] == [True, True, True]


async def test_of_many_keys_issued_at_once_all_are_good(engine: Engine, tenant: Tenant) -> None:
    keys = await asyncio.gather(*[engine.api_keys.issue(tenant.id, name=f"{number}") for number in range(10)])
    assert all([await is_good(engine, key) for key in keys])


async def test_replacing_all_keys_ends_the_others_at_once(engine: Engine, tenant: Tenant) -> None:
    old = [await engine.api_keys.issue(tenant.id, name="old") for _ in range(3)]
    new = await engine.api_keys.replace_all(tenant.id, name="new")
    assert [await is_good(engine, key) for key in old] == [False, False, False]
    assert await is_good(engine, new)


async def test_of_many_replacements_at_once_one_key_is_left(engine: Engine, tenant: Tenant) -> None:
    keys = await asyncio.gather(*[engine.api_keys.replace_all(tenant.id, name="new") for _ in range(10)])
    assert [await is_good(engine, key) for key in keys].count(True) == 1


async def test_a_revoked_key_is_good_no_more_and_the_others_are(engine: Engine, tenant: Tenant) -> None:
    revoked, other = [await engine.api_keys.issue(tenant.id, name=name) for name in ("dialer", "crm")]
    await engine.api_keys.revoke(tenant.id, api_key_id(digest(revoked)))
    assert not await is_good(engine, revoked)
    assert await is_good(engine, other)
    with pytest.raises(UnknownApiKey):
        await engine.api_keys.revoke(tenant.id, api_key_id(digest(revoked)))


async def test_what_another_engine_does_to_keys_is_known_here(
    engine_options: Options, engine: Engine, tenant: Tenant
) -> None:
    async with open_engine(engine_options) as other:
        old = await other.api_keys.issue(tenant.id, name="old")
        assert await is_good(engine, old)
        new = await other.api_keys.replace_all(tenant.id, name="new")
        await wait_until_async(lambda: is_bad(engine, old))
        assert await is_good(engine, new)
        await other.tenants.delete(tenant.id)
        await wait_until_async(lambda: is_bad(engine, new))


async def is_bad(engine: Engine, api_key: str) -> bool:
    return not await is_good(engine, api_key)


async def test_one_tenants_keys_are_not_anothers(engine: Engine, tenant: Tenant, api_key: str) -> None:
    other = await engine.tenants.create(name="Other", owner=OWNER, state=State.ACTIVE)
    with pytest.raises(UnknownApiKey):
        await engine.api_keys.revoke(other.id, api_key_id(digest(api_key)))
    assert (await engine.api_keys.authenticate(api_key)).tenant.id == tenant.id


async def test_what_was_never_issued_is_not_good(engine: Engine, tenant: Tenant) -> None:
    subject = tenant.id.replace("-", "")
    strangers = [mint(Kind.API_KEY, subject), mint(Kind.SESSION, subject), mint(Kind.API_KEY, "0" * 32), "", "wwk"]
    assert not any([await is_good(engine, text) for text in strangers])


async def test_the_keys_of_a_deleted_tenant_are_not_good(engine: Engine, tenant: Tenant, api_key: str) -> None:
    await engine.tenants.delete(tenant.id)
    assert not await is_good(engine, api_key)


async def test_only_the_owner_of_an_active_tenant_refreshes_its_key(
    engine: Engine, tenant: Tenant, api_key: str
) -> None:
    with pytest.raises(UnknownTenant):
        await engine.api_keys.refresh(tenant.id, admin=STRANGER)
    await engine.tenants.set_state(tenant.id, State.SUSPENDED)
    with pytest.raises(TenantInactive):
        await engine.api_keys.refresh(tenant.id, admin=OWNER)
    assert await is_good(engine, api_key)
    await engine.tenants.set_state(tenant.id, State.ACTIVE)
    fresh = await engine.api_keys.refresh(tenant.id, admin=OWNER)
    assert (await is_good(engine, api_key), await is_good(engine, fresh)) == (False, True)


async def test_an_unknown_tenant_gets_no_key(engine: Engine, tenant: Tenant) -> None:
    await engine.tenants.delete(tenant.id)
    with pytest.raises(UnknownTenant):
        await engine.api_keys.issue(tenant.id, name="dialer")
    with pytest.raises(UnknownTenant):
        await engine.api_keys.replace_all(TenantId(tenant.id), name="dialer")
