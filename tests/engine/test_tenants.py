"""Tenants: created, changed, listed and forgotten."""

import asyncio
import uuid
from typing import TYPE_CHECKING

import msgspec
import pytest

from engine.assembly import Engine
from engine.errors import OriginRefused, TenantInactive, TenantNameTaken, UnknownTenant
from engine.ids import AdminId, TenantId
from engine.policies import PasscodePolicy
from engine.tenants import State, Tenant
from tests.conftest import OWNER
from tests.engine.servers import scan

if TYPE_CHECKING:
    from tests.engine.servers import Admin

pytestmark = pytest.mark.anyio

NOBODYS = TenantId(str(uuid.UUID(int=0)))
STRANGER = AdminId("f" * 32)


def renamed(tenant: Tenant, name: str) -> Tenant:
    return msgspec.structs.replace(tenant, name=name)


def record_key(admin: "Admin") -> bytes:
    """The key of the only tenant."""
    (key,) = [name for name in scan(admin) if name.split(b":")[1] == b"tenant"]
    return key


def written(admin: "Admin") -> dict[str, object]:
    """The record of the only tenant, as it is in Redis."""
    record = admin.hget(record_key(admin), "record")
    assert record is not None
    return msgspec.json.decode(record)


async def test_a_new_tenant_is_read_back_and_waits_for_its_activation(engine: Engine) -> None:
    tenant = await engine.tenants.create(name="Acme", owner=OWNER)
    assert await engine.tenants.read(tenant.id) == tenant
    assert (tenant.name, tenant.owner, tenant.state) == ("Acme", OWNER, State.INACTIVE)
    assert tenant.policy == PasscodePolicy()
    with pytest.raises(TenantInactive):
        await engine.tenants.read_active(tenant.id)


@pytest.mark.parametrize("name", ["Acme", "ACME", " acme ", "\tAcMe\n"])
async def test_a_name_is_taken_however_it_is_spelled(engine: Engine, name: str) -> None:
    await engine.tenants.create(name="Acme")
    with pytest.raises(TenantNameTaken):
        await engine.tenants.create(name=name)


async def test_of_many_tenants_of_one_name_one_is_created(engine: Engine) -> None:
    creations = [engine.tenants.create(name="Acme") for _ in range(50)]
    results = await asyncio.gather(*creations, return_exceptions=True)
    assert sum(isinstance(result, Tenant) for result in results) == 1
    assert sum(isinstance(result, TenantNameTaken) for result in results) == 49
    assert len([tenant async for tenant in engine.tenants.list()]) == 1


@pytest.mark.parametrize(
    "tenant_id",
    [
        NOBODYS,
        "",
        "Acme",
        str(uuid.UUID(int=0)).replace("-", ""),
        "{1}:tenant",
        f"{uuid.UUID(int=0)}\n",
        "\u0660" * 36,
    ],
)
async def test_what_is_no_tenants_id_is_unknown(engine: Engine, tenant_id: str) -> None:
    unknown = TenantId(tenant_id)
    with pytest.raises(UnknownTenant):
        await engine.tenants.read(unknown)
    with pytest.raises(UnknownTenant):
        await engine.tenants.set_state(unknown, State.ACTIVE)
    with pytest.raises(UnknownTenant):
        await engine.tenants.delete(unknown)


async def test_the_state_is_what_it_was_last_set_to(engine: Engine, tenant: Tenant) -> None:
    for state in (State.SUSPENDED, State.INACTIVE, State.ACTIVE):
        assert (await engine.tenants.set_state(tenant.id, state)).state is state
        assert (await engine.tenants.read(tenant.id)).state is state


@pytest.mark.parametrize("state", [State.INACTIVE, State.SUSPENDED])
async def test_only_an_active_tenant_works(engine: Engine, tenant: Tenant, state: State) -> None:
    await engine.tenants.set_state(tenant.id, state)
    with pytest.raises(TenantInactive):
        await engine.tenants.read_active(tenant.id)
    with pytest.raises(TenantInactive):
        await engine.tenants.read_owned(tenant.id, OWNER)


async def test_only_its_owner_owns_a_tenant(engine: Engine, tenant: Tenant) -> None:
    assert await engine.tenants.read_owned(tenant.id, OWNER) == tenant
    with pytest.raises(UnknownTenant):
        await engine.tenants.read_owned(tenant.id, STRANGER)


async def test_a_tenant_without_an_owner_is_nobodys(engine: Engine) -> None:
    tenant = await engine.tenants.create(name="Acme", state=State.ACTIVE)
    with pytest.raises(UnknownTenant):
        await engine.tenants.read_owned(tenant.id, OWNER)


async def test_a_stranger_does_not_learn_that_a_tenant_is_inactive(engine: Engine, tenant: Tenant) -> None:
    await engine.tenants.set_state(tenant.id, State.SUSPENDED)
    with pytest.raises(UnknownTenant):
        await engine.tenants.read_owned(tenant.id, STRANGER)


async def test_of_many_changes_at_once_none_is_lost(engine: Engine, tenant: Tenant) -> None:
    changes = [
        engine.tenants.change(tenant.id, lambda tenant, n=number: renamed(tenant, f"{tenant.name} {n}"))
        for number in range(20)
    ]
    await asyncio.gather(*changes)
    name = (await engine.tenants.read(tenant.id)).name
    assert sorted(name.split()[1:], key=int) == [str(number) for number in range(20)]


