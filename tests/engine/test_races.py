"""Many at once over several links to a real server: of those who must not all win, exactly so many do."""

import asyncio
import uuid
from collections import Counter
from typing import TYPE_CHECKING, TypeVar

import pytest

from engine.store.admins import AdminStore
from engine.store.admins import CreateStatus as AdminCreateStatus
from engine.store.claims import ClaimStore, TakeStatus
from engine.store.idempotency import IdempotencyStore, RequestStatus
from engine.store.keys import KeySpace, Place
from engine.store.limits import ChargeStatus, LimitStore
from engine.store.opening import AnyLink
from engine.store.passcodes import FetchReply, FetchStatus, PasscodeStore, SubmitReply, SubmitStatus
from engine.store.tenants import ReplaceStatus, TenantStore
from tests.engine.conftest import LINKS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

pytestmark = pytest.mark.anyio

CALLS = 200
HOUR_US = 3600 * 1_000_000
MINUTE_MS = 60_000

T = TypeVar("T")

some_subjects = pytest.mark.parametrize("subject", [f"subject {number}" for number in range(3)], indirect=True)


@pytest.fixture
def subject(request: pytest.FixtureRequest, space: KeySpace) -> Place:
    """Another one in each run, so that in time every partition has had its races."""
    return space.place(request.param, uuid.uuid4().hex)


async def at_once(links: list[AnyLink], call: "Callable[[AnyLink, int], Awaitable[T]]") -> list[T]:
    """Make all calls in one tick of the loop, each over the next link."""
    return await asyncio.gather(*[call(links[number % LINKS], number) for number in range(CALLS)])


async def submit(link: AnyLink, subject: Place, sealed: bytes, request: str | None = None) -> SubmitReply:
    return await PasscodeStore(link).submit(
        subject=subject, sealed=sealed, ttl_ms=MINUTE_MS, fetches=1, request=request, quota=0, window_us=1
    )


@some_subjects
async def test_of_many_submits_of_one_pass_key_one_is_stored(links: list[AnyLink], subject: Place) -> None:
    replies = await at_once(links, lambda link, number: submit(link, subject, b"%d" % number))
    assert Counter(reply.status for reply in replies) == {SubmitStatus.STORED: 1, SubmitStatus.TAKEN: CALLS - 1}
    (winner,) = [number for number, reply in enumerate(replies) if reply.status is SubmitStatus.STORED]
    fetched = await PasscodeStore(links[0]).fetch(subject=subject, request=None)
    assert fetched.sealed == b"%d" % winner


@some_subjects
async def test_of_many_same_submits_one_is_stored_and_all_get_it(links: list[AnyLink], subject: Place) -> None:
    request = "a" * 32
    replies = await at_once(links, lambda link, number: submit(link, subject, b"%d" % number, request))
    assert Counter(reply.status for reply in replies) == {SubmitStatus.STORED: 1, SubmitStatus.REPLAYED: CALLS - 1}
    assert len({reply.sealed for reply in replies}) == 1


@some_subjects
async def test_of_many_fetches_one_gets_the_passcode(links: list[AnyLink], subject: Place) -> None:
    await submit(links[0], subject, b"sealed")
    replies = await at_once(links, lambda link, _: PasscodeStore(link).fetch(subject=subject, request=None))
    assert Counter(replies) == {
        FetchReply(FetchStatus.FETCHED, b"sealed", -1): 1,
        FetchReply(FetchStatus.GONE, b"", -1): CALLS - 1,
    }


