"""Reading bodies and queries: msgspec decodes and validates at once; only what is refused is looked at again.

The second look names every problem, not just the first, from the same annotations.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, Generic, TypeVar, cast, get_type_hints
from urllib.parse import parse_qsl

import msgspec
from msgspec import inspect

from edge.errors import MalformedBody
from engine.errors import Invalid, Problem

T = TypeVar("T", bound=msgspec.Struct)


class Body(Generic[T]):
    """A JSON object that requests carry."""

    def __init__(self, kind: type[T]) -> None:
        self.kind = kind
        self._decoder = msgspec.json.Decoder(kind)
        self._type = inspect.type_info(kind)

    def read(self, content: bytes) -> T:
        """Raises: MalformedBody: no JSON object. Invalid: fields that cannot be used, all of them named."""
        try:
            return self._decoder.decode(content)
        except msgspec.ValidationError as error:
            raise _explained(content, self._type) from error
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise MalformedBody from error


class Query(Generic[T]):
    """What requests say in their query, or in a form: text, read as the fields of a struct. Other names are not
    looked at."""

    def __init__(self, kind: type[T]) -> None:
        self._kind = kind
        self._types = get_type_hints(kind, include_extras=True)
        described = _struct(kind).fields
        self._described = {field.encode_name: field.type for field in described}
        self._required = {field.encode_name for field in described if field.required}

    def read(self, query: bytes) -> T:
        """Raises: Invalid: fields that cannot be used, all of them named."""
        return self.read_fields(dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True)))

    def read_fields(self, fields: Mapping[str, str]) -> T:
        """Raises: Invalid: fields that cannot be used, all of them named."""
        given = {name: text for name, text in fields.items() if name in self._types}
        try:
            return msgspec.convert(given, self._kind, strict=False)
        except msgspec.ValidationError as error:
            raise Invalid(tuple(self._problems(given))) from error

    def _problems(self, given: dict[str, str]) -> Iterator[Problem]:
        for name in sorted(self._required - given.keys()):
            yield Problem(name, "required")
        for name, text in given.items():
            value: Any = text
            with suppress(msgspec.ValidationError):
                value = msgspec.convert(text, int, strict=False)
            is_number = isinstance(self._described[name], inspect.IntType)
            yield from _problems(name, value if is_number else text, self._described[name])


def _struct(kind: type[msgspec.Struct]) -> inspect.StructType:
    described = inspect.type_info(kind)
    assert isinstance(described, inspect.StructType)  # noqa: S101  # what a Struct is described by
    return described


def _explained(content: bytes, kind: inspect.Type) -> Invalid | MalformedBody:
    try:
        raw = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):  # in what nobody reads of it
        return MalformedBody()
    if not isinstance(raw, dict):
        return MalformedBody()
    return Invalid(tuple(_problems("", raw, kind)))


def _problems(path: str, value: Any, kind: inspect.Type) -> Iterator[Problem]:  # noqa: ANN401  # decoded JSON
    if isinstance(kind, inspect.Metadata):  # what is said to readers of the document
        yield from _problems(path, value, kind.type)
    elif isinstance(kind, inspect.StructType):
        yield from _struct_problems(path, value, kind)
    elif isinstance(kind, inspect.UnionType):
        if value is not None:
            yield from _problems(path, value, next(part for part in kind.types if not _is_none(part)))
    elif rule := _broken_rule(value, kind):
        yield Problem(path, *rule)
        if rule[0] == "max_length":  # what is too long may be malformed as well
            yield from _problems(path, value[: rule[1]], kind)


def _struct_problems(path: str, value: Any, kind: inspect.StructType) -> Iterator[Problem]:  # noqa: ANN401
    if not isinstance(value, dict):
        yield Problem(path, "object")
        return
    given = cast("dict[str, Any]", value)
    for field in kind.fields:
        name = f"{path}.{field.encode_name}" if path else field.encode_name
        if field.encode_name in given:
            yield from _problems(name, given[field.encode_name], field.type)
        elif field.required:
            yield Problem(name, "required")
    if kind.forbid_unknown_fields:
        for unknown in given.keys() - {field.encode_name for field in kind.fields}:
            yield Problem(f"{path}.{unknown}" if path else unknown, "unknown")


def _broken_rule(value: Any, kind: inspect.Type) -> tuple[str, int | None] | None:  # noqa: ANN401
    match kind:
        case inspect.StrType():
            return _broken_text_rule(value, kind)
        case inspect.IntType():
            return _broken_integer_rule(value, kind)
        case inspect.EnumType():
            if value in (None, ""):
                return ("required", None)
            return None if value in list(kind.cls) else ("choice", None)
        case _:
            return None


def _broken_text_rule(value: Any, kind: inspect.StrType) -> tuple[str, int | None] | None:  # noqa: ANN401
    if value is None or (value == "" and kind.min_length):
        return ("required", None)
    if not isinstance(value, str):
        return ("string", None)
    if kind.min_length is not None and len(value) < kind.min_length:
        return ("min_length", kind.min_length)
    if kind.max_length is not None and len(value) > kind.max_length:
        return ("max_length", kind.max_length)
    return ("format", None) if kind.pattern and not re.search(kind.pattern, value) else None


def _broken_integer_rule(value: Any, kind: inspect.IntType) -> tuple[str, int | None] | None:  # noqa: ANN401
    if value is None:
        return ("required", None)
    if isinstance(value, bool) or not isinstance(value, int):
        return ("integer", None)
    if kind.ge is not None and value < kind.ge:
        return ("min", kind.ge)
    if kind.le is not None and value > kind.le:
        return ("max", kind.le)
    return None


def _is_none(kind: inspect.Type) -> bool:
    return isinstance(kind, inspect.NoneType)
