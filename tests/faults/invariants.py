"""What must be true of every history, whatever was broken. An invariant is a function that tells violations.

A deployment may be allowed to lose what it acknowledged shortly before a fault (DESIGN, What it promises). That is
counted as `lost`, and a code that became usable again by it as `revived`; both are reported, neither is a
violation.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from math import ceil
from typing import TYPE_CHECKING

from tests.faults.history import CUT, HALF, LATE, Kind, Operation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tests.faults.history import Fault, History

LOSES_NOTHING = -1.0
CALL_DEADLINE_SECONDS = 0.5  # WATCHWORD_CALL_DEADLINE_MS by default
ENDS = {"VERIFIED", "FAILED"}


@dataclass(frozen=True)
class Terms:
    """What a deployment promises.

    Args:
        client_s: a client waits no longer for any answer.
        refusal_s: 99 of 100 refusals come within it. That is the deadline of a call, in whose last fifth the link
            gives up, and a margin for a machine that is busy with other tests.
        recovery_s: after a fault, the first success comes within it.
        loses_s: what was acknowledged by so many seconds before a fault, or during it, may be lost.
        may_cut: connections may end in the midst of a request, as those of a killed worker do.
        life_s: of passcodes. What is older need not be there.
    """

    client_s: float = 2.0
    refusal_s: float = CALL_DEADLINE_SECONDS + 0.2
    recovery_s: float = 2.0
    loses_s: float = LOSES_NOTHING
    may_cut: bool = False
    life_s: float = 600.0
    most_fetches: int = 1
    most_attempts: int = 1
    statuses: frozenset[int] = frozenset({200, 201, 400, 410, 503})


@dataclass
class Report:
    """What came of a history. `violations` are sentences that begin with the name of their invariant."""

    acknowledged: int
    refused: int
    unknown: int
    refusal_p99_s: float
    recovery_s: float
    lost: int = 0
    revived: int = 0
    violations: list[str] = field(default_factory=list[str])

    def __str__(self) -> str:
        return (
            f"{self.acknowledged} acknowledged, {self.refused} refused, {self.unknown} unknown, "
            f"{self.lost} lost, {self.revived} revived, refusals p99 {self.refusal_p99_s * 1000:.0f} ms, "
            f"recovery {self.recovery_s * 1000:.0f} ms"
        )


def check(history: "History", terms: Terms) -> Report:
    """Hold a history against all invariants."""
    operations = history.operations
    refusals = [operation.seconds for operation in operations if operation.status == 503]
    report = Report(
        acknowledged=sum(one.is_done for one in operations),
        refused=sum(one.is_refused for one in operations),
        unknown=sum(one.is_unknown for one in operations),
        refusal_p99_s=p99(refusals),
        recovery_s=max((recovery(history, fault) for fault in history.faults), default=0.0),
    )
    for invariant in INVARIANTS:
        found = invariant(history, terms, report)
        report.violations += [f"{invariant.__name__}: {violation}" for violation in found]
    return report


def p99(seconds: "Iterable[float]") -> float:
    """The 99th percentile by nearest rank; 0 of nothing."""
    ranked = sorted(seconds)
    return ranked[ceil(len(ranked) * 0.99) - 1] if ranked else 0.0


def recovery(history: "History", fault: "Fault") -> float:
    """Seconds from the end of a fault to the first success that was asked for after it; infinite without one."""
    after = (one.answered for one in history.operations if one.is_done and one.sent >= fault.ended)
    return min(after, default=float("inf")) - fault.ended


def one_fetch_per_code(history: "History", terms: Terms, report: Report) -> "Iterator[str]":
    """Every pass key is submitted once, so a key is a code."""
    for key, fetches in _by_key(one for one in history.of(Kind.FETCH) if one.is_done).items():
        yield from _excess(f"{key} was handed out", fetches, terms.most_fetches, history, terms, report)


def no_acknowledged_submit_is_missing(history: "History", terms: Terms, report: Report) -> "Iterator[str]":
    """Each was fetched, or may have been, or was there when it was looked for; and it was looked for."""
    fetches = _by_key(history.of(Kind.FETCH))
    for submit in history.of(Kind.SUBMIT):
        if not submit.is_done:
            continue
        told = fetches.get(submit.key, [])
        if any(fetch.is_done or fetch.is_unknown for fetch in told):
            continue
        if gone := [fetch for fetch in told if fetch.status == 410]:
            if min(fetch.sent for fetch in gone) > submit.answered + terms.life_s:
                continue
            if _may_be_lost(submit, history, terms):
                report.lost += 1
                continue
        yield f"{submit.key} was " + ("not there" if gone else "never looked for")


def nothing_refused_is_done(history: "History", terms: Terms, report: Report) -> "Iterator[str]":
    """Who is told that nothing was done may rely on it: neither is there a passcode, nor is an attempt spent."""
    fetched = {fetch.key for fetch in history.of(Kind.FETCH) if fetch.is_done}
    for submit in history.of(Kind.SUBMIT):
        if submit.is_refused and submit.key in fetched:
            yield f"{submit.key} was refused, and handed out all the same"
    for path, answers in _by_key(history.of(Kind.ANSWER)).items():
        is_closed = any(answer.status == 400 for answer in answers)
        if is_closed and not any(answer.is_done or answer.is_unknown for answer in answers):
            yield f"{path} is closed, and nobody was told that it was answered"


def told_is_what_was_submitted(history: "History", terms: Terms, report: Report) -> "Iterator[str]":
    submitted = {submit.key: submit.told for submit in history.of(Kind.SUBMIT) if submit.is_done}
    for fetch in history.of(Kind.FETCH):
        if fetch.is_done and submitted.get(fetch.key, fetch.told) != fetch.told:
            yield f"{fetch.key} was handed out as another passcode than was submitted"


def attempts_are_bounded(history: "History", terms: Terms, report: Report) -> "Iterator[str]":
    """An answer that was looked at is told the state; one that came too late is not."""
    for path, answers in _by_key(one for one in history.of(Kind.ANSWER) if one.is_done).items():
        yield from _excess(f"{path} was answered", answers, terms.most_attempts, history, terms, report)


def one_end_per_challenge(history: "History", terms: Terms, report: Report) -> "Iterator[str]":
    """What was told of a challenge's end is what it reads as ever after."""
    for path, told in _by_key(one for one in history.of(Kind.ANSWER, Kind.READ) if one.is_done).items():
        ended = [one for one in told if one.kind is Kind.ANSWER and one.told in ENDS]
        wrong = [end for end in ended if any(one.told != end.told for one in told if one.sent > end.answered)]
        for end in wrong:
            if _may_be_lost(end, history, terms):
                report.lost += 1
            else:
                yield f"{path} has ended as {end.told}, and otherwise later"


