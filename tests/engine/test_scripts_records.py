"""Tenants, claims, administrators, sessions and the deployment as their scripts keep them, on every server."""

import pytest

from engine.store import keys
from engine.store.admins import (
    AdminStore,
    ChangePasswordStatus,
    CloseStatus,
    CreateStatus,
    OpenStatus,
    ReadStatus,
    SessionStatus,
    SetPasswordStatus,
)
from engine.store.claims import ClaimStore, HoldReply, HoldStatus, KeepStatus, ReleaseStatus, TakeStatus
from engine.store.claims import ReadStatus as ClaimStatus
from engine.store.deployment import DeploymentStore
from engine.store.deployment import OpenStatus as DeploymentStatus
from engine.store.keys import KeySpace, Place
from engine.store.tenants import CreateStatus as TenantCreateStatus
from engine.store.tenants import (
    DeleteStatus,
    DisownStatus,
    ListStatus,
    OwnStatus,
    ReplaceStatus,
    TenantStore,
)
from engine.store.tenants import ReadStatus as TenantReadStatus
from tests.engine.conftest import Backend

pytestmark = pytest.mark.anyio

FOREVER = -1
RECORD = bytes(range(256))
LAPSE_MS = 60_000
SESSION = "f" * 64
SESSION_MS = 60_000


@pytest.fixture
def place(space: KeySpace) -> Place:
    return space.place("subject")


# Tenants


@pytest.fixture
def tenants(backend: Backend) -> TenantStore:
    return TenantStore(backend.runner)


async def test_a_tenant_is_created_once_and_kept(backend: Backend, tenants: TenantStore, place: Place) -> None:
    assert await tenants.create(tenant=place, tenant_id="a", record=RECORD) == (TenantCreateStatus.CREATED,)
    assert await tenants.create(tenant=place, tenant_id="a", record=b"") == (TenantCreateStatus.EXISTS,)
    assert await tenants.read(tenant=place) == (TenantReadStatus.FOUND, 1, RECORD)
    assert {backend.remaining_ms(key) for key in backend.names()} == {FOREVER}


async def test_an_unknown_tenant_is_neither_read_nor_replaced_nor_deleted(
    backend: Backend, tenants: TenantStore, place: Place
) -> None:
    assert await tenants.read(tenant=place) == (TenantReadStatus.UNKNOWN, 0, b"")
    assert await tenants.replace(tenant=place, version=1, record=b"") == (ReplaceStatus.UNKNOWN,)
    assert await tenants.delete(tenant=place, tenant_id="a") == (DeleteStatus.UNKNOWN,)
    assert not backend.names()


async def test_a_tenant_is_replaced_only_by_who_has_read_it_last(tenants: TenantStore, place: Place) -> None:
    await tenants.create(tenant=place, tenant_id="a", record=b"1")
    assert await tenants.replace(tenant=place, version=1, record=b"2") == (ReplaceStatus.REPLACED,)
    assert await tenants.replace(tenant=place, version=1, record=b"3") == (ReplaceStatus.STALE,)
    assert await tenants.replace(tenant=place, version=3, record=b"3") == (ReplaceStatus.STALE,)
    assert await tenants.read(tenant=place) == (TenantReadStatus.FOUND, 2, b"2")
    for version in range(2, 12):
        assert await tenants.replace(tenant=place, version=version, record=b"n") == (ReplaceStatus.REPLACED,)


async def test_tenants_of_a_partition_are_listed_until_they_are_deleted(
    backend: Backend, tenants: TenantStore, place: Place
) -> None:
    other = place._replace(digest=b"x" * 22)
    await tenants.create(tenant=place, tenant_id="a", record=b"")
    await tenants.create(tenant=other, tenant_id="b", record=b"")
    status, ids = await tenants.list(partition=place)
    assert status is ListStatus.LISTED
    assert set(ids.split()) == {b"a", b"b"}
    assert await tenants.delete(tenant=place, tenant_id="a") == (DeleteStatus.DELETED,)
    assert await tenants.list(partition=place) == (ListStatus.LISTED, b"b")
    await tenants.delete(tenant=other, tenant_id="b")
    assert await tenants.list(partition=place) == (ListStatus.LISTED, b"")
    assert not backend.names()


# Claims


@pytest.fixture
def claims(backend: Backend) -> ClaimStore:
    return ClaimStore(backend.runner)


async def test_a_claim_lapses_unless_it_is_kept(backend: Backend, claims: ClaimStore, place: Place) -> None:
    assert await claims.take(name=place, owner="a", lapse_ms=LAPSE_MS) == (TakeStatus.TAKEN,)
    assert LAPSE_MS - 5000 < backend.remaining_ms(keys.claim(place)) <= LAPSE_MS
    assert await claims.keep(name=place, owner="a") == (KeepStatus.KEPT,)
    assert backend.remaining_ms(keys.claim(place)) == FOREVER


