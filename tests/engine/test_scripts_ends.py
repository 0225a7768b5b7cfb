"""How challenges end, who is told of it, and what is left of them, on every server."""

from collections.abc import Awaitable, Callable

import pytest

from engine.store import keys
from engine.store.challenges import (
    AttemptStatus,
    CancelStatus,
    ConcludeStatus,
    DecideStatus,
    ExpireStatus,
    ForgetStatus,
    OpenStatus,
)
from engine.store.keys import KeySpace
from tests.engine.cases import FIRST_MS, FREE, KEPT_MS, LIFE_MS, NOW_MS, Case, due_as
from tests.engine.conftest import Backend

pytestmark = pytest.mark.anyio

NOTICE = "topic tenant subject"


@pytest.fixture
def case(backend: Backend, space: KeySpace) -> Case:
    return Case(backend, space)


@pytest.mark.parametrize(
    ("is_approved", "status", "state"),
    [(True, DecideStatus.VERIFIED, b"VERIFIED"), (False, DecideStatus.FAILED, b"FAILED")],
)
async def test_the_first_decision_stands(
    case: Case, is_approved: bool, status: DecideStatus, state: bytes
) -> None:
    await case.activate()
    await case.open("c", most=0)

    assert await case.decide("c", is_approved=is_approved) is status
    assert await case.decide("c", is_approved=not is_approved) is DecideStatus.CLOSED
    assert await case.decide("c", is_approved=is_approved) is DecideStatus.CLOSED
    assert await case.state("c") == state


async def test_decisions_are_no_guesses(case: Case) -> None:
    """A denial is no failure, an approval ends no count of them, and a lock stops neither."""
    await case.activate()
    for number in range(FREE + 1):
        await case.open(f"{number}", most=0)
    await case.open("guessed", most=FREE)
    for _ in range(FREE - 1):
        await case.attempt("guessed")
        await case.conclude("guessed")

    assert await case.decide("0", is_approved=False) is DecideStatus.FAILED
    assert await case.decide("1", is_approved=True) is DecideStatus.VERIFIED
    assert case.failures() == FREE - 1
    assert await case.attempt("guessed") is AttemptStatus.COUNTED
    assert await case.conclude("guessed") is ConcludeStatus.FAILED
    assert await case.open("locked") == (OpenStatus.LOCKED, FIRST_MS)
    assert await case.decide("2", is_approved=True) is DecideStatus.VERIFIED


async def test_what_nobody_can_answer_any_more_is_not_decided(case: Case) -> None:
    assert await case.decide("c", is_approved=True) is DecideStatus.ABSENT
    await case.activate()
    await case.open("c", most=0)
    await case.open("d", most=0)
    assert await case.decide("c", is_approved=True, after_ms=LIFE_MS) is DecideStatus.CLOSED
    await case.change("INACTIVE", version=2)
    assert await case.decide("d", is_approved=True) is DecideStatus.CLOSED


async def test_a_cancelled_challenge_is_not_answered(case: Case) -> None:
    assert await case.cancel("c") is CancelStatus.ABSENT
    await case.activate()
    await case.open("c", most=2)
    await case.attempt("c")

    assert await case.cancel("c") is CancelStatus.CANCELLED

    assert await case.state("c", after_ms=LIFE_MS) == b"CANCELLED"
    assert await case.cancel("c") is CancelStatus.CLOSED
    assert await case.attempt("c") is AttemptStatus.CLOSED
    assert await case.conclude("c", 101) is ConcludeStatus.CLOSED
    assert await case.decide("c", is_approved=True) is DecideStatus.CLOSED


async def test_what_has_ended_is_not_cancelled(case: Case) -> None:
    await case.activate()
    await case.open("c")
    await case.open("d")
    await case.decide("c", is_approved=True)

    assert await case.cancel("c") is CancelStatus.CLOSED
    assert await case.cancel("d", after_ms=LIFE_MS) is CancelStatus.CLOSED
    assert (await case.state("c"), await case.state("d")) == (b"VERIFIED", b"PENDING")


async def test_an_expiry_is_noted_once_and_not_early(case: Case) -> None:
    await case.activate()
    await case.open("c")

    assert await case.expire("c", after_ms=LIFE_MS - 1, notice=NOTICE) is ExpireStatus.EARLY
    assert case.due() == {due_as("c").encode(): NOW_MS + LIFE_MS}
    assert await case.expire("c", after_ms=LIFE_MS + 5, notice=NOTICE) is ExpireStatus.EXPIRED
    assert await case.expire("c", after_ms=LIFE_MS + 6, notice=NOTICE) is ExpireStatus.ENDED

    read = await case.challenges.read(challenge=case.beside("c"))
    assert (read.state, read.updated_ms, read.expires_ms) == (b"EXPIRED", NOW_MS + LIFE_MS, NOW_MS + LIFE_MS)
    assert case.events() == [f"{NOTICE} EXPIRED {NOW_MS + LIFE_MS}"]
    assert case.due() == {}


