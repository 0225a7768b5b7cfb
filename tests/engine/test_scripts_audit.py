"""audit/*, usage/*, and lua/include/record.lua in the scripts that use it, on every server."""

from functools import partial

import pytest

from engine.store import keys
from engine.store.audit import AuditStore, Entry, ForgetStatus, ReadReply, ReadStatus, Sought
from engine.store.keys import KeySpace, Place
from engine.store.passcodes import FetchStatus, PasscodeStore, SubmitStatus
from engine.store.usage import HOURS, UsageStore
from engine.store.usage import ForgetStatus as UsageForgetStatus
from tests.engine.conftest import Backend

pytestmark = pytest.mark.anyio

KEPT_MS = 90 * 24 * 3600 * 1000
HOUR_MS = 3600 * 1000
MOST = 100
NOW_US = 1_800_000_000_000_000


@pytest.fixture
def store(backend: Backend) -> AuditStore:
    return AuditStore(backend.runner)


@pytest.fixture
def passcodes(backend: Backend) -> PasscodeStore:
    return PasscodeStore(backend.runner)


@pytest.fixture
def subject(space: KeySpace) -> Place:
    return space.place("passcode", "tenant", "4930123456")


@pytest.fixture
def owner(space: KeySpace, subject: Place) -> Place:
    return space.place_in(subject.partition, "audit", "tenant")


def entry(owner: Place, event: str, *, most: int = MOST, kept_ms: int = KEPT_MS) -> Entry:
    return Entry(keys.audit(owner), keys.journal(owner), event, most, kept_ms)


async def read(
    store: AuditStore,
    owner: Place,
    *,
    sought: Sought = Sought(),  # noqa: B008  # immutable
    is_oldest_first: bool = True,
    most: int = 1000,
    first: str = "",
) -> ReadReply:
    low, high = ("-", "+") if is_oldest_first else ("+", "-")
    return await store.read(
        partition=owner.partition,
        trail=keys.audit(owner),
        is_oldest_first=is_oldest_first,
        first=first or low,
        last=high,
        most=most,
        sought=sought,
    )


def words(reply: ReadReply) -> list[str]:
    """Events without their ids."""
    return [line.partition(" ")[2] for line in reply.entries.decode().splitlines()]


async def test_each_outcome_of_a_passcode_is_recorded_as_what_it_is(
    store: AuditStore, passcodes: PasscodeStore, subject: Place, owner: Place
) -> None:
    submit = partial(
        passcodes.submit,
        subject=subject,
        sealed=b"sealed",
        ttl_ms=60_000,
        fetches=1,
        quota=0,
        window_us=1,
        entry=entry(owner, "address:1 s"),
    )
    fetch = partial(passcodes.fetch, subject=subject, entry=entry(owner, "api-key:2 s"))
    assert (await submit(request="a" * 32)).status is SubmitStatus.STORED
    assert (await submit(request="a" * 32)).status is SubmitStatus.REPLAYED
    assert (await submit(request=None)).status is SubmitStatus.TAKEN
    assert (await fetch(request=None, ids=b" other ")).status is FetchStatus.SEALED
    assert (await fetch(request="b" * 32)).status is FetchStatus.FETCHED
    assert (await fetch(request="b" * 32)).status is FetchStatus.REPLAYED
    assert (await fetch(request=None)).status is FetchStatus.GONE
    assert words(await read(store, owner)) == [
        "submit address:1 s",
        "submit-again address:1 s",
        "conflict address:1 s",
        "fetch api-key:2 s",
        "fetch-again api-key:2 s",
    ]


async def test_without_an_event_nothing_is_recorded(
    backend: Backend, passcodes: PasscodeStore, subject: Place
) -> None:
    await passcodes.submit(
        subject=subject, sealed=b"x", ttl_ms=60_000, fetches=1, request=None, quota=0, window_us=1
    )
    await passcodes.fetch(subject=subject, request=None)
    assert backend.names() == set()


@pytest.mark.parametrize("most", [MOST, 0])
async def test_a_trail_lives_as_long_as_its_events_are_kept_and_an_hour(
    backend: Backend, store: AuditStore, owner: Place, most: int
) -> None:
    """Whoever makes it says so, whether or not it is to be tended."""
    await store.note(partition=owner.partition, kind="k", entry=entry(owner, "a b", most=most), concerns=True)
    for key in (keys.audit(owner), keys.journal(owner)):
        assert KEPT_MS + HOUR_MS - 5000 < backend.remaining_ms(key) <= KEPT_MS + HOUR_MS


async def test_only_who_tends_a_trail_lengthens_its_life(
    backend: Backend, store: AuditStore, owner: Place
) -> None:
    note = partial(store.note, partition=owner.partition, kind="k", concerns=True)
    await note(entry=entry(owner, "a b"))
    backend.age_to(keys.audit(owner), 60_000)
    await note(entry=entry(owner, "a b", most=0))
    assert backend.remaining_ms(keys.audit(owner)) <= 60_000
    await note(entry=entry(owner, "a b"))
    assert backend.remaining_ms(keys.audit(owner)) > KEPT_MS


