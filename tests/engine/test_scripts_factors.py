"""Factors and challenges as their scripts keep them, on every server, with instants that the tests choose."""

import pytest

from engine.store import keys
from engine.store.challenges import AttemptStatus, ChallengeStore, ConcludeReply, ConcludeStatus, OpenStatus
from engine.store.factors import AttemptStatus as ActivationStatus
from engine.store.factors import ChangeReply, ChangeStatus, EnrolStatus, FactorStore
from engine.store.factors import ReadStatus as FactorReadStatus
from engine.store.keys import KeySpace, Place
from tests.engine.conftest import Backend

pytestmark = pytest.mark.anyio

NOW_MS = 1_800_000_000_000
LIFE_MS, KEPT_MS = 300_000, 86_400_000
RECORD = bytes(range(256))
FREE, FIRST_MS, LONGEST_MS = 3, 30_000, 200_000


def us(after_ms: int = 0) -> int:
    return (NOW_MS + after_ms) * 1000


class Case:
    """One user's factor and its challenges, in one partition."""

    def __init__(self, backend: Backend, space: KeySpace) -> None:
        self.backend = backend
        self.space = space
        self.factors = FactorStore(backend.runner)
        self.challenges = ChallengeStore(backend.runner)
        self.user = space.place("user", "tenant", "alice")
        self.tenant = space.place_in(self.user.partition, "factors", "tenant")
        self.factor = self.beside("factor")

    def beside(self, name: str) -> Place:
        return self.space.place_in(self.user.partition, name)

    async def enrol(self, factor_id: str = "f", *, after_ms: int = 0) -> EnrolStatus:
        reply = await self.factors.enrol(
            user=self.user,
            factor=self.factor,
            tenant=self.tenant,
            factor_id=factor_id,
            record=RECORD,
            life_ms=LIFE_MS,
            now_us=us(after_ms),
        )
        return reply.status

    async def change(
        self, state: str, *, version: int = 1, step: int | None = None, releases: bool = False
    ) -> ChangeReply:
        return await self.factors.change(
            factor=self.factor,
            user=self.user,
            tenant=self.tenant,
            factor_id="f",
            version=version,
            state=state,
            record=RECORD,
            step=step,
            releases=releases,
            now_us=us(),
        )

    async def activate(self) -> None:
        await self.enrol()
        assert (await self.change("ACTIVE", step=100)).status is ChangeStatus.CHANGED

    async def open(self, challenge_id: str, *, after_ms: int = 0) -> tuple[OpenStatus, int]:
        reply = await self.challenges.open(
            factor=self.factor,
            challenge=self.beside(challenge_id),
            challenge_id=challenge_id,
            due_as=challenge_id,
            record=RECORD,
            most=1,
            life_ms=LIFE_MS,
            kept_ms=KEPT_MS,
            now_us=us(after_ms),
        )
        return reply.status, reply.retry_after_ms

    async def attempt(self, challenge_id: str, *, after_ms: int = 0) -> AttemptStatus:
        reply = await self.challenges.attempt(
            challenge=self.beside(challenge_id), factor=self.factor, now_us=us(after_ms)
        )
        return reply.status

    async def conclude(self, challenge_id: str, step: int | None, *, after_ms: int = 0) -> ConcludeStatus:
        reply: ConcludeReply = await self.challenges.conclude(
            challenge=self.beside(challenge_id),
            factor=self.factor,
            is_right=step is not None,
            step=step,
            free=FREE,
            first_ms=FIRST_MS,
            longest_ms=LONGEST_MS,
            due_as=challenge_id,
            notice="",
            now_us=us(after_ms),
        )
        return reply.status

    async def state(self, challenge_id: str, *, after_ms: int = 0) -> bytes:
        return (await self.challenges.read(challenge=self.beside(challenge_id), now_us=us(after_ms))).state

    async def listed(self, *, after_ms: int = 0) -> tuple[int, list[bytes]]:
        reply = await self.factors.list(
            tenant=self.tenant, states="PAI", is_oldest_first=False, most=10, life_ms=LIFE_MS, now_us=us(after_ms)
        )
        return reply.total, reply.ids.split()


@pytest.fixture
def case(backend: Backend, space: KeySpace) -> Case:
    return Case(backend, space)


async def test_a_user_has_one_factor(case: Case) -> None:
    assert await case.enrol() is EnrolStatus.ENROLLED
    assert await case.enrol("another") is EnrolStatus.TAKEN
    assert await case.factors.read(factor=case.factor) == (0, b"PENDING", 1, RECORD, NOW_MS, NOW_MS)


async def test_a_pending_factor_is_forgotten_with_its_name_and_its_place_in_the_index(case: Case) -> None:
    await case.enrol()

    assert keys.pending_factors(case.tenant) in case.backend.names()
    assert {0 < case.backend.remaining_ms(name) <= LIFE_MS for name in case.backend.names()} == {True}
    assert await case.listed(after_ms=LIFE_MS - 1) == (1, [b"f", b"%d" % NOW_MS])
    assert await case.listed(after_ms=LIFE_MS) == (0, [])


async def test_an_activated_factor_is_kept_with_its_name_and_its_place_in_the_index(case: Case) -> None:
    await case.activate()

    kept = {keys.factor(case.factor), keys.claim(case.user), keys.active_factors(case.tenant)}
    assert {case.backend.remaining_ms(name) for name in kept} == {-1}
    assert await case.listed(after_ms=LIFE_MS) == (1, [b"f", b"%d" % NOW_MS])


