"""What one process was promised, and whether the promises were kept.

Every acknowledged submit is a deposit. A fetch is named by a request: a repeat of it has the same name, and the
same Idempotency-Key. An answer that contradicts the books raises a violation, and is counted.

Violation
├── SomebodyElsesCode     a code came back that is not the one of this submit
├── FetchedTwice          two fetches got one code
├── Missing               a code that must be there was not
├── TakenTwice            two submits got one pass key
└── WronglyAccepted       an answer to a challenge was accepted that is wrong, late, or somebody else's
"""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar

from bench.tenants import Tenant


class Violation(Exception):
    """A promise was broken. The sentence names no code, no pass key and no tenant."""

    sentence: ClassVar[str]

    def __str__(self) -> str:
        return self.sentence


class SomebodyElsesCode(Violation):
    sentence = "somebody got somebody else's code"


class FetchedTwice(Violation):
    sentence = "a code was fetched twice"


class Missing(Violation):
    sentence = "an acknowledged submit was missing"


class TakenTwice(Violation):
    sentence = "a pass key was given to two customers at a time"


class WronglyAccepted(Violation):
    sentence = "an answer to a challenge was wrongly accepted"


@dataclass(slots=True, eq=False)
class Question:
    """A challenge, by its path. It is accepted once."""

    path: str
    is_accepted: bool = False


@dataclass(slots=True, eq=False)
class Deposit:
    """A code that was acknowledged under a pass key. It is alive before `expires_at` at the least."""

    tenant: Tenant
    pass_key: str = field(repr=False)
    code: str = field(repr=False)
    expires_at: float
    taken_by: str | None = None
    # Requests that were sent, and whether repeating one is safe: an answer may never come.
    requests: dict[str, bool] = field(default_factory=dict[str, bool])
    refused: set[str] = field(default_factory=set[str])

    @property
    def unanswered(self) -> set[str]:
        return self.requests.keys() - self.refused


class Ledger:
    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.violations: Counter[str] = Counter()
        self.submitted = self.fetched = self.expired = self.verified = 0
        # Oldest first, until they are fetched or expire.
        self._open: dict[tuple[str, str], Deposit] = {}

    def acknowledge(self, tenant: Tenant, pass_key: str, code: str, *, sent_at: float) -> Deposit:
        """A submit was answered with a code.

        Raises:
            TakenTwice: under a pass key where a code is alive that nobody has asked for.
        """
        deposit = Deposit(tenant, pass_key, code, expires_at=sent_at + tenant.life_s)
        self.submitted += 1
        self._forget_expired()
        earlier = self._open.pop((tenant.id, pass_key), None)
        self._open[tenant.id, pass_key] = deposit
        if earlier is not None and not earlier.requests and self.is_alive(earlier):
            raise self._counted(TakenTwice())
        return deposit

    def acknowledge_again(self, deposit: Deposit, code: str) -> None:
        """A repeated submit was answered with a code.

        Raises:
            SomebodyElsesCode
        """
        if code != deposit.code and self.is_alive(deposit):
            raise self._counted(SomebodyElsesCode())

    def sending(self, deposit: Deposit, request: str, *, repeatable: bool) -> None:
        """A fetch is about to be sent."""
        deposit.requests[request] = repeatable
        deposit.refused.discard(request)

    def hand_out(self, deposit: Deposit, request: str, code: str) -> None:
        """A fetch was answered with a code.

        Raises:
            SomebodyElsesCode, FetchedTwice
        """
        first, deposit.taken_by = deposit.taken_by, deposit.taken_by or request
        if first is None:
            self.fetched += 1
            self._close(deposit)
        if code != deposit.code:
            raise self._counted(SomebodyElsesCode())
        if first not in (None, request):
            raise self._counted(FetchedTwice())

    def refuse(self, deposit: Deposit, request: str) -> None:
        """A fetch was told that there is no code.

        Raises:
            Missing: it is alive, and nobody else can have got it.
        """
        deposit.refused.add(request)
        lost = request == deposit.taken_by or (deposit.taken_by is None and not deposit.unanswered)
        if not lost:
            return
        alive = self.is_alive(deposit)
        if deposit.taken_by is None:
            self.expired += not alive
            self._close(deposit)
        if alive:
            raise self._counted(Missing())

    def leak(self) -> None:
        """A code was handed out to whom none belongs.

        Raises:
            SomebodyElsesCode
        """
        raise self._counted(SomebodyElsesCode())

    def accept(self, question: Question, *, is_right: bool) -> None:
        """An answer was accepted.

        Raises:
            WronglyAccepted: it is not right, or not the first one.
        """
        first, question.is_accepted = not question.is_accepted, True
        if not (is_right and first):
            raise self._counted(WronglyAccepted())
        self.verified += 1

    def is_alive(self, deposit: Deposit) -> bool:
        """Whether it cannot have expired yet."""
        return self.clock() < deposit.expires_at

    def left(self) -> list[Deposit]:
        """What is neither fetched nor expired."""
        self._forget_expired()
        return [deposit for deposit in self._open.values() if self.is_alive(deposit)]

    def _close(self, deposit: Deposit) -> None:
        place = (deposit.tenant.id, deposit.pass_key)
        if self._open.get(place) is deposit:
            del self._open[place]

    def _forget_expired(self) -> None:
        while self._open:
            place, oldest = next(iter(self._open.items()))
            if self.is_alive(oldest):
                return
            del self._open[place]
            self.expired += 1

    def _counted(self, violation: Violation) -> Violation:
        self.violations[violation.sentence] += 1
        return violation


def request_to_settle(deposit: Deposit, fresh: str) -> str | None:
    """The request by which a deposit can be fetched for certain; None if an answer was lost for good."""
    unanswered = deposit.unanswered
    if not unanswered:
        return fresh
    request = next(iter(unanswered))
    return request if len(unanswered) == 1 and deposit.requests[request] else None