async def test_a_trail_holds_about_as_many_events_as_it_is_to(store: AuditStore, owner: Place) -> None:
    note = partial(store.note, partition=owner.partition, kind="k", concerns=True)
    for number in range(450):
        await note(entry=entry(owner, f"a {number}", most=MOST if number % 50 == 0 else 0))
    left = words(await read(store, owner))
    assert left[-1] == "k a 449"
    assert MOST <= len(left) <= MOST + 50 + 100  # Redis lets go of whole nodes of a hundred


async def test_events_that_are_too_old_go_when_a_trail_is_tended(
    backend: Backend, store: AuditStore, owner: Place
) -> None:
    for number in range(1, 301):  # an instant of long ago
        backend.admin.xadd(keys.audit(owner), {"k": f"a {number}"}, id=f"{number}-0")
    await store.note(partition=owner.partition, kind="k", entry=entry(owner, "a new", most=1000), concerns=True)
    left = words(await read(store, owner))
    assert left[-1] == "k a new"
    assert len(left) <= 101


async def test_of_nobody_known_only_the_journal_tells(backend: Backend, store: AuditStore, owner: Place) -> None:
    await store.note(partition=owner.partition, kind="k", entry=entry(owner, "a b"), concerns=False)
    assert backend.names() == {keys.journal(owner)}


@pytest.mark.parametrize("is_oldest_first", [True, False])
async def test_a_trail_is_read_in_steps_to_its_end(
    store: AuditStore, owner: Place, *, is_oldest_first: bool
) -> None:
    for number in range(25):
        await store.note(partition=owner.partition, kind="k", entry=entry(owner, f"a {number}"), concerns=True)
    seen: list[str] = []
    first, status = "", ReadStatus.READ
    while status is ReadStatus.READ:
        reply = await read(store, owner, most=10, first=first, is_oldest_first=is_oldest_first)
        seen += words(reply)
        first, status = f"({reply.looked.decode()}", reply.status
    expected = [f"k a {number}" for number in range(25)]
    assert seen == (expected if is_oldest_first else expected[::-1])


@pytest.mark.parametrize(
    ("sought", "found"),
    [
        (Sought(), [0, 1, 2, 3]),
        (Sought(frozenset({"fetch"})), [0, 2]),
        (Sought(frozenset({"fetch", "submit"})), [0, 1, 2]),
        (Sought(frozenset({"etch"})), []),
        (Sought(actor="api-key:"), [0, 2]),
        (Sought(actor="api-key:12"), [0]),
        (Sought(actor="key"), []),
        (Sought(subject="abc"), [0, 1]),
        (Sought(subject="abd"), [2]),
        (Sought(subject="detail"), []),
        (Sought(frozenset({"fetch"}), "api-key:", "ab"), [0, 2]),
        (Sought(subject=".*"), []),
    ],
)
async def test_what_is_looked_for_is_told_and_everything_is_looked_at(
    store: AuditStore, owner: Place, sought: Sought, found: list[int]
) -> None:
    events = [
        ("fetch", "api-key:12 abc"),
        ("submit", "address:1 abc"),
        ("fetch", "api-key:13 abd"),
        ("other", "operator x detail"),
    ]
    for kind, event in events:
        await store.note(partition=owner.partition, kind=kind, entry=entry(owner, event), concerns=True)
    reply = await read(store, owner, sought=sought)
    assert words(reply) == [" ".join(events[number]) for number in found]
    assert reply.looked == (await read(store, owner)).looked


async def test_a_trail_is_forgotten_once(backend: Backend, store: AuditStore, owner: Place) -> None:
    await store.note(partition=owner.partition, kind="k", entry=entry(owner, "a b"), concerns=True)
    assert (await store.forget(owner=owner)).status is ForgetStatus.FORGOTTEN
    assert (await store.forget(owner=owner)).status is ForgetStatus.ABSENT
    assert backend.names() == {keys.journal(owner)}
    assert (await read(store, owner)) == (ReadStatus.ENDED, b"", b"")


async def test_usage_is_added_up_by_the_hour_and_the_ring_is_closed(backend: Backend, space: KeySpace) -> None:
    store, tenant = UsageStore(backend.runner), space.place("tenant", "a")
    hour = NOW_US // 3_600_000_000

    async def add(after_hours: int, number: int) -> None:
        now_us = NOW_US + after_hours * 3_600_000_000
        await store.add(tenant=tenant, submits=number, fetches=2, conflicts=3, gone=4, now_us=now_us)

    async def lines(after_hours: int) -> tuple[int, set[bytes]]:
        reply = await store.read(tenant=tenant, now_us=NOW_US + after_hours * 3_600_000_000)
        return reply.hour, set(reply.lines.splitlines())

    await add(0, 1)
    await add(0, 10)
    await add(1, 100)
    assert await lines(1) == (hour + 1, {b"%d 11 4 6 8" % hour, b"%d 100 2 3 4" % (hour + 1)})
    await add(HOURS, 7)
    assert await lines(HOURS) == (hour + HOURS, {b"%d 7 2 3 4" % (hour + HOURS), b"%d 100 2 3 4" % (hour + 1)})
    assert HOURS * HOUR_MS - 5000 < backend.remaining_ms(keys.usage(tenant)) <= HOURS * HOUR_MS
    assert (await store.forget(tenant=tenant)).status is UsageForgetStatus.FORGOTTEN
    assert (await store.forget(tenant=tenant)).status is UsageForgetStatus.ABSENT