async def test_a_claimed_name_is_refused_to_all_but_its_owner(claims: ClaimStore, place: Place) -> None:
    await claims.take(name=place, owner="a", lapse_ms=LAPSE_MS)
    assert await claims.take(name=place, owner="b", lapse_ms=LAPSE_MS) == (TakeStatus.REFUSED,)
    assert await claims.take(name=place, owner="a", lapse_ms=LAPSE_MS) == (TakeStatus.TAKEN,)
    assert await claims.keep(name=place, owner="b") == (KeepStatus.LAPSED,)
    assert await claims.release(name=place, value="b") == (ReleaseStatus.LAPSED,)
    assert await claims.keep(name=place, owner="a") == (KeepStatus.KEPT,)


async def test_a_claim_that_is_taken_again_by_its_owner_stays_kept(
    backend: Backend, claims: ClaimStore, place: Place
) -> None:
    await claims.take(name=place, owner="a", lapse_ms=LAPSE_MS)
    await claims.keep(name=place, owner="a")
    await claims.take(name=place, owner="a", lapse_ms=LAPSE_MS)
    assert backend.remaining_ms(keys.claim(place)) == FOREVER


async def test_a_lapsed_claim_is_nobodys(backend: Backend, claims: ClaimStore, place: Place) -> None:
    await claims.take(name=place, owner="a", lapse_ms=LAPSE_MS)
    backend.expire(keys.claim(place))
    assert await claims.keep(name=place, owner="a") == (KeepStatus.LAPSED,)
    assert await claims.take(name=place, owner="b", lapse_ms=LAPSE_MS) == (TakeStatus.TAKEN,)


async def test_a_released_name_is_free(claims: ClaimStore, place: Place) -> None:
    await claims.take(name=place, owner="a", lapse_ms=LAPSE_MS)
    assert await claims.release(name=place, value="a") == (ReleaseStatus.RELEASED,)
    assert await claims.release(name=place, value="a") == (ReleaseStatus.LAPSED,)
    assert await claims.take(name=place, owner="b", lapse_ms=LAPSE_MS) == (TakeStatus.TAKEN,)


async def hold(claims: ClaimStore, place: Place, nonce: str, *, lapse_ms: int | None = None) -> HoldReply:
    return await claims.hold(name=place, owner="a", nonce=nonce, lapse_ms=lapse_ms, now_us=5_999)


async def test_a_held_name_has_one_owner_and_another_value_each_time(claims: ClaimStore, place: Place) -> None:
    assert await hold(claims, place, "x") == (HoldStatus.HELD, b"a 5 x", 5)
    assert await hold(claims, place, "y") == (HoldStatus.HELD, b"a 5 y", 5)
    refused = await claims.hold(name=place, owner="b", nonce="z", lapse_ms=None, now_us=6_000)
    assert refused == (HoldStatus.REFUSED, b"a 5 y", 6)
    assert await claims.read(name=place) == (ClaimStatus.TAKEN, b"a 5 y")


async def test_a_late_release_does_not_free_a_name_that_is_held_anew(claims: ClaimStore, place: Place) -> None:
    first, second = await hold(claims, place, "x"), await hold(claims, place, "y")
    assert await claims.release(name=place, value=first.value) == (ReleaseStatus.LAPSED,)
    assert await claims.release(name=place, value="a") == (ReleaseStatus.LAPSED,)
    assert await claims.release(name=place, value=second.value) == (ReleaseStatus.RELEASED,)


async def test_a_held_name_never_comes_to_lapse_earlier(
    backend: Backend, claims: ClaimStore, place: Place
) -> None:
    await hold(claims, place, "x", lapse_ms=LAPSE_MS)
    backend.age_to(keys.claim(place), 2 * LAPSE_MS)
    await hold(claims, place, "y", lapse_ms=LAPSE_MS)
    assert backend.remaining_ms(keys.claim(place)) > LAPSE_MS
    for lapse_ms in (None, LAPSE_MS):
        await hold(claims, place, "z", lapse_ms=lapse_ms)
        assert backend.remaining_ms(keys.claim(place)) == FOREVER


# Administrators and sessions


@pytest.fixture
def admins(backend: Backend) -> AdminStore:
    return AdminStore(backend.runner)


async def test_an_administrator_is_created_once_and_kept(
    backend: Backend, admins: AdminStore, place: Place
) -> None:
    assert await admins.create(admin=place, admin_id="a", record=RECORD, password_hash="one") == (
        CreateStatus.CREATED,
    )
    assert await admins.create(admin=place, admin_id="a", record=b"", password_hash="two") == (
        CreateStatus.EXISTS,
    )
    assert await admins.read(admin=place) == (ReadStatus.FOUND, RECORD, b"one", 1)
    assert backend.remaining_ms(keys.admin(place)) == FOREVER


async def test_an_unknown_administrator_has_no_password_and_no_session(
    backend: Backend, admins: AdminStore, place: Place
) -> None:
    assert await admins.read(admin=place) == (ReadStatus.UNKNOWN, b"", b"", 0)
    assert await admins.set_password(admin=place, password_hash="x") == (SetPasswordStatus.UNKNOWN,)
    opened = await admins.open_session(admin=place, admin_id="a", session=SESSION, epoch=0, ttl_ms=SESSION_MS)
    assert opened == (OpenStatus.STALE,)
    assert await admins.read_session(admin=place, session=SESSION) == (SessionStatus.OVER,)
    assert not backend.names()


