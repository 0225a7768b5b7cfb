"""What audit trails hold, as it is told: events, their order, and what is looked for."""

import re
from typing import NamedTuple, Self

from engine.errors import Invalid
from engine.store.audit import Sought

MOST = 2**63

_ID = re.compile(r"(\d{1,18})-(\d{1,19})")
_CURSOR = re.compile(rf"{_ID.pattern}-(\d{{1,5}})")
_KIND = re.compile(r"[a-z0-9-]{1,32}")
_WORD = re.compile(r"[!-~]{1,100}")


class Position(NamedTuple):
    """Where an event is among all that are read together: by the clock of its partition, then by its share."""

    at_ms: int
    sequence: int
    share: int

    @classmethod
    def of_id(cls, text: str, share: int) -> Self:
        """Raises: ValueError."""
        match = _ID.fullmatch(text)
        if match is None:
            raise ValueError
        return cls(int(match[1]), int(match[2]), share)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what `text` wrote, and a page handed out.

        Raises:
            Invalid
        """
        match = _CURSOR.fullmatch(text)
        position = None if match is None else cls(*map(int, match.groups()))
        if position is None or not 0 < position.at_ms < MOST or position.sequence >= MOST:
            raise Invalid.value("after", "format")
        return position

    @property
    def text(self) -> str:
        return f"{self.at_ms}-{self.sequence}-{self.share}"

    def bound(self, share: int, *, is_oldest_first: bool) -> str:
        """From where a share is to be read that nothing is told twice, and nothing left out."""
        is_told = share <= self.share if is_oldest_first else share >= self.share
        return f"{'(' if is_told else ''}{self.at_ms}-{self.sequence}"


class Event(NamedTuple):
    """Who did what to which. `detail` is empty where there is no more to tell."""

    position: Position
    kind: str
    actor: str
    subject: str
    detail: str = ""

    @property
    def at_ms(self) -> int:
        return self.position.at_ms


class Filter(NamedTuple):
    """What is looked for; what is empty or None is not asked after. Actor and subject begin with what is given.

    Times are milliseconds since the epoch: `since_ms` is the first that is looked at, `until_ms` the last.
    """

    kinds: frozenset[str] = frozenset()
    actor: str = ""
    subject: str = ""
    since_ms: int | None = None
    until_ms: int | None = None

    @property
    def range(self) -> tuple[str, str]:
        """The ids of the first and the last, as Redis reads them."""
        low = "-" if self.since_ms is None else f"{max(self.since_ms, 0)}-0"
        return low, "+" if self.until_ms is None else f"{max(self.until_ms, 0)}"

    @property
    def sought(self) -> Sought:
        return Sought(self.kinds, self.actor, self.subject)

    def checked(self) -> Self:
        """The same, if every word in it is one.

        Raises:
            Invalid
        """
        if not all(map(_KIND.fullmatch, self.kinds)):
            raise Invalid.value("kind", "format")
        for name, word in (("actor", self.actor), ("subject", self.subject)):
            if word and not _WORD.fullmatch(word):
                raise Invalid.value(name, "format")
        return self


def parse_line(share: int, line: str) -> Event:
    """Raises: ValueError."""
    entry_id, kind, actor, subject, *rest = line.split(" ")
    return Event(Position.of_id(entry_id, share), kind, actor, subject, " ".join(rest))
