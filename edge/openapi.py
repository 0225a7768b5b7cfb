"""The OpenAPI 3.1 document of the edge, made of the routes, the structs that travel and the rows of refusals.

No operation answers 404 or 405 for itself: where no path or no method fits, there is no operation.
"""

import re
from collections.abc import Iterable, Iterator
from importlib.metadata import version
from operator import attrgetter

from msgspec import NODEFAULT, UNSET, to_builtins
from msgspec.structs import FieldInfo, fields

from edge.calls import REQUEST_ID, Answer, Call, HeaderField, Kind
from edge.dialect import FIELDS
from edge.errors import (
    BodyTooLarge,
    BodyTooSlow,
    HeaderRefused,
    MalformedBody,
    UnsupportedMediaType,
    find_row,
)
from edge.examples import SAMPLES, Example, Examples
from edge.routes import Route, Surface
from edge.schemas import Json, Schemas
from engine.errors import Invalid, LinkDown, OriginRefused, OutcomeUnknown, Overloaded, Unauthenticated

Refusals = tuple[type[Exception], ...]

_INFO = {
    "title": "Watchword",
    "summary": "Passcodes and challenges for many tenants",
    "description": "Paths that are marked as deprecated are older spellings of others, and served like them.",
    "license": {"name": "Apache License 2.0", "identifier": "Apache-2.0"},
}
_PARAMETER = re.compile(r"\{(\w+)\}")
_BETWEEN_WORDS = re.compile(r"\W+")

# What is refused before the engine is asked, and what it cannot help. Exception stands for our own faults.
_ALWAYS: Refusals = (HeaderRefused, Exception)
_UNLESS_VITAL: Refusals = (Overloaded, LinkDown, OutcomeUnknown)
_WITH_TENANT: Refusals = (OriginRefused,)
_WITH_BODY: Refusals = (MalformedBody, Invalid, UnsupportedMediaType, BodyTooLarge, BodyTooSlow)
_WITH_QUERY: Refusals = (Invalid,)
_WITH_CREDENTIALS: Refusals = (Unauthenticated,)


def document(surfaces: Iterable[Surface]) -> Json:
    """All routes of the surfaces that are an API. Their older paths are in it too, as deprecated ones."""
    paths: Json = {}
    components: dict[str, Json] = {"schemas": {}, "parameters": {}, "headers": {}, "securitySchemes": {}}
    tags: list[Json] = []
    for surface in filter(attrgetter("is_api"), surfaces):
        chapter = Chapter(surface)
        tags.append({"name": surface.name, "description": surface.description})
        paths |= chapter.paths()
        for kind, named in chapter.components().items():
            components[kind] |= named
    info = {**_INFO, "version": version("watchword")}
    return {"openapi": "3.1.0", "info": info, "tags": tags, "paths": paths, "components": components}