@some_subjects
async def test_submits_and_fetches_at_once_hand_out_each_stored_passcode_at_most_once(
    links: list[AnyLink], subject: Place
) -> None:
    async def one(link: AnyLink, number: int) -> SubmitReply | FetchReply:
        if number // LINKS % 2:
            return await PasscodeStore(link).fetch(subject=subject, request=None)
        return await submit(link, subject, b"%d" % number)

    replies = await at_once(links, one)
    left = await PasscodeStore(links[0]).fetch(subject=subject, request=None)
    stored = [reply.sealed for reply in replies if reply.status is SubmitStatus.STORED]
    fetched = [
        reply.sealed
        for reply in (*replies, left)
        if isinstance(reply, FetchReply) and reply.status is FetchStatus.FETCHED
    ]
    assert sorted(fetched) == sorted(stored)


@some_subjects
async def test_another_tenant_never_gets_the_passcode(
    links: list[AnyLink], space: KeySpace, subject: Place
) -> None:
    other = space.place("passcode", "other tenant", "key")
    await submit(links[0], subject, b"sealed")

    async def one(link: AnyLink, number: int) -> FetchReply:
        return await PasscodeStore(link).fetch(subject=subject if number == CALLS // 2 else other, request=None)

    replies = await at_once(links, one)
    assert replies.pop(CALLS // 2) == (FetchStatus.FETCHED, b"sealed", -1)
    assert set(replies) == {(FetchStatus.GONE, b"", -1)}


@some_subjects
@pytest.mark.parametrize("quota", [1, 17, 150])
async def test_exactly_the_quota_is_allowed(links: list[AnyLink], subject: Place, quota: int) -> None:
    charges = await at_once(
        links, lambda link, _: LimitStore(link).charge(subject=subject, quota=quota, window_us=HOUR_US)
    )
    assert Counter(charge.status for charge in charges) == {
        ChargeStatus.ALLOWED: quota,
        ChargeStatus.EXCEEDED: CALLS - quota,
    }


@some_subjects
async def test_of_many_who_have_read_one_version_one_replaces_the_tenant(
    links: list[AnyLink], subject: Place
) -> None:
    await TenantStore(links[0]).create(tenant=subject, tenant_id="a", record=b"")
    replies = await at_once(
        links,
        lambda link, number: TenantStore(link).replace(tenant=subject, version=1, record=b"%d" % number),
    )
    assert Counter(reply.status for reply in replies) == {
        ReplaceStatus.REPLACED: 1,
        ReplaceStatus.STALE: CALLS - 1,
    }
    found = await TenantStore(links[0]).read(tenant=subject)
    assert (found.version, replies[int(found.record)].status) == (2, ReplaceStatus.REPLACED)


@some_subjects
async def test_of_many_owners_one_takes_the_name(links: list[AnyLink], subject: Place) -> None:
    replies = await at_once(
        links,
        lambda link, number: ClaimStore(link).take(name=subject, owner=f"{number}", lapse_ms=MINUTE_MS),
    )
    assert Counter(reply.status for reply in replies) == {TakeStatus.TAKEN: 1, TakeStatus.REFUSED: CALLS - 1}


@some_subjects
async def test_of_many_sign_ups_with_one_address_one_is_created(links: list[AnyLink], subject: Place) -> None:
    replies = await at_once(
        links,
        lambda link, number: AdminStore(link).create(
            admin=subject, admin_id="a", record=b"", password_hash=f"{number}"
        ),
    )
    assert Counter(reply.status for reply in replies) == {
        AdminCreateStatus.CREATED: 1,
        AdminCreateStatus.EXISTS: CALLS - 1,
    }
    found = await AdminStore(links[0]).read(admin=subject)
    assert replies[int(found.password_hash)].status is AdminCreateStatus.CREATED


@some_subjects
async def test_an_idempotency_key_is_tied_to_one_of_many_requests(links: list[AnyLink], subject: Place) -> None:
    replies = await at_once(
        links,
        lambda link, number: IdempotencyStore(link).claim(
            request=subject, fingerprint=f"{number}", ttl_ms=MINUTE_MS
        ),
    )
    assert Counter(reply.status for reply in replies) == {
        RequestStatus.MATCHED: 1,
        RequestStatus.MISMATCH: CALLS - 1,
    }
