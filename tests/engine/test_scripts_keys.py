"""Sealing keys and sealed values as their scripts keep them, on every server."""

from functools import partial

import pytest

from engine.store import keys
from engine.store.admins import AdminStore
from engine.store.challenges import AttemptStatus
from engine.store.deployment import DeploymentStore
from engine.store.factors import AttemptStatus as ActivationStatus
from engine.store.factors import FactorStore
from engine.store.keyholders import JoinStatus, KeyholderStore, LeaveStatus
from engine.store.keys import KeySpace, Place
from engine.store.passcodes import FetchStatus, PasscodeStore
from engine.store.seals import ReadStatus, ReplaceStatus, SealStore
from tests.engine.cases import LIFE_MS, NOW_MS, Case, us
from tests.engine.conftest import Backend

pytestmark = pytest.mark.anyio

HOLDER_LIFE_MS = 30_000
SEALED = b"k1." + bytes(range(256))
ANEW = b"k2." + bytes(range(256))
HAS_NEITHER, HAS_OLD = b" k2 k10 k ", b" k2 k1 "


@pytest.fixture
def holders(backend: Backend) -> KeyholderStore:
    return KeyholderStore(backend.runner)


async def join(store: KeyholderStore, holder: str, ring: str, *, after_ms: int = 0) -> tuple[JoinStatus, bytes]:
    """Each key has its own id for a check value, unless it is said otherwise."""
    spelled = " ".join(word if "=" in word else f"{word}={word}" for word in ring.split())
    reply = await store.join(holder=holder, ring=spelled, life_ms=HOLDER_LIFE_MS, now_us=us(after_ms))
    return reply.status, reply.subject


async def read(store: KeyholderStore, *, after_ms: int = 0) -> tuple[set[bytes], list[bytes]]:
    reply = await store.read(life_ms=HOLDER_LIFE_MS, now_us=us(after_ms))
    return set(reply.keys.splitlines()), sorted(reply.holders.splitlines())


JOINED = (JoinStatus.JOINED, b"")


@pytest.fixture
def case(backend: Backend, space: KeySpace) -> Case:
    return Case(backend, space)


# Keyholders


async def test_a_ring_is_noted_with_when_its_first_key_sealed(backend: Backend, holders: KeyholderStore) -> None:
    assert await join(holders, "a", "k2 k1") == JOINED
    assert await join(holders, "a", "k2 k1", after_ms=5) == JOINED

    assert await read(holders, after_ms=5) == ({b"k2 k2 %d" % (NOW_MS + 5), b"k1 k1 0"}, [b"a k2 k1"])
    assert backend.remaining_ms(keys.KEY_CHECKS) == -1
    assert 0 < backend.remaining_ms(keys.KEY_HOLDERS) <= HOLDER_LIFE_MS


async def test_another_key_under_a_known_id_is_refused_wherever_it_stands(holders: KeyholderStore) -> None:
    await join(holders, "a", "k2 k1")
    before = await read(holders)

    assert await join(holders, "b", "k2=other k1") == (JoinStatus.FORGED, b"k2")
    assert await join(holders, "b", "k2 k1=other") == (JoinStatus.FORGED, b"k1")
    assert await join(holders, "b", "k2 k1 k3 k1=other") == (JoinStatus.FORGED, b"k1")
    assert await read(holders) == before


async def test_who_lacks_what_others_seal_with_is_refused_as_long_as_they_live(holders: KeyholderStore) -> None:
    await join(holders, "a", "k2 k1")

    assert await join(holders, "b", "k1") == (JoinStatus.LACKING, b"k2")
    assert await join(holders, "b", "k1", after_ms=HOLDER_LIFE_MS - 1) == (JoinStatus.LACKING, b"k2")
    assert await join(holders, "b", "k1", after_ms=HOLDER_LIFE_MS) == JOINED


async def test_who_seals_with_what_others_lack_is_refused_as_long_as_they_live(holders: KeyholderStore) -> None:
    await join(holders, "a", "k1")

    assert await join(holders, "b", "k2 k1") == (JoinStatus.AHEAD, b"a")
    assert await join(holders, "b", "k1 k2") == JOINED
    assert (await holders.leave(holder="a k1")).status is LeaveStatus.LEFT
    assert await join(holders, "c", "k2 k1") == JOINED
    assert (await holders.leave(holder="a k1")).status is LeaveStatus.ABSENT


async def test_ids_that_begin_alike_are_told_apart(holders: KeyholderStore) -> None:
    await join(holders, "a", "k10 k100")

    assert await join(holders, "b", "k1 k10") == (JoinStatus.AHEAD, b"a")
    assert await join(holders, "b", "k100 k1") == (JoinStatus.LACKING, b"k10")


# Sealed values


async def test_a_seal_is_replaced_if_it_is_still_the_one_that_was_read(backend: Backend, case: Case) -> None:
    await case.activate()
    seals, holder = SealStore(backend.runner), keys.factor(case.factor)
    read = partial(seals.read, partition=case.factor.partition, holder=holder, field="record")
    replace = partial(seals.replace, partition=case.factor.partition, holder=holder, field="record")
    found = (await read()).sealed
    before = backend.admin.hgetall(holder)

    assert await replace(found=b"other", sealed=ANEW) == (ReplaceStatus.STALE,)
    assert backend.admin.hgetall(holder) == before
    assert await replace(found=found, sealed=ANEW) == (ReplaceStatus.REPLACED,)
    assert await replace(found=found, sealed=ANEW) == (ReplaceStatus.STALE,)
    assert backend.admin.hgetall(holder) == {**before, b"record": ANEW}
    assert await read() == (ReadStatus.FOUND, ANEW)


