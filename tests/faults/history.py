"""What every client was told, and when: the evidence that tests/faults/invariants.py is held against."""

import time
from contextlib import contextmanager
from enum import StrEnum
from itertools import takewhile
from typing import TYPE_CHECKING, NamedTuple

from edge.errors import ROWS
from engine.errors import OutcomeUnknown

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from tests.edge.sockets import Answer

# What a client has instead of a status.
CUT = 0  # the connection ended before the answer
LATE = -1  # there was no answer by the client's own deadline
HALF = -2  # the connection ended in the midst of the answer

_MAY_BE_DONE = ROWS[OutcomeUnknown].sentence.encode()


class Kind(StrEnum):
    """The key of the last four is a path: of a factor that is enrolled, else of a challenge."""

    SUBMIT = "submit"
    FETCH = "fetch"
    ENROL = "enrol"
    OPEN = "open"
    ANSWER = "answer"
    READ = "read"


class Operation(NamedTuple):
    """One request and what became of it. Instants are seconds of the monotonic clock.

    `told` is the passcode, or the state of the challenge. `code` names the code that a challenge may be answered
    with, by its factor and time step: two challenges may have the same one, and only one of them may be verified.
    """

    kind: Kind
    key: str
    sent: float
    answered: float
    status: int
    told: str = ""
    code: str = ""
    may_be_done: bool = False  # it was told so
    retry_after: str | None = None

    @property
    def is_done(self) -> bool:
        """Acknowledged: a promise was made."""
        return self.status in {200, 201}

    @property
    def is_unknown(self) -> bool:
        """The client cannot know whether it was carried out."""
        return self.status <= CUT or self.may_be_done

    @property
    def is_refused(self) -> bool:
        """Redis could not be asked, and so nothing was done."""
        return self.status == 503 and not self.may_be_done

    @property
    def seconds(self) -> float:
        return self.answered - self.sent


class Fault(NamedTuple):
    """What was broken, and from when until when. What was broken for good has `ended` when it had been noticed."""

    name: str
    began: float
    ended: float


class History:
    """Operations of all clients in the order of their ends, and faults.

    The lists only grow, so that threads may append and read at once.
    """

    def __init__(self) -> None:
        self.operations: list[Operation] = []
        self.faults: list[Fault] = []

    def note(
        self, kind: Kind, key: str, sent: float, answer: "Answer | int", *, told: str = "", code: str = ""
    ) -> None:
        """An answer, or what there was instead of one, that came just now."""
        now = time.monotonic()
        if isinstance(answer, int):
            self.operations.append(Operation(kind, key, sent, now, answer, told, code))
            return
        may_be_done = answer.status == 503 and _MAY_BE_DONE in answer.body
        retry_after = answer.headers.get("retry-after")
        self.operations.append(
            Operation(kind, key, sent, now, answer.status, told, code, may_be_done, retry_after)
        )

    @contextmanager
    def fault(self, name: str) -> "Generator[None]":
        """Something is broken for the time of the block."""
        began = time.monotonic()
        yield
        self.faults.append(Fault(name, began, time.monotonic()))

    def of(self, *kinds: Kind) -> "Iterator[Operation]":
        return (operation for operation in self.operations if operation.kind in kinds)

    def count(self, *statuses: int, since: float = 0.0, kinds: "tuple[Kind, ...]" = tuple(Kind)) -> int:
        """How many answers of these statuses there are to what was asked since then."""
        recent = takewhile(lambda one: one.answered >= since, reversed(self.operations))
        return sum(one.status in statuses and one.sent >= since and one.kind in kinds for one in recent)