async def test_what_ended_or_was_forgotten_leaves_the_due_set_untold(case: Case) -> None:
    await case.activate()
    await case.open("ended")
    await case.open("forgotten")
    await case.decide("ended", is_approved=True)
    case.backend.expire(keys.challenge(case.beside("forgotten")))

    assert await case.overdue() == [due_as("forgotten")]
    assert await case.expire("forgotten", notice=NOTICE) is ExpireStatus.ENDED
    assert await case.expire("ended", notice=NOTICE) is ExpireStatus.ENDED

    assert (case.due(), case.events()) == ({}, [])
    assert await case.state("ended") == b"VERIFIED"


async def test_overdue_challenges_are_listed_the_oldest_first(case: Case) -> None:
    await case.activate()
    for number in (3, 1, 2):
        await case.open(f"{number}", after_ms=number)

    assert await case.overdue(after_ms=LIFE_MS) == []
    assert await case.overdue(after_ms=LIFE_MS + 2) == [due_as("1"), due_as("2")]
    assert await case.overdue(after_ms=LIFE_MS + 3, most=2) == [due_as("1"), due_as("2")]
    assert await case.overdue(after_ms=LIFE_MS + 3) == [due_as("1"), due_as("2"), due_as("3")]


async def wrong(case: Case, notice: str) -> object:
    await case.attempt("c")
    return await case.conclude("c", notice=notice)


async def right(case: Case, notice: str) -> object:
    await case.attempt("c")
    return await case.conclude("c", 101, notice=notice)


ENDS: list[tuple[str, Callable[[Case, str], Awaitable[object]], int]] = [
    ("VERIFIED", right, 0),
    ("FAILED", wrong, 0),
    ("VERIFIED", lambda case, notice: case.decide("c", is_approved=True, notice=notice), 0),
    ("FAILED", lambda case, notice: case.decide("c", is_approved=False, notice=notice), 0),
    ("CANCELLED", lambda case, notice: case.cancel("c", notice=notice), 0),
    ("EXPIRED", lambda case, notice: case.expire("c", notice=notice), LIFE_MS),
]


@pytest.mark.parametrize(("state", "end", "after_ms"), ENDS)
async def test_an_end_takes_a_challenge_off_the_due_set_and_is_told_once(
    case: Case, state: str, end: Callable[[Case, str], Awaitable[object]], after_ms: int
) -> None:
    await case.activate()
    await case.open("c")
    await case.open("other")

    await end(case, NOTICE)
    await end(case, NOTICE)

    assert set(case.due()) == {due_as("other").encode()}
    assert case.events() == [f"{NOTICE} {state} {NOW_MS + after_ms}"]


@pytest.mark.parametrize(("state", "end", "after_ms"), ENDS)
async def test_an_end_of_which_nobody_is_to_hear_leaves_no_word(
    case: Case, state: str, end: Callable[[Case, str], Awaitable[object]], after_ms: int
) -> None:
    await case.activate()
    await case.open("c")

    await end(case, "")

    assert await case.state("c", after_ms=after_ms) == state.encode()
    assert case.due() == {}
    assert keys.outbox(case.factor) not in case.backend.names()


async def test_a_wrong_code_that_leaves_a_challenge_pending_is_not_told(case: Case) -> None:
    await case.activate()
    await case.open("c", most=2)
    await case.attempt("c")

    assert await case.conclude("c", notice=NOTICE) is ConcludeStatus.WRONG

    assert (list(case.due()), case.events()) == ([due_as("c").encode()], [])


async def test_a_forgotten_challenge_leaves_nothing(case: Case) -> None:
    await case.activate()
    before = case.backend.names()
    await case.open("c")

    assert await case.forget("c") is ForgetStatus.FORGOTTEN

    assert case.backend.names() == before
    assert await case.forget("c") is ForgetStatus.ABSENT


async def test_what_is_due_is_forgotten_with_its_challenge_where_no_courier_runs(case: Case) -> None:
    await case.activate()
    await case.open("c")
    await case.open("d", after_ms=LIFE_MS + KEPT_MS)

    assert case.backend.admin.zrange(keys.due(case.factor), 0, -1) == [due_as("d").encode()]