async def test_a_change_applies_to_the_version_that_was_read(case: Case) -> None:
    assert (await case.change("ACTIVE")).status is ChangeStatus.ABSENT
    await case.enrol()
    assert (await case.change("ACTIVE", version=2)).status is ChangeStatus.STALE
    assert (await case.change("ACTIVE")).status is ChangeStatus.CHANGED
    assert (await case.change("INACTIVE")).status is ChangeStatus.STALE
    assert (await case.factors.read(factor=case.factor))[:3] == (FactorReadStatus.FOUND, b"ACTIVE", 2)


async def test_the_step_of_an_activation_is_accepted_once(case: Case) -> None:
    await case.activate()

    assert (await case.change("ACTIVE", version=2, step=100)).status is ChangeStatus.REPLAYED
    await case.open("c")
    assert await case.attempt("c") is AttemptStatus.COUNTED
    assert await case.conclude("c", 100) is ConcludeStatus.FAILED


async def test_a_released_name_is_free_at_once(case: Case) -> None:
    await case.activate()
    await case.change("INACTIVE", version=2, releases=True)

    assert keys.claim(case.user) not in case.backend.names()


async def test_activations_are_counted_and_only_so_many_are_looked_at(case: Case) -> None:
    await case.enrol()

    replies = [await case.factors.attempt(factor=case.factor, most=2, now_us=us()) for _ in range(3)]

    assert replies == [
        (ActivationStatus.COUNTED, 1, NOW_MS),
        (ActivationStatus.COUNTED, 2, NOW_MS),
        (ActivationStatus.CLOSED, 3, NOW_MS),
    ]
    await case.change("ACTIVE")
    assert await case.factors.attempt(factor=case.factor, most=9, now_us=us()) == (
        ActivationStatus.CLOSED,
        0,
        NOW_MS,
    )
    other = case.beside("nobody's")
    assert await case.factors.attempt(factor=other, most=9, now_us=us()) == (ActivationStatus.ABSENT, 0, NOW_MS)


async def test_only_an_active_factor_is_challenged(case: Case) -> None:
    assert await case.open("c") == (OpenStatus.ABSENT, 0)
    await case.enrol()
    assert await case.open("c") == (OpenStatus.CLOSED, 0)


async def test_an_attempt_is_counted_before_its_answer_is_known(case: Case) -> None:
    await case.activate()
    await case.open("c")

    assert await case.attempt("c") is AttemptStatus.COUNTED
    assert await case.attempt("c") is AttemptStatus.CLOSED
    assert await case.conclude("c", 101) is ConcludeStatus.VERIFIED
    assert await case.conclude("c", 102) is ConcludeStatus.CLOSED
    assert await case.state("c") == b"VERIFIED"


async def test_a_step_that_was_accepted_is_not_accepted_on_another_challenge(case: Case) -> None:
    await case.activate()
    for challenge_id in ("c", "d", "e"):
        await case.open(challenge_id)
        assert await case.attempt(challenge_id) is AttemptStatus.COUNTED

    assert await case.conclude("c", 101) is ConcludeStatus.VERIFIED
    assert await case.conclude("d", 101) is ConcludeStatus.FAILED
    assert await case.conclude("e", 99) is ConcludeStatus.FAILED


async def test_a_challenge_expires_by_itself(case: Case) -> None:
    await case.activate()
    await case.open("c")

    assert await case.state("c", after_ms=LIFE_MS - 1) == b"PENDING"
    assert await case.state("c", after_ms=LIFE_MS) == b"EXPIRED"
    assert await case.attempt("c", after_ms=LIFE_MS) is AttemptStatus.CLOSED
    assert await case.conclude("c", 101, after_ms=LIFE_MS) is ConcludeStatus.CLOSED
    assert 0 < case.backend.remaining_ms(keys.challenge(case.beside("c"))) <= KEPT_MS


async def test_failures_in_a_row_lock_the_factor_longer_and_longer(case: Case) -> None:
    await case.activate()
    after_ms, waits = 0, list[int]()
    for number in range(FREE + 5):
        _, wait_ms = await case.open(f"{number}", after_ms=after_ms)
        waits.append(wait_ms)
        after_ms += wait_ms
        await case.open(f"{number}", after_ms=after_ms)
        assert await case.attempt(f"{number}", after_ms=after_ms) is AttemptStatus.COUNTED
        assert await case.conclude(f"{number}", None, after_ms=after_ms) is ConcludeStatus.FAILED

    assert waits == [0, 0, 0, 30_000, 60_000, 120_000, 200_000, 200_000]
    assert await case.open("locked", after_ms=after_ms) == (OpenStatus.LOCKED, 200_000)


async def test_a_lock_holds_for_challenges_that_were_open_before_and_a_success_ends_the_count(case: Case) -> None:
    await case.activate()
    for number in range(FREE + 1):
        await case.open(f"{number}")
    for number in range(FREE):
        await case.attempt(f"{number}")
        await case.conclude(f"{number}", None)

    assert await case.attempt(f"{FREE}", after_ms=FIRST_MS - 1) is AttemptStatus.LOCKED
    assert await case.attempt(f"{FREE}", after_ms=FIRST_MS) is AttemptStatus.COUNTED
    assert await case.conclude(f"{FREE}", 101, after_ms=FIRST_MS) is ConcludeStatus.VERIFIED
    await case.open("next", after_ms=FIRST_MS)
    await case.attempt("next", after_ms=FIRST_MS)
    assert await case.conclude("next", None, after_ms=FIRST_MS) is ConcludeStatus.FAILED
    assert await case.open("after", after_ms=FIRST_MS) == (OpenStatus.OPENED, 0)
