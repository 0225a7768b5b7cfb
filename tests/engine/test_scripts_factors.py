"""Factors as their scripts keep them, on every server, with instants that the tests choose."""

import pytest

from engine.store import keys
from engine.store.challenges import AttemptStatus, ConcludeStatus
from engine.store.claims import ClaimStore
from engine.store.factors import AttemptStatus as ActivationStatus
from engine.store.factors import ChangeStatus, EnrolStatus
from engine.store.factors import ReadStatus as FactorReadStatus
from engine.store.keys import KeySpace
from tests.engine.cases import LIFE_MS, NOW_MS, RECORD, Case, us
from tests.engine.conftest import Backend

pytestmark = pytest.mark.anyio


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
    await case.change("INACTIVE", version=2, releases="f")

    assert keys.claim(case.user) not in case.backend.names()


async def test_a_name_that_was_taken_anew_is_not_released(case: Case) -> None:
    await case.activate()
    claims = ClaimStore(case.backend.runner)
    await claims.hold(name=case.user, owner="f", nonce="n", lapse_ms=None)
    await case.change("INACTIVE", version=2, releases="f")

    assert case.backend.admin.exists(keys.claim(case.user))


async def test_who_was_refused_a_name_is_told_by_which_claim(case: Case) -> None:
    await case.enrol()
    held = await ClaimStore(case.backend.runner).hold(name=case.user, owner="f", nonce="n", lapse_ms=None)

    reply = await case.factors.enrol(
        user=case.user,
        factor=case.beside("another"),
        tenant=case.tenant,
        factor_id="another",
        record=RECORD,
        life_ms=LIFE_MS,
        now_us=us(),
    )

    assert reply == (EnrolStatus.TAKEN, NOW_MS, held.value)


async def test_a_change_that_is_late_for_its_claim_is_refused(case: Case) -> None:
    await case.activate()

    assert (await case.change("INACTIVE", version=2, until_ms=NOW_MS - 1)).status is ChangeStatus.STALE
    assert (await case.change("INACTIVE", version=2, until_ms=NOW_MS)).status is ChangeStatus.CHANGED


async def test_activations_are_counted_and_only_so_many_are_looked_at(case: Case) -> None:
    await case.enrol()

    replies = [await case.factors.attempt(factor=case.factor, most=2, now_us=us()) for _ in range(3)]

    assert replies == [
        (ActivationStatus.COUNTED, 1, NOW_MS, RECORD),
        (ActivationStatus.COUNTED, 2, NOW_MS, RECORD),
        (ActivationStatus.CLOSED, 3, NOW_MS, RECORD),
    ]
    await case.change("ACTIVE")
    assert await case.factors.attempt(factor=case.factor, most=9, now_us=us()) == (
        ActivationStatus.CLOSED,
        0,
        NOW_MS,
        b"",
    )
    other = case.beside("nobody's")
    assert await case.factors.attempt(factor=other, most=9, now_us=us()) == (
        ActivationStatus.ABSENT,
        0,
        NOW_MS,
        b"",
    )


async def test_a_factor_is_listed_by_the_state_that_it_is_in(case: Case) -> None:
    listed = list[list[int]]()
    await case.enrol()
    listed.append([(await case.listed(state))[0] for state in "PAI"])
    for version, state in enumerate(["ACTIVE", "ACTIVE", "INACTIVE", "ACTIVE"], 1):
        await case.change(state, version=version)
        listed.append([(await case.listed(state))[0] for state in "PAI"])

    assert listed == [[1, 0, 0], [0, 1, 0], [0, 1, 0], [0, 0, 1], [0, 1, 0]]
    assert await case.listed("") == (0, [])
    await case.factors.forget(factor=case.factor, user=case.user, tenant=case.tenant, factor_id="f")
    assert await case.listed() == (0, [])


async def test_a_renamed_factor_that_is_not_activated_stays_among_the_pending(case: Case) -> None:
    await case.enrol()
    await case.change("PENDING")

    assert await case.listed("P") == (1, [b"f", b"%d" % NOW_MS])
    assert await case.listed("AI") == (0, [])


async def test_factors_are_listed_in_either_order_and_only_so_many_of_each_state(case: Case) -> None:
    """Two of each state, of which the older one is listed last or first."""
    for number, factor_id in enumerate("abcdef"):
        await case.enrol(factor_id, user=f"user {factor_id}", after_ms=number)
    for factor_id, state in zip("cdef", ["ACTIVE", "ACTIVE", "INACTIVE", "INACTIVE"], strict=True):
        await case.change(state, factor_id)

    async def ids(states: str, most: int, *, is_oldest_first: bool = False) -> tuple[int, str]:
        total, words = await case.listed(states, most=most, is_oldest_first=is_oldest_first)
        assert words[1::2] == [b"%d" % (NOW_MS + "abcdef".index(word.decode())) for word in words[::2]]
        return total, b"".join(words[::2]).decode()

    assert [await ids(states, 2) for states in ("P", "A", "I")] == [(2, "ba"), (2, "dc"), (2, "fe")]
    assert [await ids(states, 1) for states in ("P", "A", "I")] == [(2, "b"), (2, "d"), (2, "f")]
    assert [await ids(states, 1, is_oldest_first=True) for states in "PAI"] == [(2, "a"), (2, "c"), (2, "e")]
    assert await ids("PAI", 2, is_oldest_first=True) == (6, "abcdef")
    assert await ids("IA", 1) == (4, "df")


async def test_pending_factors_leave_the_list_when_their_life_is_over_and_others_stay(case: Case) -> None:
    for number, factor_id in enumerate("abc"):
        await case.enrol(factor_id, user=f"user {factor_id}", after_ms=number)
    await case.change("ACTIVE", "a")

    assert [(await case.listed(after_ms=LIFE_MS + passed))[0] for passed in (0, 1, 2)] == [3, 2, 1]
    assert await case.listed("P", after_ms=LIFE_MS + 2) == (0, [])
    assert await case.listed("A", after_ms=LIFE_MS + 2) == (1, [b"a", b"%d" % NOW_MS])