async def test_what_a_newer_edge_has_written_survives_a_change(
    engine: Engine, tenant: Tenant, admin_redis: "Admin"
) -> None:
    """Fields that this version does not know, of the tenant and of what is within it."""
    newer: dict[str, object] = {
        **written(admin_redis),
        "colour": {"of": ["eyes", 2.50]},
        "submit_limit": 7,
        "challenge_policy": {"life_s": 60, "tone": "kind"},
        "challenge_setup": {"issuer": "Acme", "logo": "acme.png"},
    }
    admin_redis.hset(record_key(admin_redis), "record", msgspec.json.encode(newer))

    changed = await engine.tenants.change(
        tenant.id, lambda tenant: msgspec.structs.replace(tenant, name="Acme Ltd", submit_limit=None)
    )

    del newer["submit_limit"]
    assert written(admin_redis) == newer | {"name": "Acme Ltd"}
    assert await engine.tenants.read(tenant.id) == changed
    assert (changed.challenge_policy.life_s, changed.submit_limit) == (60, None)


async def test_a_change_that_raises_changes_nothing(engine: Engine, tenant: Tenant) -> None:
    def refuse(_: Tenant) -> Tenant:
        raise OriginRefused

    with pytest.raises(OriginRefused):
        await engine.tenants.change(tenant.id, refuse)
    assert await engine.tenants.read(tenant.id) == tenant


async def test_a_deleted_tenant_is_unknown_and_its_name_is_free(engine: Engine, tenant: Tenant) -> None:
    await engine.tenants.delete(tenant.id)
    for attempt in (engine.tenants.read, engine.tenants.delete):
        with pytest.raises(UnknownTenant):
            await attempt(tenant.id)
    assert (await engine.tenants.create(name="Acme")).id != tenant.id


async def test_a_tenant_that_is_deleted_while_it_is_changed_stays_deleted(engine: Engine, tenant: Tenant) -> None:
    deleted = asyncio.Event()

    async def delete() -> None:
        await engine.tenants.delete(tenant.id)
        deleted.set()

    deletion = asyncio.create_task(delete())
    await asyncio.gather(
        *[engine.tenants.change(tenant.id, lambda tenant: renamed(tenant, "x")) for _ in range(20)],
        return_exceptions=True,
    )
    await deletion
    with pytest.raises(UnknownTenant):
        await engine.tenants.read(tenant.id)


async def test_all_tenants_are_listed(engine: Engine) -> None:
    created = {(await engine.tenants.create(name=f"Tenant {number}")).id for number in range(50)}
    assert {tenant.id async for tenant in engine.tenants.list()} == created


async def test_a_tenant_that_is_deleted_while_they_are_listed_is_left_out(engine: Engine) -> None:
    created = [await engine.tenants.create(name=f"Tenant {number}") for number in range(50)]
    listed: list[Tenant] = []
    async for tenant in engine.tenants.list():
        listed.append(tenant)
        for other in created:
            if other.id != tenant.id and len(listed) == 1:
                await engine.tenants.delete(other.id)
    assert len(listed) == 1


@pytest.mark.parametrize(
    ("allowed", "origin", "refused"),
    [
        (("*",), "https://anywhere.example", False),
        (("https://acme.example",), "https://acme.example", False),
        (("https://acme.example",), "https://acme.example.evil", True),
        (("https://acme.example",), "http://acme.example", True),
        ((), "https://acme.example", True),
    ],
)
async def test_only_allowed_origins_may_use_a_tenant(allowed: tuple[str, ...], origin: str, refused: bool) -> None:
    tenant = Tenant(NOBODYS, "Acme", 0, allowed_origins=allowed)
    if refused:
        with pytest.raises(OriginRefused):
            tenant.require_origin(origin)
    else:
        tenant.require_origin(origin)


async def test_an_administrators_tenants_are_listed_in_any_state_and_nobody_elses(engine: Engine) -> None:
    mine = [await engine.tenants.create(name=f"Mine {number}", owner=OWNER) for number in range(5)]
    await engine.tenants.create(name="Theirs", owner=STRANGER)
    await engine.tenants.create(name="The operator's")
    await engine.tenants.set_state(mine[0].id, State.SUSPENDED)
    assert {tenant.id for tenant in await engine.tenants.list_own(OWNER)} == {tenant.id for tenant in mine}
    assert (await engine.tenants.read_own(mine[0].id, OWNER)).state is State.SUSPENDED
    with pytest.raises(UnknownTenant):
        await engine.tenants.read_own(mine[0].id, STRANGER)


async def test_a_deleted_tenant_is_on_no_list(engine: Engine, admin_redis: "Admin") -> None:
    tenant = await engine.tenants.create(name="Mine", owner=OWNER)
    await engine.tenants.delete(tenant.id)
    assert await engine.tenants.list_own(OWNER) == ()
    assert not [key for key in scan(admin_redis) if b":owned:" in key]


async def test_the_parts_of_the_list_are_all_tenants(engine: Engine) -> None:
    created = {(await engine.tenants.create(name=f"Tenant {number}")).id for number in range(20)}
    parts = [await engine.tenants.part(number) for number in range(engine.tenants.parts)]
    assert {tenant.id for part in parts for tenant in part} == created
    assert sum(map(len, parts)) == 20
