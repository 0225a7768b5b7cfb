"""Bodies of `application/json-patch+json` (RFC 6902): an array of operations, all of them carried out or none.

What is wrong is named by the index of its operation: `[1].path`. Each is looked at twice, first for what it is
about, then for the members that such an operation has. Others are ignored (RFC 6902 4).
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from copy import deepcopy
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Any, Literal, TypeVar, cast

import msgspec
from jsonpatch import JsonPatch, JsonPatchException, JsonPointerException
from msgspec import Meta

from edge.authenticator.wire import ExternalUserId
from edge.errors import MalformedBody
from edge.wire import Body
from engine.errors import Invalid, Problem
from engine.factor_records import Changes
from engine.ids import UserName

T = TypeVar("T")

_MOST_CHANGES = 10
_MOST_OPERATIONS = 32
_MOST_LEVELS = 16
_MOST_BYTES = 16 * 1024  # of a document: 32 copies of a whole into itself would make 4 billion of it


class _Set(StrEnum):
    ADD = "add"
    REPLACE = "replace"


class _End(StrEnum):
    INACTIVE = "INACTIVE"


class _Change(msgspec.Struct):
    op: _Set
    path: str


class _Code(msgspec.Struct):
    value: Annotated[str, Meta(pattern=r"^[0-9]{6,8}\Z")]


class _User(msgspec.Struct):
    value: ExternalUserId


class _Status(msgspec.Struct):
    value: _End


class _Answer(_Code):
    """What answers a challenge, as all but those who got it wrong send it."""

    op: _Set
    path: Literal["/code"]


_CHANGE = Body(_Change)
_ANSWER = msgspec.json.Decoder(Annotated[list[_Answer], Meta(min_length=1, max_length=1)])

_CODE, _USER, _STATUS = "/code", "/external_user_id", "/status"
_Kinds = Mapping[str, Body[_Code] | Body[_User] | Body[_Status]]
_OF_FACTORS: _Kinds = MappingProxyType({_CODE: Body(_Code), _USER: Body(_User), _STATUS: Body(_Status)})
_OF_CHALLENGES: _Kinds = MappingProxyType({_CODE: Body(_Code)})


def factor_changes(body: bytes) -> Changes:
    """What is to be changed of a factor.

    Raises:
        MalformedBody: no JSON.
        Invalid: another path, value or operation, a path twice, or not 1 to 10 operations.
    """
    values = _values(body, _OF_FACTORS)
    user = values.get(_USER)
    return Changes(
        code=values.get(_CODE), user=None if user is None else UserName(user), is_ended=_STATUS in values
    )


def challenge_code(body: bytes) -> str:
    """The code that answers a challenge.

    Raises:
        MalformedBody, Invalid: as above.
    """
    with suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _ANSWER.decode(body)[0].value
    return _values(body, _OF_CHALLENGES)[_CODE]  # which names what is wrong


def _values(body: bytes, kinds: _Kinds) -> dict[str, str]:
    changes = _each(body, lambda raw: _change(raw, kinds), least=1, most=_MOST_CHANGES)
    paths = [path for path, _ in changes]
    again = [index for index, path in enumerate(paths) if path in paths[:index]]
    if again:
        raise Invalid(tuple(Problem(f"[{index}].path", "conflict") for index in again))
    return dict(changes)


def _change(raw: bytes, kinds: _Kinds) -> tuple[str, str]:
    path = _CHANGE.read(raw).path
    if path not in kinds:
        raise Invalid.value("path", "choice")
    return path, kinds[path].read(raw).value


_Pointer = Annotated[str, Meta(pattern=r"^/configuration(/([^~]|~[01])*)?\Z")]


class _Verb(StrEnum):
    ADD = "add"
    REMOVE = "remove"
    REPLACE = "replace"
    MOVE = "move"
    COPY = "copy"
    TEST = "test"


class _Operation(msgspec.Struct):
    op: _Verb


class _Removal(_Operation):
    path: _Pointer


class _Placing(_Removal):
    value: Any


class _Transfer(_Removal):
    source: _Pointer = msgspec.field(name="from")


_OPERATION = Body(_Operation)
_REMOVAL, _PLACING, _TRANSFER = Body(_Removal), Body(_Placing), Body(_Transfer)
_BY_VERB: Mapping[_Verb, Body[_Removal] | Body[_Placing] | Body[_Transfer]] = MappingProxyType(
    {
        _Verb.ADD: _PLACING,
        _Verb.REMOVE: _REMOVAL,
        _Verb.REPLACE: _PLACING,
        _Verb.MOVE: _TRANSFER,
        _Verb.COPY: _TRANSFER,
        _Verb.TEST: _PLACING,
    }
)


def apply(document: dict[str, Any], body: bytes) -> dict[str, Any]:
    """A changed copy of a document {"configuration": ...}. Whether it is a good one is the caller's to see.

    Raises:
        MalformedBody: no JSON.
        Invalid: a path outside of the configuration, an operation that cannot be carried out, a `test` that fails,
            more than 32 operations, or more than a document may hold.
    """
    changed = deepcopy(document)
    for index, operation in enumerate(_each(body, _operation, least=0, most=_MOST_OPERATIONS)):
        if problem := _carry_out(operation, changed):
            raise Invalid((_named(problem, index),))
    return changed


def _carry_out(operation: dict[str, Any], document: dict[str, Any]) -> Problem | None:
    """Change a document in place; tells why it is of no use then, if so."""
    try:
        JsonPatch([operation]).apply(document, in_place=True)
    except (JsonPatchException, JsonPointerException):
        return Problem("", "conflict")
    if _is_deeper(document, _MOST_LEVELS):
        return Problem("", "max_depth", _MOST_LEVELS)
    if len(msgspec.json.encode(document)) > _MOST_BYTES:
        return Problem("", "max_length", _MOST_BYTES)
    return None


def touches(body: bytes, pointer: str) -> bool:
    """Whether a patch that was applied names a value, or something that it is in."""
    operations = msgspec.json.decode(body, type=list[_Removal])
    return any(f"{pointer}/".startswith(f"{operation.path}/") for operation in operations)


def _operation(raw: bytes) -> dict[str, Any]:
    operation = _BY_VERB[_OPERATION.read(raw).op].read(raw)
    if isinstance(operation, _Placing) and _is_deeper(operation.value, _MOST_LEVELS):
        raise Invalid.value("value", "max_depth", _MOST_LEVELS)
    return msgspec.to_builtins(operation)


def _is_deeper(value: object, levels: int) -> bool:
    """Whether arrays and objects are nested in each other more often than that."""
    if not isinstance(value, dict | list):
        return False
    parts = cast("dict[str, object]", value).values() if isinstance(value, dict) else cast("list[object]", value)
    return levels == 0 or any(_is_deeper(part, levels - 1) for part in parts)


def _each(body: bytes, read: Callable[[bytes], T], *, least: int, most: int) -> list[T]:
    """What is read of every operation.

    Raises:
        MalformedBody, Invalid: whatever cannot be used, of all of them.
    """
    found: list[T] = []
    problems: list[Problem] = []
    for index, raw in enumerate(_array(body, least=least, most=most)):
        try:
            if raw[:1] != b"{":
                raise Invalid.value("", "object")
            found.append(read(raw))
        except Invalid as refusal:
            problems += (_named(problem, index) for problem in refusal.problems)
    if problems:
        raise Invalid(tuple(problems))
    return found


def _named(problem: Problem, index: int) -> Problem:
    field = f"[{index}].{problem.field}" if problem.field else f"[{index}]"
    return Problem(field, problem.rule, problem.bound)


def _array(body: bytes, *, least: int, most: int) -> list[bytes]:
    try:
        operations = msgspec.json.decode(body, type=list[msgspec.Raw])
    except msgspec.ValidationError:
        raise Invalid.value("", "array") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedBody from error
    if len(operations) < least:
        raise Invalid.value("", "min_items", least)
    if len(operations) > most:
        raise Invalid.value("", "max_items", most)
    return [bytes(operation) for operation in operations]