async def test_a_session_is_alive_for_its_life(backend: Backend, admins: AdminStore, place: Place) -> None:
    await admins.create(admin=place, admin_id="a", record=b"", password_hash="one")
    opened = await admins.open_session(admin=place, admin_id="a", session=SESSION, epoch=1, ttl_ms=SESSION_MS)
    assert opened == (OpenStatus.OPENED,)
    assert await admins.read_session(admin=place, session=SESSION) == (SessionStatus.ALIVE,)
    assert await admins.read_session(admin=place, session="e" * 64) == (SessionStatus.OVER,)
    assert SESSION_MS - 5000 < backend.remaining_ms(keys.session(place, SESSION)) <= SESSION_MS
    backend.expire(keys.session(place, SESSION))
    assert await admins.read_session(admin=place, session=SESSION) == (SessionStatus.OVER,)


async def test_a_new_password_ends_the_sessions_of_the_old_one(admins: AdminStore, place: Place) -> None:
    await admins.create(admin=place, admin_id="a", record=b"", password_hash="one")
    await admins.open_session(admin=place, admin_id="a", session=SESSION, epoch=1, ttl_ms=SESSION_MS)
    assert await admins.set_password(admin=place, password_hash="two") == (SetPasswordStatus.CHANGED,)
    assert await admins.read(admin=place) == (ReadStatus.FOUND, b"", b"two", 2)
    assert await admins.read_session(admin=place, session=SESSION) == (SessionStatus.OVER,)


async def test_a_session_is_not_opened_under_a_password_that_was_changed_meanwhile(
    backend: Backend, admins: AdminStore, place: Place
) -> None:
    await admins.create(admin=place, admin_id="a", record=b"", password_hash="one")
    await admins.set_password(admin=place, password_hash="two")
    opened = await admins.open_session(admin=place, admin_id="a", session=SESSION, epoch=1, ttl_ms=SESSION_MS)
    assert opened == (OpenStatus.STALE,)
    assert backend.names() == {keys.admin(place), keys.admins(place)}


# The deployment


async def test_the_first_start_fixes_what_later_ones_join(backend: Backend) -> None:
    store = DeploymentStore(backend.runner)
    assert await store.open(partitions=64, index_key=RECORD) == (DeploymentStatus.FOUNDED, 64, RECORD)
    assert await store.open(partitions=8, index_key=b"other") == (DeploymentStatus.JOINED, 64, RECORD)
    assert backend.remaining_ms(keys.DEPLOYMENT) == FOREVER


async def test_a_closed_session_is_over(backend: Backend, admins: AdminStore, place: Place) -> None:
    await admins.create(admin=place, admin_id="a", record=b"", password_hash="one")
    await admins.open_session(admin=place, admin_id="a", session=SESSION, epoch=1, ttl_ms=SESSION_MS)
    assert await admins.close_session(admin=place, session=SESSION) == (CloseStatus.CLOSED,)
    assert await admins.close_session(admin=place, session=SESSION) == (CloseStatus.OVER,)
    assert await admins.read_session(admin=place, session=SESSION) == (SessionStatus.OVER,)
    assert backend.names() == {keys.admin(place), keys.admins(place)}


async def test_a_password_is_changed_once_under_the_epoch_that_was_verified(
    backend: Backend, admins: AdminStore, place: Place
) -> None:
    stale = (ChangePasswordStatus.STALE, 0)
    assert await admins.change_password(admin=place, epoch=0, password_hash="x") == stale
    assert not backend.names()
    await admins.create(admin=place, admin_id="a", record=b"", password_hash="one")
    await admins.open_session(admin=place, admin_id="a", session=SESSION, epoch=1, ttl_ms=SESSION_MS)
    changed = await admins.change_password(admin=place, epoch=1, password_hash="two")
    assert changed == (ChangePasswordStatus.CHANGED, 2)
    assert await admins.change_password(admin=place, epoch=1, password_hash="three") == stale
    assert await admins.read(admin=place) == (ReadStatus.FOUND, b"", b"two", 2)
    assert await admins.read_session(admin=place, session=SESSION) == (SessionStatus.OVER,)


async def test_what_an_administrator_owns_is_listed_for_good(backend: Backend, place: Place) -> None:
    tenants = TenantStore(backend.runner)
    for _ in range(2):
        assert await tenants.own(admin=place, tenant_id="t") == (OwnStatus.OWNED,)
    assert (await tenants.owned(admin=place)).ids == b"t"
    assert backend.remaining_ms(keys.owned(place)) == FOREVER
    for _ in range(2):
        assert await tenants.disown(admin=place, tenant_id="t") == (DisownStatus.DISOWNED,)
    assert (await tenants.owned(admin=place)).ids == b""
    assert not backend.names()
