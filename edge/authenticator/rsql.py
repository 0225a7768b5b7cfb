"""The `search` and `sort` parameters of lists. `search` is a part of RSQL, which grew out of FIQL
(draft-nottingham-atompub-fiql-00).

    or          and  { ( "," | "or" )  and }
    and         term { ( ";" | "and" ) term }
    term        comparison | "(" or ")"
    comparison  selector ( "==" | "!=" ) value  |  selector ( "=in=" | "=out=" ) "(" value { "," value } ")"
    value       unreserved characters  |  '...'  |  "..."  with backslash escapes

Values are compared exactly: a `*` is a character like any other. Blanks may stand between tokens. What there is on
PyPI compiles for an ORM (pyrsql) or knows no quotes (fiql-parser), so this is ours.
"""

import re
from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple

import msgspec

from engine.errors import Invalid

MAX_LENGTH = 1024
MAX_DEPTH = 8
MAX_COMPARISONS = 32

_TOKEN = re.compile(
    r"""\ *(?:
        (?P<operator> ==|!=|=in=|=out= )
      | (?P<mark> [();,] )
      | (?P<word> [^\s"'();,=!~<>]+ )
      | (?P<quoted> '(?:[^'\\]|\\.)*' | "(?:[^"\\]|\\.)*" )
    )""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


class Operator(StrEnum):
    EQUAL = "=="
    NOT_EQUAL = "!="
    IN = "=in="
    OUT = "=out="


_LISTING = frozenset({Operator.IN, Operator.OUT})
_NEGATIVE = frozenset({Operator.NOT_EQUAL, Operator.OUT})


class Comparison(msgspec.Struct, frozen=True):
    """`==` and `!=` have one value, the others one or more."""

    selector: str
    operator: Operator
    values: tuple[str, ...]


class And(msgspec.Struct, frozen=True):
    parts: "tuple[Node, ...]"


class Or(msgspec.Struct, frozen=True):
    parts: "tuple[Node, ...]"


Node = Comparison | And | Or


class Sort(NamedTuple):
    name: str
    descending: bool


_DIRECTIONS = {"asc": False, "desc": True}


def parse(text: str) -> Node:
    """Read a `search`. Which selectors there are is the caller's to know.

    Raises:
        Invalid: malformed, or beyond a bound.
    """
    if len(text) > MAX_LENGTH:
        raise Invalid.value("search", "max_length", MAX_LENGTH)
    tokens = _tokens(text.rstrip(" "))
    if sum(token.kind == "operator" for token in tokens) > MAX_COMPARISONS:
        raise _malformed()
    return _Parser(tokens).whole()


def parse_sort(text: str) -> Sort:
    """Read a `sort`.

    Raises:
        Invalid: it is not `name,asc` or `name,desc`.
    """
    name, _, direction = text.partition(",")
    if not name or direction not in _DIRECTIONS:
        raise Invalid.value("sort", "format")
    return Sort(name, _DIRECTIONS[direction])


def evaluate(node: Node, value_of: Callable[[str], str | None]) -> bool:
    """Whether something is searched for, by the values of its selectors. None is no value, and equals none."""
    match node:
        case And():
            return all(evaluate(part, value_of) for part in node.parts)
        case Or():
            return any(evaluate(part, value_of) for part in node.parts)
        case Comparison():
            return (value_of(node.selector) in node.values) is not (node.operator in _NEGATIVE)


def candidates(node: Node, selector: str) -> frozenset[str] | None:
    """The values that a selector must have one of: an index answers then, not a walk. None if it may have any."""
    match node:
        case And():
            required = [candidates(part, selector) for part in node.parts]
            named = [values for values in required if values is not None]
            return named[0].intersection(*named[1:]) if named else None
        case Or():
            offered = [candidates(part, selector) for part in node.parts]
            return None if None in offered else frozenset[str]().union(*filter(None, offered))
        case Comparison() if node.selector == selector and node.operator not in _NEGATIVE:
            return frozenset(node.values)
        case _:
            return None


def selectors(node: Node) -> frozenset[str]:
    """All selectors that an expression names."""
    if isinstance(node, Comparison):
        return frozenset({node.selector})
    return frozenset[str]().union(*map(selectors, node.parts))


class _Token(NamedTuple):
    """`kind` is a group of _TOKEN; `text` is without quotes and escapes."""

    kind: str | None
    text: str


def _tokens(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise _malformed()
        kind, position = match.lastgroup, match.end()
        token = match[kind or 0]
        tokens.append(_Token(kind, _ESCAPED.sub(r"\1", token[1:-1]) if kind == "quoted" else token))
    return tokens


class _Parser:
    """One method per rule of the grammar. `and` and `or` are words, and operators only where one may stand."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._next = 0

    def whole(self) -> Node:
        node = self._or(depth=0)
        if self._next < len(self._tokens):
            raise _malformed()
        return node

    def _or(self, *, depth: int) -> Node:
        parts = [self._and(depth=depth)]
        while self._took(",", "or"):
            parts.append(self._and(depth=depth))
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def _and(self, *, depth: int) -> Node:
        parts = [self._term(depth=depth)]
        while self._took(";", "and"):
            parts.append(self._term(depth=depth))
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def _term(self, *, depth: int) -> Node:
        if not self._took("("):
            return self._comparison()
        if depth == MAX_DEPTH:
            raise _malformed()
        node = self._or(depth=depth + 1)
        self._close()
        return node

    def _comparison(self) -> Comparison:
        selector = self._take("word")
        operator = Operator(self._take("operator"))
        values = self._list() if operator in _LISTING else (self._take("word", "quoted"),)
        return Comparison(selector, operator, values)

    def _list(self) -> tuple[str, ...]:
        if not self._took("("):
            raise _malformed()
        values = [self._take("word", "quoted")]
        while self._took(","):
            values.append(self._take("word", "quoted"))
        self._close()
        return tuple(values)

    def _close(self) -> None:
        if not self._took(")"):
            raise _malformed()

    def _took(self, *texts: str) -> bool:
        """Go on if the next token is one of these; what is quoted is none."""
        token = self._peek()
        is_one = token.kind != "quoted" and token.text in texts
        self._next += is_one
        return is_one

    def _take(self, *kinds: str) -> str:
        token = self._peek()
        if token.kind not in kinds:
            raise _malformed()
        self._next += 1
        return token.text

    def _peek(self) -> _Token:
        """The next token; behind the last, one of no kind."""
        return self._tokens[self._next] if self._next < len(self._tokens) else _Token(None, "")


def _malformed() -> Invalid:
    return Invalid.value("search", "format")
