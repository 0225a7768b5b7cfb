"""The checker checked: for each invariant a history that violates it, and none other; and what it lets pass."""

from functools import partial
from itertools import count

import pytest

from tests.edge.sockets import Answer
from tests.faults.history import CUT, HALF, LATE, Fault, History, Kind, Operation
from tests.faults.invariants import INVARIANTS, Terms, check

FAULT = Fault("a fault", 100.0, 101.0)
LOSES_A_SECOND = Terms(loses_s=1.0)


def plant(*operations: Operation, faults: tuple[Fault, ...] = ()) -> History:
    history = History()
    history.operations += operations
    history.faults += faults
    return history


def one(
    kind: Kind, key: str = "k", *, at: float = 0.0, status: int = 200, told: str = "", **more: object
) -> Operation:
    """An operation of ten milliseconds."""
    retry_after = "1" if status == 503 else None
    operation = Operation(kind, key, at, at + 0.01, status, told, retry_after=retry_after)
    return operation._replace(**more)


submit = partial(one, Kind.SUBMIT, told="123456")
fetch = partial(one, Kind.FETCH, at=1.0, told="123456")
opened = partial(one, Kind.OPEN, key="c", status=201)
answer = partial(one, Kind.ANSWER, key="c", at=1.0, told="VERIFIED")
read = partial(one, Kind.READ, key="c", at=2.0)


VIOLATIONS: list[tuple[str, History]] = [
    ("one_fetch_per_code", plant(submit(), fetch(), fetch(at=2.0))),
    ("no_acknowledged_submit_is_missing", plant(submit(), fetch(status=410))),
    ("no_acknowledged_submit_is_missing", plant(submit(), fetch(status=503), fetch(status=410))),
    (
        "no_acknowledged_submit_is_missing",
        plant(submit(at=99.5), fetch(at=101.5, status=410), opened(at=101.2), faults=(FAULT,)),
    ),
    ("no_acknowledged_submit_is_missing", plant(submit())),
    ("no_acknowledged_submit_is_missing", plant(submit(), fetch(status=503))),
    ("nothing_refused_is_done", plant(submit(status=503), fetch())),
    ("nothing_refused_is_done", plant(opened(), answer(status=503), answer(at=2.0, status=400))),
    ("told_is_what_was_submitted", plant(submit(), fetch(told="654321"))),
    ("attempts_are_bounded", plant(opened(), answer(told="FAILED"), answer(told="FAILED", at=1.001))),
    ("one_end_per_challenge", plant(opened(), answer(told="FAILED"), read(told="VERIFIED"))),
    ("one_end_per_challenge", plant(opened(), answer(), read(told="PENDING"))),
    ("no_acknowledged_challenge_is_missing", plant(opened(), answer(status=404))),
    ("no_acknowledged_challenge_is_missing", plant(one(Kind.ENROL, "f", status=201), opened(key="f", status=404))),
    (
        "a_code_verifies_once",
        plant(
            opened(key="a", code="f 1"),
            opened(key="b", code="f 1"),
            answer(key="a"),
            read(key="b", told="VERIFIED"),
        ),
    ),
    ("no_answer_is_our_fault", plant(submit(status=500))),
    ("no_answer_is_our_fault", plant(submit(status=CUT))),
    ("no_answer_is_our_fault", plant(submit(status=HALF))),
    ("every_answer_is_in_time", plant(submit(status=LATE))),
    ("every_answer_is_in_time", plant(submit(answered=3.0), fetch(at=4.0))),
    ("refusals_are_prompt", plant(*[submit(status=503, answered=0.91)] * 2, *[submit(status=503)] * 98)),
    ("refusals_are_prompt", plant(submit(status=503, retry_after=None))),
    ("service_returns", plant(submit(at=103.0), fetch(at=104.0), faults=(FAULT,))),
    ("service_returns", plant(submit(), fetch(), faults=(FAULT,))),
    ("service_returns", plant(opened(at=101.1), submit(at=103.1, status=503), faults=(FAULT,))),
]


@pytest.mark.parametrize(
    ("name", "history"), VIOLATIONS, ids=lambda value: value if isinstance(value, str) else ""
)
def test_a_planted_violation_is_found_and_named(name: str, history: History) -> None:
    terms = Terms(statuses=Terms().statuses | {404})
    assert {violation.partition(":")[0] for violation in check(history, terms).violations} == {name}


def test_every_invariant_has_a_history_that_violates_it() -> None:
    assert {name for name, _ in VIOLATIONS} == {invariant.__name__ for invariant in INVARIANTS}


@pytest.mark.parametrize(
    "history",
    [
        plant(submit(), fetch(), fetch(status=410)),
        plant(submit(status=503, may_be_done=True), fetch()),
        plant(submit(status=503, may_be_done=True), fetch(status=410)),
        plant(submit(), fetch(status=503, may_be_done=True), fetch(at=2.0, status=410)),
        plant(submit(), fetch(status=503), fetch(at=2.0)),
        plant(submit(), fetch(at=601.0, status=410)),
        plant(opened(), answer(status=503, may_be_done=True), answer(status=400), read(told="VERIFIED")),
        plant(opened(), answer(status=400), answer(told="FAILED"), read(told="FAILED")),
        plant(submit(), fetch(), submit(key="l", at=102.0), fetch(key="l", at=102.5), faults=(FAULT,)),
    ],
)
def test_what_is_honest_passes(history: History) -> None:
    assert check(history, Terms()).violations == []


def test_connections_may_be_cut_where_workers_are_killed() -> None:
    history = plant(submit(status=CUT), submit(), fetch(status=HALF), fetch(status=410))
    assert check(history, Terms(may_cut=True)).violations == []


def test_what_a_deployment_may_lose_is_counted_and_no_more_than_that() -> None:
    late, early = submit(key="late", at=99.5), submit(key="early", at=98.5)
    gone = [fetch(key=one.key, at=101.5, status=410) for one in (late, early)]
    again = submit(key="again", at=101.2), fetch(key="again", at=101.3)
    report = check(plant(late, early, *gone, *again, faults=(FAULT,)), LOSES_A_SECOND)
    assert report.lost == 1
    assert report.violations == ["no_acknowledged_submit_is_missing: early was not there"]


def test_a_code_that_is_usable_again_by_an_allowed_loss_is_counted_as_revived() -> None:
    used_late = submit(), fetch(at=99.5), fetch(at=101.5)
    report = check(plant(*used_late, faults=(FAULT,)), LOSES_A_SECOND)
    assert (report.revived, report.violations) == (1, [])
    used_early = submit(), fetch(at=98.5), fetch(at=101.5)
    assert check(plant(*used_early, faults=(FAULT,)), LOSES_A_SECOND).violations


def test_a_challenge_that_an_allowed_loss_took_back_is_counted() -> None:
    told = opened(), answer(at=99.5), read(at=102.0, told="PENDING"), submit(at=101.5), fetch(at=101.6)
    report = check(plant(*told, faults=(FAULT,)), LOSES_A_SECOND)
    assert (report.lost, report.violations) == (1, [])


def test_an_answer_that_says_that_its_outcome_is_unknown_is_noted_as_that() -> None:
    history, numbers = History(), count()
    told = b'{"message":"The request may or may not have been carried out. Please check before trying again."}'
    for body in (told, b'{"message":"The service is temporarily unavailable. Please try again."}'):
        history.note(Kind.FETCH, f"{next(numbers)}", 0.0, Answer(503, {"retry-after": "1"}, body))
    assert [(one.is_unknown, one.is_refused) for one in history.operations] == [(True, False), (False, True)]
