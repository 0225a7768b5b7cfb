"""/openapi.json: it is valid, all that is served is in it, and it says what is said."""

import re
from typing import TYPE_CHECKING, cast

from openapi_spec_validator import OpenAPIV31SpecValidator

from edge.app import SURFACES
from edge.dialect import FIELDS, ProblemDetails, Refusals
from edge.errors import MethodNotAllowed, NotFound
from edge.http import Request
from engine import errors as engine
from tests.edge.documented import Document, operations, validator

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx
    from starlette.types import Message

CALLS = [
    (surface.prefix + path, method)
    for surface in SURFACES
    if surface.is_api
    for route in surface.routes
    for path in route.paths
    for method in route.methods
]


def test_the_document_is_valid(document: Document) -> None:
    OpenAPIV31SpecValidator(document).validate()


def test_every_method_of_every_route_is_in_the_document_and_nothing_else(document: Document) -> None:
    """Health and the document itself included, pages for people not."""
    assert sorted((path, method) for path, method, _ in operations(document)) == sorted(CALLS)


def test_names_of_surfaces_and_operations_are_given_once(document: Document) -> None:
    ids = [operation["operationId"] for _, _, operation in operations(document)]
    names = [surface.name for surface in SURFACES]
    assert (len(set(ids)), len(set(names))) == (len(ids), len(names))


def test_older_paths_are_deprecated_and_the_others_are_not(document: Document) -> None:
    older = {surface.prefix + path for surface in SURFACES for route in surface.routes for path in route.aliases}
    deprecated = {path for path, _, operation in operations(document) if operation.get("deprecated")}
    assert deprecated == older


def test_every_operation_says_what_it_is_for_and_what_success_is(document: Document) -> None:
    for path, method, operation in operations(document):
        assert operation["summary"], (path, method)
        assert any(status.startswith("2") for status in operation["responses"]), (path, method)


def test_every_operation_has_examples_of_what_is_asked_and_told(document: Document) -> None:
    """That they work is seen in tests/edge/test_golden.py."""
    for path, method, operation in operations(document):
        told = [each for status, each in operation["responses"].items() if status < "300"]
        asked = [operation["requestBody"]] if "requestBody" in operation else []
        for content in (content for each in (*asked, *told) for content in each.get("content", {}).values()):
            assert content["examples"], (path, method)
    for name, parameter in document["components"]["parameters"].items():
        assert parameter["example"], name


def test_every_example_is_of_its_schema(document: Document) -> None:
    for path, _, operation in operations(document):
        for status, response in operation["responses"].items():
            for content in response.get("content", {}).values():
                for name, example in content.get("examples", {}).items():
                    errors = [*validator(document, content["schema"]).iter_errors(example["value"])]
                    assert not errors, (path, status, name, errors)


def test_every_pattern_means_the_same_to_other_engines(document: Document) -> None:
    r"""Only Python has \Z, and its \w is of any script."""
    patterns = list(patterns_in(document))
    assert patterns
    for pattern in patterns:
        assert not re.search(r"\\[AZwW]|\(\?[^:=!]", pattern), pattern


def test_every_refusal_brings_the_headers_that_are_documented() -> None:
    state = engine.LimitState("address", 1, 1, 0, 1000)
    refusals = [
        engine.LimitExceeded(state, 1000),
        engine.Busy(),
        engine.FactorLocked(1000),
        engine.TooManyChallenges(1000),
        engine.KeyMissing("k1"),
        engine.Overloaded(),
        engine.Unauthenticated(),
        MethodNotAllowed("GET"),
    ]
    assert {kind for error in refusals for kind in type(error).__mro__} >= FIELDS.keys()
    for error in (*refusals, NotFound()):
        reply = Refusals(ProblemDetails(), {}, lambda request: request.origin).reply(blank_request(), error)
        brought = {name.decode() for name, _ in reply.headers} - {"content-type", "cache-control"}
        documented = (fields for kind, fields in FIELDS.items() if isinstance(error, kind))
        assert brought == {field.name.lower() for field in next(documented, ())}


def test_pages_of_any_origin_may_read_the_document(http: "httpx.Client") -> None:
    answer = http.get("/openapi.json", headers={"origin": "https://editor.example"})
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, "*")


def patterns_in(part: object) -> "Iterator[str]":
    if isinstance(part, list):
        for each in cast("list[object]", part):
            yield from patterns_in(each)
    elif isinstance(part, dict):
        for name, each in cast("dict[str, object]", part).items():
            if name == "pattern" and isinstance(each, str):
                yield each
            else:
                yield from patterns_in(each)


def blank_request() -> Request:
    async def receive() -> "Message":
        raise NotImplementedError

    return Request({"method": "GET", "headers": []}, receive, {}, b"")
