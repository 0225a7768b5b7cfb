"""What a collection is searched for: an RSQL expression, held against names and states."""

from edge.authenticator import rsql
from edge.authenticator.rsql import Node
from engine.challenge_records import Challenge
from engine.errors import Invalid
from engine.factor_records import Factor, Kind, State
from engine.ids import UserName

_USER = "external_user_id"
_MOST_USERS = 32  # each is looked up by itself
_OF_FACTORS = frozenset({_USER, "status", "type"})
_OF_CHALLENGES = frozenset({"reference_id", "status"})


class FactorSearch:
    """Factors are found by their users' names, or else by their states: both have an index.

    Raises:
        Invalid: malformed, by something that no index answers, or by more than 32 names.
    """

    def __init__(self, text: str) -> None:
        self._node = _parsed(text, _OF_FACTORS)
        self.users = self._named()
        self.states = tuple(state for state in State if self._holds(status=state, type=Kind.TOTP))

    def matches(self, factor: Factor) -> bool:
        return self._holds(external_user_id=factor.record.user, status=factor.state, type=factor.record.kind)

    def _named(self) -> list[UserName] | None:
        """The users one of whom it must be; None if it is not about users."""
        if self._node is None or _USER not in rsql.selectors(self._node):
            return None
        names = rsql.candidates(self._node, _USER)
        if names is None:
            raise Invalid.value("search", "choice")
        if len(names) > _MOST_USERS:
            raise Invalid.value("search", "max_items", _MOST_USERS)
        return [UserName(name) for name in sorted(names)]

    def _holds(self, **values: str) -> bool:
        return self._node is None or rsql.evaluate(self._node, values.get)


class ChallengeSearch:
    """Challenges of a factor are few, and looked at one by one.

    Raises:
        Invalid
    """

    def __init__(self, text: str) -> None:
        self._node = _parsed(text, _OF_CHALLENGES)

    @property
    def is_for_all(self) -> bool:
        return self._node is None

    def matches(self, challenge: Challenge) -> bool:
        values = {"status": str(challenge.state), "reference_id": challenge.record.reference}
        return self._node is None or rsql.evaluate(self._node, values.get)


def _parsed(text: str, selectors: frozenset[str]) -> Node | None:
    """Raises: Invalid."""
    if not text:
        return None
    node = rsql.parse(text)
    if not rsql.selectors(node) <= selectors:
        raise Invalid.value("search", "choice")
    return node


def is_oldest_first(sort: str) -> bool:
    """Raises: Invalid: malformed, or by something else than age."""
    name, is_descending = rsql.parse_sort(sort)
    if name != "created_at":
        raise Invalid.value("sort", "choice")
    return not is_descending
