"""agent/*, on every server."""

import pytest

from engine.store import keys
from engine.store.agents import (
    AdmitStatus,
    AgentStore,
    CreateReply,
    CreateStatus,
    DeleteStatus,
    ListStatus,
    ReadStatus,
    SetPasswordStatus,
    SignInStatus,
    SignOutStatus,
)
from engine.store.keys import KeySpace, Place
from engine.store.tenants import TenantStore
from tests.engine.conftest import Backend

pytestmark = pytest.mark.anyio

FOREVER = -1
RECORD = bytes(range(256))
SESSION = "f" * 64
SESSION_MS = 60_000
EPOCH = 2**48  # the greatest there is: it comes back whole


@pytest.fixture
def store(backend: Backend) -> AgentStore:
    return AgentStore(backend.runner)


@pytest.fixture
async def tenant(backend: Backend, space: KeySpace) -> Place:
    place = space.place("tenant", "a")
    await TenantStore(backend.runner).create(tenant=place, tenant_id="a", record=b"{}")
    return place


async def create(
    store: AgentStore, space: KeySpace, tenant: Place, name: str, *, epoch: int = EPOCH, most: int = 9
) -> CreateReply:
    return await store.create(
        tenant=tenant,
        agent=place_of(space, tenant, name),
        agent_id=name,
        record=RECORD,
        password_hash="hash",
        epoch=epoch,
        most=most,
    )


def place_of(space: KeySpace, tenant: Place, name: str) -> Place:
    return space.place_in(tenant.partition, "agent", "a", name)


async def test_an_agent_is_created_once_and_kept(
    backend: Backend, store: AgentStore, space: KeySpace, tenant: Place
) -> None:
    assert await create(store, space, tenant, "ann") == (CreateStatus.CREATED,)
    assert await create(store, space, tenant, "ann", epoch=1) == (CreateStatus.EXISTS,)
    ann = place_of(space, tenant, "ann")
    assert await store.read(agent=ann) == (ReadStatus.FOUND, RECORD, b"hash", EPOCH)
    assert await store.list(tenant=tenant) == (ListStatus.LISTED, b"ann")
    assert {backend.remaining_ms(key) for key in backend.names()} == {FOREVER}


async def test_a_tenant_has_no_more_agents_than_it_may(store: AgentStore, space: KeySpace, tenant: Place) -> None:
    told = [(await create(store, space, tenant, name, most=2)).status for name in ("a", "b", "c")]
    assert told == [CreateStatus.CREATED, CreateStatus.CREATED, CreateStatus.FULL]
    assert await store.delete(tenant=tenant, agent=place_of(space, tenant, "a"), agent_id="a") == (
        DeleteStatus.DELETED,
    )
    assert await create(store, space, tenant, "c", most=2) == (CreateStatus.CREATED,)


async def test_a_tenant_that_is_no_more_gets_no_agent(
    backend: Backend, store: AgentStore, space: KeySpace, tenant: Place
) -> None:
    await TenantStore(backend.runner).delete(tenant=tenant, tenant_id="a")
    assert await create(store, space, tenant, "ann") == (CreateStatus.UNKNOWN,)
    assert not backend.names()


async def test_who_is_unknown_is_not_read_changed_deleted_or_signed_in(
    backend: Backend, store: AgentStore, space: KeySpace, tenant: Place
) -> None:
    ann, before = place_of(space, tenant, "ann"), backend.names()
    assert await store.read(agent=ann) == (ReadStatus.UNKNOWN, b"", b"", 0)
    assert await store.set_password(agent=ann, password_hash="x") == (SetPasswordStatus.UNKNOWN,)
    assert await store.delete(tenant=tenant, agent=ann, agent_id="ann") == (DeleteStatus.UNKNOWN,)
    signed_in = await store.sign_in(agent=ann, session=SESSION, epoch=0, ttl_ms=SESSION_MS)
    assert signed_in == (SignInStatus.STALE,)
    assert await store.admit(agent=ann, session=SESSION) == (AdmitStatus.OVER,)
    assert backend.names() == before


async def test_a_session_lives_until_its_time_is_up_or_it_is_signed_out(
    backend: Backend, store: AgentStore, space: KeySpace, tenant: Place
) -> None:
    await create(store, space, tenant, "ann")
    ann = place_of(space, tenant, "ann")
    for ends in ("expires", "is signed out"):
        await store.sign_in(agent=ann, session=SESSION, epoch=EPOCH, ttl_ms=SESSION_MS)
        assert 0 < backend.remaining_ms(keys.agent_session(ann, SESSION)) <= SESSION_MS
        assert await store.admit(agent=ann, session=SESSION) == (AdmitStatus.ADMITTED,)
        if ends == "expires":
            backend.expire(keys.agent_session(ann, SESSION))
        else:
            assert await store.sign_out(agent=ann, session=SESSION) == (SignOutStatus.SIGNED_OUT,)
        assert await store.admit(agent=ann, session=SESSION) == (AdmitStatus.OVER,)
        assert await store.sign_out(agent=ann, session=SESSION) == (SignOutStatus.OVER,)


async def test_a_new_password_ends_sessions_and_sign_ins_under_way(
    store: AgentStore, space: KeySpace, tenant: Place
) -> None:
    await create(store, space, tenant, "ann")
    ann = place_of(space, tenant, "ann")
    await store.sign_in(agent=ann, session=SESSION, epoch=EPOCH, ttl_ms=SESSION_MS)
    assert await store.set_password(agent=ann, password_hash="next") == (SetPasswordStatus.CHANGED,)
    assert await store.admit(agent=ann, session=SESSION) == (AdmitStatus.OVER,)
    late = await store.sign_in(agent=ann, session="e" * 64, epoch=EPOCH, ttl_ms=SESSION_MS)
    assert late == (SignInStatus.STALE,)


async def test_one_created_anew_has_no_session_of_before(
    store: AgentStore, space: KeySpace, tenant: Place
) -> None:
    await create(store, space, tenant, "ann")
    ann = place_of(space, tenant, "ann")
    await store.sign_in(agent=ann, session=SESSION, epoch=EPOCH, ttl_ms=SESSION_MS)
    await store.delete(tenant=tenant, agent=ann, agent_id="ann")
    assert await store.admit(agent=ann, session=SESSION) == (AdmitStatus.OVER,)
    await create(store, space, tenant, "ann", epoch=5)
    assert await store.admit(agent=ann, session=SESSION) == (AdmitStatus.OVER,)
