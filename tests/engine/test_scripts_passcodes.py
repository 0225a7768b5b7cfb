"""passcode/submit, passcode/fetch and idempotency/claim, on every server."""

from functools import partial

import pytest

from engine.store import keys
from engine.store.idempotency import IdempotencyStore, RequestStatus
from engine.store.keys import KeySpace, Place
from engine.store.passcodes import FetchStatus, PasscodeStore, SubmitReply, SubmitStatus
from tests.engine.conftest import Backend

pytestmark = pytest.mark.anyio

TTL_MS = 60_000
REQUEST = "a" * 32
OTHER_REQUEST = "b" * 32


@pytest.fixture
def store(backend: Backend) -> PasscodeStore:
    return PasscodeStore(backend.runner)


@pytest.fixture
def subject(space: KeySpace) -> Place:
    return space.place("passcode", "tenant", "4930123456")


async def submit(
    store: PasscodeStore,
    subject: Place,
    sealed: bytes = b"sealed",
    *,
    fetches: int = 1,
    request: str | None = None,
    quota: int = 0,
    now_us: int | None = None,
) -> SubmitReply:
    return await store.submit(
        subject=subject,
        sealed=sealed,
        ttl_ms=TTL_MS,
        fetches=fetches,
        request=request,
        quota=quota,
        window_us=60_000_000,
        now_us=now_us,
    )


async def test_a_free_pass_key_stores_the_passcode_for_its_life(
    backend: Backend, store: PasscodeStore, subject: Place
) -> None:
    reply = await submit(store, subject)
    assert reply == (SubmitStatus.STORED, b"sealed", -1, 0, 0)
    assert TTL_MS - 5000 < backend.remaining_ms(keys.passcode(subject)) <= TTL_MS
    assert backend.names() == {keys.passcode(subject)}


async def test_a_pass_key_with_a_live_passcode_is_taken_and_nothing_changes(
    backend: Backend, store: PasscodeStore, subject: Place
) -> None:
    await submit(store, subject)
    backend.age_to(keys.passcode(subject), 30_000)
    reply = await submit(store, subject, b"other", request=REQUEST)
    assert reply == (SubmitStatus.TAKEN, b"", -1, 0, 0)
    assert backend.remaining_ms(keys.passcode(subject)) <= 30_000
    assert backend.names() == {keys.passcode(subject)}
    assert (await store.fetch(subject=subject, request=None)).sealed == b"sealed"


async def test_the_same_submit_again_is_replayed_as_long_as_the_passcode_would_live(
    backend: Backend, store: PasscodeStore, subject: Place
) -> None:
    await submit(store, subject, request=REQUEST)
    reply = await submit(store, subject, b"other", request=REQUEST)
    assert reply == (SubmitStatus.REPLAYED, b"sealed", -1, 0, 0)
    receipt, passcode = keys.submit_receipt(subject, REQUEST), keys.passcode(subject)
    assert backend.remaining_ms(receipt) == pytest.approx(backend.remaining_ms(passcode), abs=1000)


async def test_a_replayed_submit_does_not_bring_a_fetched_passcode_back(
    store: PasscodeStore, subject: Place
) -> None:
    await submit(store, subject, request=REQUEST)
    await store.fetch(subject=subject, request=None)
    assert (await submit(store, subject, b"other", request=REQUEST)).status is SubmitStatus.REPLAYED
    assert (await store.fetch(subject=subject, request=None)).status is FetchStatus.GONE


async def test_another_request_is_no_replay(store: PasscodeStore, subject: Place) -> None:
    await submit(store, subject, request=REQUEST)
    assert (await submit(store, subject, b"other", request=OTHER_REQUEST)).status is SubmitStatus.TAKEN


async def test_a_fetched_out_pass_key_is_free_again(store: PasscodeStore, subject: Place) -> None:
    await submit(store, subject)
    await store.fetch(subject=subject, request=None)
    assert (await submit(store, subject, b"next")).status is SubmitStatus.STORED
    assert (await store.fetch(subject=subject, request=None)).sealed == b"next"


async def test_an_expired_pass_key_is_free_again(backend: Backend, store: PasscodeStore, subject: Place) -> None:
    await submit(store, subject)
    backend.expire(keys.passcode(subject))
    assert (await store.fetch(subject=subject, request=None)).status is FetchStatus.GONE
    assert (await submit(store, subject, b"next")).status is SubmitStatus.STORED


async def test_submits_over_the_limit_are_refused_before_anything_else(
    backend: Backend, store: PasscodeStore, subject: Place
) -> None:
    again = partial(submit, store, subject, request=REQUEST, quota=2, now_us=1_000_000)
    assert await again() == (SubmitStatus.STORED, b"sealed", 1, 30_000, 0)
    assert await again() == (SubmitStatus.REPLAYED, b"sealed", 0, 60_000, 0)
    assert await again() == (SubmitStatus.EXCEEDED, b"", 0, 60_000, 30_000)
    backend.expire(keys.passcode(subject))
    assert (await again()).status is SubmitStatus.EXCEEDED
    assert backend.names() == {keys.submit_receipt(subject, REQUEST), keys.limit(subject)}


async def test_a_taken_pass_key_is_charged_to_the_limit_too(store: PasscodeStore, subject: Place) -> None:
    await submit(store, subject, quota=2, now_us=1_000_000)
    reply = await submit(store, subject, quota=2, now_us=1_000_000)
    assert reply == (SubmitStatus.TAKEN, b"", 0, 60_000, 0)


