"""Challenges as their scripts keep them, on every server, with instants that the tests choose."""

import pytest

from engine.store import keys
from engine.store.challenges import AttemptStatus, ConcludeStatus, DecideStatus, OpenStatus
from engine.store.keys import KeySpace
from tests.engine.cases import FIRST_MS, FREE, KEPT_MS, LIFE_MS, NOW_MS, Case, us
from tests.engine.conftest import Backend

pytestmark = pytest.mark.anyio


@pytest.fixture
def case(backend: Backend, space: KeySpace) -> Case:
    return Case(backend, space)


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


async def test_a_wrong_code_leaves_a_challenge_pending_until_the_last_one_ends_it(case: Case) -> None:
    await case.activate()
    await case.open("c", most=3)

    concluded = list[ConcludeStatus]()
    for _ in range(3):
        assert await case.state("c") == b"PENDING"
        assert await case.attempt("c") is AttemptStatus.COUNTED
        concluded.append(await case.conclude("c"))

    assert concluded == [ConcludeStatus.WRONG, ConcludeStatus.WRONG, ConcludeStatus.FAILED]
    assert await case.state("c") == b"FAILED"
    assert case.failures() == 3
    assert await case.attempt("c") is AttemptStatus.CLOSED
    assert await case.conclude("c", 101) is ConcludeStatus.CLOSED


async def test_a_wrong_code_that_leaves_a_challenge_pending_is_an_update_of_it(case: Case) -> None:
    await case.activate()
    await case.open("c", most=2)
    await case.attempt("c")

    assert await case.conclude("c", after_ms=5) is ConcludeStatus.WRONG

    read = await case.challenges.read(challenge=case.beside("c"), now_us=us(6))
    assert (read.state, read.created_ms, read.updated_ms) == (b"PENDING", NOW_MS, NOW_MS + 5)


async def test_wrong_codes_are_counted_apart_from_attempts_that_are_under_way(case: Case) -> None:
    await case.activate()
    await case.open("c", most=2)
    attempts = [await case.attempt("c") for _ in range(3)]

    assert attempts == [AttemptStatus.COUNTED, AttemptStatus.COUNTED, AttemptStatus.CLOSED]
    assert await case.conclude("c") is ConcludeStatus.WRONG
    assert await case.attempt("c") is AttemptStatus.CLOSED
    assert await case.state("c") == b"PENDING"
    assert await case.conclude("c", 101) is ConcludeStatus.VERIFIED


async def test_a_lock_that_wrong_codes_set_off_holds_for_the_challenge_that_they_were_for(case: Case) -> None:
    await case.activate()
    await case.open("c", most=9)
    for _ in range(FREE):
        assert await case.attempt("c") is AttemptStatus.COUNTED
        assert await case.conclude("c") is ConcludeStatus.WRONG

    assert await case.attempt("c", after_ms=FIRST_MS - 1) is AttemptStatus.LOCKED
    assert await case.attempt("c", after_ms=FIRST_MS) is AttemptStatus.COUNTED
    assert await case.conclude("c", 101, after_ms=FIRST_MS) is ConcludeStatus.VERIFIED
    assert case.failures() == 0


async def test_a_code_without_a_step_burns_none(case: Case) -> None:
    await case.activate()
    for challenge_id in ("c", "d"):
        await case.open(challenge_id)
        assert await case.attempt(challenge_id) is AttemptStatus.COUNTED

    assert await case.conclude("c", is_right=True) is ConcludeStatus.VERIFIED
    assert await case.conclude("d", 101) is ConcludeStatus.VERIFIED


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


async def test_a_challenge_that_takes_no_code_is_closed_to_codes(case: Case) -> None:
    await case.activate()
    await case.open("c", most=0)

    assert await case.attempt("c") is AttemptStatus.CLOSED
    assert await case.decide("c", is_approved=True) is DecideStatus.VERIFIED