class Chapter:
    """What the document has of one surface."""

    def __init__(self, surface: Surface) -> None:
        self._surface = surface
        self._calls = [call for route in surface.routes for call in route.methods.values()]
        self._params = {name: surface.params.get(name, str) for route in surface.routes for name in _params(route)}
        self._examples = Examples(surface.name, [surface.prefix + route.path for route in surface.routes])
        self._schemas = Schemas(surface.name, asked=list(self._asked()), told=list(self._told()))

    def components(self) -> dict[str, Json]:
        return {
            "schemas": self._schemas.components,
            "parameters": {f"{self._surface.name}.{name}": self._path_parameter(name) for name in self._params},
            "headers": {REQUEST_ID.name: {**self._header(REQUEST_ID), "required": True}},
            "securitySchemes": {
                each.name: dict(each.scheme) for call in self._calls for each in call.credentials if each
            },
        }

    def paths(self) -> Json:
        return {
            self._surface.prefix + path: {
                method.lower(): self._operation(route, path, method, call)
                for method, call in route.methods.items()
            }
            for route in self._surface.routes
            for path in route.paths
        }

    def _asked(self) -> Iterator[Kind]:
        yield from self._params.values()
        for call in self._calls:
            yield from (field.kind for field in call.headers)
            yield from (parameter.type for parameter in _query(call))
            yield from (content.kind for content in (call.body,) if content)

    def _told(self) -> Iterator[Kind]:
        yield REQUEST_ID.kind
        for kinds in self._surface.dialect.bodies.values():
            yield from kinds
        for brought in (*FIELDS.values(), *self._surface.fields.values()):
            yield from (field.kind for field in brought)
        for answer in (answer for call in self._calls for answer in call.answers):
            yield from (kind for kind in (answer.kind,) if kind is not None)
            yield from (field.kind for field in answer.headers)

    def _operation(self, route: Route, path: str, method: str, call: Call) -> Json:
        examples = self._examples.of(method, self._surface.prefix + route.path)
        name = f"{self._surface.name}_{call.operation.__name__}"
        described: Json = {
            "operationId": name if path == route.path else f"{name}_at{_BETWEEN_WORDS.sub('_', path).rstrip('_')}",
            "tags": [self._surface.name],
            "summary": call.summary,
            "responses": {str(answer.status): self._answer(answer) for answer in call.answers}
            | dict(self._refusals(route, call)),
        }
        _show_told(described["responses"], examples)
        if call.description:
            described["description"] = call.description
        if path != route.path:
            described["deprecated"] = True
        if parameters := list(self._parameters(route, call, examples)):
            described["parameters"] = parameters
        if call.body:
            content = {"schema": self._schemas.of(call.body.kind)} | _shown_asked(examples)
            described["requestBody"] = {"required": True, "content": {call.body.media_type: content}}
        if call.credentials:
            described["security"] = [{each.name: list(each.scopes)} if each else {} for each in call.credentials]
        return described

    def _parameters(self, route: Route, call: Call, examples: list[Example]) -> Iterator[Json]:
        for name in _params(route):
            yield {"$ref": f"#/components/parameters/{self._surface.name}.{name}"}
        for parameter in _query(call):
            name, schema = parameter.encode_name, self._schemas.of(parameter.type) | _default(parameter)
            said = [{"example": each.query[name]} for each in examples if name in each.query]
            described = {"name": name, "in": "query", "required": parameter.required, "schema": schema}
            yield {**described, **(said[0] if said else {})}
        for field in call.headers:
            yield {"name": field.name, "in": "header", **self._header(field)}

    def _path_parameter(self, name: str) -> Json:
        described: Json = {"name": name, "in": "path", "required": True}
        if name in SAMPLES:
            described["example"] = SAMPLES[name]
        return {**described, "schema": self._schemas.of(self._params[name])}

    def _header(self, field: HeaderField) -> Json:
        return {"description": field.description, "schema": self._schemas.of(field.kind)}

    def _headers(self, fields: Iterable[HeaderField], sure: Iterable[str] = ()) -> Json:
        """Headers of an answer; those that are sure come always."""
        described = {field.name: self._header(field) for field in fields}
        for name in sure:
            described[name]["required"] = True
        return {REQUEST_ID.name: {"$ref": f"#/components/headers/{REQUEST_ID.name}"}, **described}

    def _answer(self, answer: Answer) -> Json:
        described: Json = {"description": answer.description, "headers": self._headers(answer.headers)}
        if answer.kind is not None:
            described["content"] = {answer.media_type: {"schema": self._schemas.of(answer.kind)}}
        return described

    def _refusals(self, route: Route, call: Call) -> Iterator[tuple[str, Json]]:
        """By status, in ascending order."""
        by_status: dict[int, dict[type[Exception], str]] = {}
        for refusal in _refusals(route, call):
            row = find_row(refusal, route.rows, self._surface.dialect.rows)
            by_status.setdefault(row.status, {})[refusal] = row.sentence.strip()
        for status, sentences in sorted(by_status.items()):
            yield str(status), self._refused(sentences)

    def _refused(self, sentences: dict[type[Exception], str]) -> Json:
        brought = [self._fields(refusal) for refusal in sentences]
        sure = {field.name for field in brought[0] if all(field in each for each in brought)}
        return {
            "description": _listed(list(dict.fromkeys(sentences.values()))),
            "headers": self._headers([field for each in brought for field in each], sure),
            "content": {
                media_type: {"schema": _any_of([self._schemas.of(kind) for kind in kinds])}
                for media_type, kinds in self._surface.dialect.bodies.items()
            },
        }

    def _fields(self, refusal: type[Exception]) -> tuple[HeaderField, ...]:
        for kind in refusal.__mro__:
            for table in (self._surface.fields, FIELDS):
                if kind in table:
                    return table[kind]
        return ()


def _shown_asked(examples: list[Example]) -> Json:
    """Bodies of requests. Those that are refused are shown too, with what they are told."""
    shown = [each.shown(each.asked) for each in examples if each.asked is not None]
    return {"examples": {name: value for each in shown for name, value in each.items()}} if shown else {}


def _show_told(responses: Json, examples: list[Example]) -> None:
    for example in examples:
        for content in responses[example.status].get("content", {}).values():
            content.setdefault("examples", {}).update(example.shown(example.told))


def _params(route: Route) -> list[str]:
    return _PARAMETER.findall(route.path)


def _refusals(route: Route, call: Call) -> Refusals:
    """All that a call may be refused with."""
    return (
        *_ALWAYS,
        *(() if route.vital else _UNLESS_VITAL),
        *(_WITH_TENANT if "tenant_id" in _params(route) else ()),
        *(_WITH_BODY if call.body else ()),
        *(_WITH_QUERY if call.query else ()),
        *(_WITH_CREDENTIALS if call.credentials else ()),
        *call.refusals,
    )


def _query(call: Call) -> tuple[FieldInfo, ...]:
    return () if call.query is None else fields(call.query)


def _default(parameter: FieldInfo) -> Json:
    unsaid = parameter.required or parameter.default in (NODEFAULT, UNSET)
    return {} if unsaid else {"default": to_builtins(parameter.default)}


def _listed(sentences: list[str]) -> str:
    return sentences[0] if len(sentences) == 1 else "\n".join(f"- {sentence}" for sentence in sentences)


def _any_of(schemas: list[Json]) -> Json:
    return schemas[0] if len(schemas) == 1 else {"anyOf": schemas}