async def test_a_passcode_is_fetched_once(backend: Backend, store: PasscodeStore, subject: Place) -> None:
    await submit(store, subject)
    assert await store.fetch(subject=subject, request=None) == (FetchStatus.FETCHED, b"sealed", -1)
    assert await store.fetch(subject=subject, request=None) == (FetchStatus.GONE, b"", -1)
    assert not backend.names()


async def test_an_unknown_pass_key_is_gone(backend: Backend, store: PasscodeStore, subject: Place) -> None:
    assert await store.fetch(subject=subject, request=REQUEST) == (FetchStatus.GONE, b"", -1)
    assert not backend.names()


@pytest.mark.parametrize("fetches", [2, 3, 10])
async def test_a_passcode_is_fetched_as_often_as_it_may_and_lives_no_longer_for_it(
    backend: Backend, store: PasscodeStore, subject: Place, fetches: int
) -> None:
    await submit(store, subject, fetches=fetches)
    backend.age_to(keys.passcode(subject), 30_000)
    for _ in range(fetches - 1):
        assert (await store.fetch(subject=subject, request=None)).status is FetchStatus.FETCHED
        assert 25_000 < backend.remaining_ms(keys.passcode(subject)) <= 30_000
    assert (await store.fetch(subject=subject, request=None)).status is FetchStatus.FETCHED
    assert (await store.fetch(subject=subject, request=None)).status is FetchStatus.GONE


async def test_without_a_bound_a_passcode_is_fetched_until_it_expires(
    backend: Backend, store: PasscodeStore, subject: Place
) -> None:
    await submit(store, subject, fetches=0)
    for _ in range(20):
        assert (await store.fetch(subject=subject, request=None)).status is FetchStatus.FETCHED
    assert 0 < backend.remaining_ms(keys.passcode(subject)) <= TTL_MS


async def test_the_same_fetch_again_is_replayed_for_the_rest_of_the_passcodes_life(
    backend: Backend, store: PasscodeStore, subject: Place
) -> None:
    await submit(store, subject)
    backend.age_to(keys.passcode(subject), 30_000)
    assert await store.fetch(subject=subject, request=REQUEST) == (FetchStatus.FETCHED, b"sealed", -1)
    assert await store.fetch(subject=subject, request=REQUEST) == (FetchStatus.REPLAYED, b"sealed", -1)
    assert 25_000 < backend.remaining_ms(keys.fetch_receipt(subject, REQUEST)) <= 30_000
    assert (await store.fetch(subject=subject, request=OTHER_REQUEST)).status is FetchStatus.GONE
    assert (await store.fetch(subject=subject, request=None)).status is FetchStatus.GONE


async def test_who_asks_is_told_how_long_the_passcode_lives_or_would_have_lived(
    backend: Backend, store: PasscodeStore, subject: Place
) -> None:
    await submit(store, subject)
    backend.age_to(keys.passcode(subject), 30_000)
    for status in (FetchStatus.FETCHED, FetchStatus.REPLAYED):
        reply = await store.fetch(subject=subject, request=REQUEST, is_timed=True)
        assert reply.status is status
        assert 25_000 < reply.left_ms <= 30_000
    gone = await store.fetch(subject=subject, request=None, is_timed=True)
    assert gone == (FetchStatus.GONE, b"", -1)


async def test_a_replayed_fetch_uses_up_nothing(store: PasscodeStore, subject: Place) -> None:
    await submit(store, subject, fetches=2)
    for _ in range(3):
        await store.fetch(subject=subject, request=REQUEST)
    assert (await store.fetch(subject=subject, request=OTHER_REQUEST)).status is FetchStatus.FETCHED
    assert (await store.fetch(subject=subject, request=None)).status is FetchStatus.GONE


@pytest.mark.parametrize("sealed", [b":", b"3:x", b"\0\r\n\xff", bytes(range(256)), b""])
async def test_sealed_bytes_come_back_as_they_went_in(store: PasscodeStore, subject: Place, sealed: bytes) -> None:
    await submit(store, subject, sealed, fetches=2)
    for _ in range(2):
        assert await store.fetch(subject=subject, request=None) == (FetchStatus.FETCHED, sealed, -1)


async def test_other_subjects_are_not_touched(store: PasscodeStore, space: KeySpace, subject: Place) -> None:
    other = space.place("passcode", "other tenant", "4930123456")
    await submit(store, subject, request=REQUEST)
    assert await store.fetch(subject=other, request=REQUEST) == (FetchStatus.GONE, b"", -1)
    assert (await submit(store, other, b"other", request=REQUEST)).sealed == b"other"
    assert (await store.fetch(subject=subject, request=None)).sealed == b"sealed"


async def test_an_idempotency_key_stays_tied_to_its_first_request(backend: Backend, space: KeySpace) -> None:
    store, place = IdempotencyStore(backend.runner), space.place("submit request", "tenant", "key")
    assert await store.claim(request=place, fingerprint="one", ttl_ms=TTL_MS) == (RequestStatus.MATCHED,)
    backend.age_to(keys.request(place), 30_000)
    assert await store.claim(request=place, fingerprint="one", ttl_ms=TTL_MS) == (RequestStatus.MATCHED,)
    assert await store.claim(request=place, fingerprint="two", ttl_ms=TTL_MS) == (RequestStatus.MISMATCH,)
    assert await store.claim(request=place, fingerprint="one", ttl_ms=TTL_MS) == (RequestStatus.MATCHED,)
    assert 25_000 < backend.remaining_ms(keys.request(place)) <= 30_000