async def test_a_seal_that_is_gone_is_not_made(backend: Backend, space: KeySpace) -> None:
    seals, place = SealStore(backend.runner), space.place("nobody")
    read = partial(seals.read, partition=place.partition, holder=keys.factor(place), field="record")
    replace = partial(seals.replace, partition=place.partition, holder=keys.factor(place), field="record")

    assert await read() == (ReadStatus.ABSENT, b"")
    assert await replace(found=b"", sealed=ANEW) == (ReplaceStatus.STALE,)
    assert not backend.names()


async def test_a_deployment_lists_what_it_keeps(backend: Backend) -> None:
    store = DeploymentStore(backend.runner)
    assert (await store.list()).names == b""
    await store.open(partitions=8, index_key=SEALED)
    await store.keep(name="a signing key", proposal=SEALED)

    assert set((await store.list()).names.splitlines()) == {b"partitions", b"index_key", b"a signing key"}


async def test_administrators_are_listed_once_they_sign_up_or_in(backend: Backend, space: KeySpace) -> None:
    store = AdminStore(backend.runner)
    new, old = (space.place_in(3, name) for name in ("new", "old"))
    await store.create(admin=new, admin_id="new", record=SEALED, password_hash="one")
    await store.create(admin=old, admin_id="old", record=SEALED, password_hash="one")
    backend.admin.srem(keys.admins(old), "old")  # as one who signed up before there was a list
    assert (await store.list(partition=new)).ids == b"new"

    await store.open_session(admin=old, admin_id="old", session="f" * 64, epoch=1, ttl_ms=LIFE_MS)

    assert sorted((await store.list(partition=new)).ids.split()) == [b"new", b"old"]
    assert (await store.list(partition=space.partition(4))).ids == b""


@pytest.mark.parametrize("number", [0, 1, 5, 700])
async def test_a_scan_tells_every_factor_in_steps(backend: Backend, space: KeySpace, number: int) -> None:
    """Small sets are told at once, whatever is asked for."""
    tenant = space.place_in(1, "factors", "tenant")
    ids = {f"{n:036}".encode() for n in range(number)}
    if ids:
        backend.admin.zadd(keys.active_factors(tenant), dict.fromkeys(ids, 1.0))
    store, told, steps, cursor = FactorStore(backend.runner), set[bytes](), 0, b"0"
    while not steps or cursor != b"0":
        reply = await store.scan(tenant=tenant, is_active=True, cursor=cursor, most=50)
        cursor, steps = reply.cursor, steps + 1
        told |= set(reply.ids.split())

    assert told == ids
    assert (steps > 5) is (number == 700)
    assert (await store.scan(tenant=tenant, is_active=False, cursor=b"0", most=50)).ids == b""


# What a caller cannot open is not used up


@pytest.fixture
def subject(space: KeySpace) -> Place:
    return space.place("passcode", "tenant", "4930123456")


@pytest.mark.parametrize("request_digest", [None, "a" * 32])
@pytest.mark.parametrize("fetches", [0, 1, 3])
async def test_a_passcode_that_the_caller_cannot_open_is_not_used_up(
    backend: Backend, subject: Place, request_digest: str | None, fetches: int
) -> None:
    store = PasscodeStore(backend.runner)
    await store.submit(
        subject=subject, sealed=SEALED, ttl_ms=60_000, fetches=fetches, request=None, quota=0, window_us=1
    )
    before = backend.admin.get(keys.passcode(subject))

    for _ in range(3):
        reply = await store.fetch(subject=subject, request=request_digest, ids=HAS_NEITHER)
        assert reply == (FetchStatus.SEALED, SEALED, -1)
    assert backend.admin.get(keys.passcode(subject)) == before
    assert backend.names() == {keys.passcode(subject)}
    assert await store.fetch(subject=subject, request=request_digest, ids=HAS_OLD) == (
        FetchStatus.FETCHED,
        SEALED,
        -1,
    )


async def test_an_answer_to_what_the_caller_cannot_open_is_not_counted(backend: Backend, case: Case) -> None:
    await case.activate()
    await case.open("c")
    challenge, factor = keys.challenge(case.beside("c")), keys.factor(case.factor)

    async def attempt(ids: bytes) -> AttemptStatus:
        reply = await case.challenges.attempt(
            challenge=case.beside("c"),
            factor=case.factor,
            tenant=case.tenant,
            factor_id="f",
            free=1,
            first_ms=1,
            longest_ms=1,
            last=1,
            ids=ids,
            now_us=us(),
        )
        return reply.status

    for lost, kept in ((factor, challenge), (challenge, factor)):
        backend.admin.hset(lost, "record", SEALED)
        backend.admin.hset(kept, "record", ANEW)
        before = backend.admin.hgetall(challenge), backend.admin.hgetall(factor)
        assert [await attempt(HAS_NEITHER) for _ in range(3)] == [AttemptStatus.SEALED] * 3
        assert (backend.admin.hgetall(challenge), backend.admin.hgetall(factor)) == before
    assert await attempt(HAS_OLD) is AttemptStatus.COUNTED


async def test_an_activation_of_what_the_caller_cannot_open_is_not_counted(backend: Backend, case: Case) -> None:
    await case.enrol()
    factor = keys.factor(case.factor)
    backend.admin.hset(factor, "record", SEALED)
    before = backend.admin.hgetall(factor)

    refused = await case.factors.attempt(factor=case.factor, most=1, ids=HAS_NEITHER, now_us=us())
    assert refused == (ActivationStatus.SEALED, 0, NOW_MS, SEALED)
    assert backend.admin.hgetall(factor) == before
    counted = await case.factors.attempt(factor=case.factor, most=1, ids=HAS_OLD, now_us=us())
    assert counted == (ActivationStatus.COUNTED, 1, NOW_MS, SEALED)