def no_acknowledged_challenge_is_missing(history: "History", terms: Terms, report: Report) -> "Iterator[str]":
    unknown = {one.key for one in history.of(Kind.OPEN, Kind.ANSWER, Kind.READ) if one.status == 404}
    for made in history.of(Kind.ENROL, Kind.OPEN):
        if made.is_done and made.key in unknown:
            if _may_be_lost(made, history, terms):
                report.lost += 1
            else:
                yield f"{made.key} was not there"


def a_code_verifies_once(history: "History", terms: Terms, report: Report) -> "Iterator[str]":
    codes = {opened.key: opened.code for opened in history.of(Kind.OPEN)}
    verified = {one.key: one for one in history.of(Kind.ANSWER, Kind.READ) if one.told == "VERIFIED"}
    by_code: defaultdict[str, list[Operation]] = defaultdict(list)
    for path, one in verified.items():
        by_code[codes.get(path) or path].append(one)
    for code, ends in by_code.items():
        yield from _excess(f"{code} verified challenges", ends, 1, history, terms, report)


def no_answer_is_our_fault(history: "History", terms: Terms, report: Report) -> "Iterator[str]":
    cut = {CUT, HALF} if terms.may_cut else set[int]()
    for one in history.operations:
        if one.status not in terms.statuses | cut | {LATE}:
            yield f"{one.kind} {one.key} got {one.status}"


def every_answer_is_in_time(history: "History", terms: Terms, report: Report) -> "Iterator[str]":
    for one in history.operations:
        if one.status == LATE or one.seconds > terms.client_s:
            yield f"{one.kind} {one.key} took {one.seconds:.2f} s"


def refusals_are_prompt(history: "History", terms: Terms, report: Report) -> "Iterator[str]":
    if report.refusal_p99_s > terms.refusal_s:
        yield f"p99 is {report.refusal_p99_s:.3f} s"
    for one in history.operations:
        if one.status == 503 and not int(one.retry_after or 0):
            yield f"{one.kind} {one.key} does not say when to try again"


def service_returns(history: "History", terms: Terms, report: Report) -> "Iterator[str]":
    """Something is served soon after a fault, and everything a while after the last one."""
    for fault in history.faults:
        if (took := recovery(history, fault)) > terms.recovery_s:
            yield f"after {fault.name} it took {took:.2f} s"
    last = max((fault.ended for fault in history.faults), default=0.0)
    for one in history.operations:
        if history.faults and one.status == 503 and one.sent > last + terms.recovery_s:
            yield f"{one.kind} {one.key} was refused {one.sent - last:.2f} s after the last fault"


INVARIANTS: "tuple[Callable[[History, Terms, Report], Iterator[str]], ...]" = (
    one_fetch_per_code,
    no_acknowledged_submit_is_missing,
    nothing_refused_is_done,
    told_is_what_was_submitted,
    attempts_are_bounded,
    one_end_per_challenge,
    no_acknowledged_challenge_is_missing,
    a_code_verifies_once,
    no_answer_is_our_fault,
    every_answer_is_in_time,
    refusals_are_prompt,
    service_returns,
)


def _by_key(operations: "Iterable[Operation]") -> dict[str, list[Operation]]:
    by_key: defaultdict[str, list[Operation]] = defaultdict(list)
    for operation in operations:
        by_key[operation.key].append(operation)
    return by_key


def _excess(
    what: str, done: list[Operation], most: int, history: "History", terms: Terms, report: Report
) -> "Iterator[str]":
    """What was done more often than it may, unless it may have been forgotten that it was."""
    too_many = len(done) - most
    if too_many > 0:
        forgotten = sum(_may_be_lost(one, history, terms) for one in done)
        report.revived += min(too_many, forgotten)
        if forgotten < too_many:
            yield f"{what} {len(done)} times"


def _may_be_lost(one: Operation, history: "History", terms: Terms) -> bool:
    if terms.loses_s < 0:
        return False
    return any(fault.began - terms.loses_s <= one.answered <= fault.ended for fault in history.faults)
