"""Paths, methods and headers that no client should send: refused, with nothing stored, never our own fault."""

from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from tests.edge.sockets import Answer, ask, request

if TYPE_CHECKING:
    from tests.edge.program import Edge
    from tests.edge.tenants import Tenant

pytestmark = pytest.mark.usefixtures("nothing_stored")

JSON = ("content-type", "application/json")
CLOSE = ("connection", "close")


def failed(message: str) -> dict[str, object]:
    return {"status": "Failed", "message": message}


def wrong(**errors: str) -> dict[str, object]:
    return {"errors": {field: [told] for field, told in errors.items()}}


BAD_HEADER = failed("A request header is malformed or given more than once.")
NOT_FOUND = failed("Not Found")
REQUIRED = wrong(pass_key="The pass key field is required.")
TOO_LONG = wrong(pass_key="The pass key may not be greater than 64 characters.")
FORMAT = wrong(pass_key="The pass key format is invalid.")
GONE = failed("Pass Key Expired")


def post(edge: "Edge", path: str, body: bytes, *headers: tuple[str, str]) -> Answer:
    return ask(edge, request("POST", path, [CLOSE, *(headers or [JSON])], body))


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", "", "text/json"])
def test_another_kind_of_body_is_refused(edge: "Edge", tenant: "Tenant", media_type: str) -> None:
    answer = post(edge, tenant.path, b'{"pass_key":"23456"}', ("content-type", media_type))
    assert (answer.status, answer.json()) == (415, failed("The request body must be application/json."))


@pytest.mark.parametrize(
    "name", ["x-api-key", "authorization", "idempotency-key", "content-type", "origin", "x-request-id"]
)
def test_a_header_that_may_come_once_is_refused_when_it_comes_twice(
    edge: "Edge", tenant: "Tenant", name: str
) -> None:
    values = {"x-api-key": tenant.api_key, "content-type": "application/json", **tenant.bearer}
    twice = [(name, values.get(name, "https://one.example")), (name.upper(), values.get(name, "two"))]
    headers = [CLOSE, *twice] + ([] if name == "content-type" else [JSON])
    answer = post(edge, tenant.path, b'{"pass_key":"23456"}', *headers)
    assert (answer.status, answer.json()) == (400, BAD_HEADER)
    fetch = [CLOSE, *twice] + ([] if name == "x-api-key" else [("x-api-key", tenant.api_key)])
    assert ask(edge, request("GET", tenant.fetch_path("23456"), fetch)).status == 400


@pytest.mark.parametrize("key", ["", "two words", "x" * 256, "ü"])
def test_an_idempotency_key_is_printable_and_of_bounded_length(edge: "Edge", tenant: "Tenant", key: str) -> None:
    answer = post(edge, tenant.path, b'{"pass_key":"23456"}', JSON, CLOSE, ("idempotency-key", key))
    assert (answer.status, answer.json()) == (400, BAD_HEADER)


@pytest.mark.parametrize(
    ("key", "status", "expected"),
    [
        ("%00", 400, FORMAT),
        ("a%00b", 400, FORMAT),
        ("a%0Ab", 400, FORMAT),
        ("%ff%fe", 400, FORMAT),
        ("%ed%a0%80", 400, FORMAT),
        ("%F0%9F%98%80", 400, FORMAT),
        ("%20", 400, REQUIRED),
        ("", 400, REQUIRED),
        ("x" * 4000, 400, TOO_LONG),
        ("a/b", 404, NOT_FOUND),
        ("a//", 404, NOT_FOUND),
        ("a%2Fb", 410, GONE),
        ("%zz", 410, GONE),
        ("%", 410, GONE),
        ("%2e%2e%2fconfig", 410, GONE),
    ],
)
def test_a_strange_path_is_no_fault_of_ours(
    edge: "Edge", tenant: "Tenant", key: str, status: int, expected: object
) -> None:
    headers = [CLOSE, ("x-api-key", tenant.api_key)]
    answer = ask(edge, request("GET", f"{tenant.path}/{key}", headers))
    assert (answer.status, answer.json()) == (status, expected)


@pytest.mark.parametrize("path", [b"/\xff\xfe", b"/a%41\xff", b"/a\0b", b"/ a b"])
def test_bytes_that_no_path_has_are_refused(edge: "Edge", tenant: "Tenant", path: bytes) -> None:
    sent = b"GET " + tenant.path.encode() + path + b" HTTP/1.1\r\nhost: edge\r\nconnection: close\r\n\r\n"
    assert ask(edge, sent).status == 400


@pytest.mark.parametrize("tenant_id", ["x", "", "%00", "'", "%2e%2e", "a" * 4000, "{id}-", "{upper}", "{id}%00"])
def test_a_tenant_id_that_is_none_is_the_documented_refusal(
    edge: "Edge", tenant: "Tenant", tenant_id: str
) -> None:
    tenant_id = tenant_id.replace("{id}", tenant.id).replace("{upper}", tenant.id.upper())
    path = f"/api/v2/{tenant_id}/identity/passcode"
    submitted = post(edge, path, b'{"pass_key":"23456"}')
    assert (submitted.status, submitted.json()) == (400, wrong(tenant_id="The tenant id is invalid."))
    fetched = ask(edge, request("GET", f"{path}/23456", [CLOSE, *tenant.key_header.items()]))
    assert (fetched.status, fetched.json()) == (400, failed("The tenant id is invalid."))
    config = ask(edge, request("GET", f"{path}/config", [CLOSE]))
    assert (config.status, config.json()) == (400, wrong(tenant_id="The selected tenant id is invalid."))


ALLOWED = {
    "/api/v2/login": "POST, OPTIONS",
    "/api/v2/tenant": "POST, OPTIONS",
    "/api/v2/tenant/user": "POST, OPTIONS",
    "/api/v2/tenant/{id}/api_key/refresh": "POST, OPTIONS",
    "/api/v2/{id}/identity/passcode": "POST, OPTIONS",
    "/api/v2/{id}/identity/passcode/config": "GET, POST, PUT, OPTIONS",
    "/api/v2/{id}/identity/passcode/23456": "GET, OPTIONS",
    "/livez": "GET, OPTIONS",
}


@pytest.mark.parametrize(("path", "allowed"), ALLOWED.items())
def test_another_method_is_refused_and_told_which_there_are(
    edge: "Edge", tenant: "Tenant", path: str, allowed: str
) -> None:
    for method in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE"} - {*allowed.split(", ")}:
        answer = ask(edge, request(method, path.format(id=tenant.id), [CLOSE]))
        assert (answer.status, answer.headers["allow"]) == (405, allowed), method


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "DELETE", "OPTIONS", "TRACE"])
@pytest.mark.parametrize("path", ["/api/v2", "/api/v2/login/", "/api/v2/nothing/here", "/api/v1/login", "/", "//"])
def test_a_path_that_there_is_not_is_not_found_by_any_method(edge: "Edge", method: str, path: str) -> None:
    assert ask(edge, request(method, path, [CLOSE])).status == 404


@pytest.mark.parametrize(
    "padding", [[("x-padding", "x" * 1_000_000)], [(f"x-{number}", "") for number in range(100_000)]], ids=len
)
def test_headers_without_end_are_refused(edge: "Edge", padding: list[tuple[str, str]]) -> None:
    """Nobody may fill the memory of a worker before it has looked at a request."""
    with suppress(ConnectionError):  # it may hang up while we are still sending
        assert ask(edge, request("GET", "/livez", [CLOSE, *padding])).status in {400, 431}
