"""What two readers of one request may read differently: then one within it gets past the first of them.

The edge either refuses such a request and hangs up, or reads it by the letter of RFC 9112. What tests/edge has is
not here again: headers that come twice (test_bad_requests.py), strange paths (test_every_route.py), framing as it
should be (test_protocol.py).
"""

import re
import socket
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from tests.edge.sockets import ask, exchange, request

if TYPE_CHECKING:
    from tests.edge.program import Edge
    from tests.edge.tenants import Tenant

CLOSE = ("connection", "close")
LOGIN = b"POST /api/v2/login HTTP/1.1\r\nhost: edge\r\ncontent-type: application/json\r\n"
# The request within, which nobody may answer.
HIDDEN = b"GET /livez HTTP/1.1\r\nhost: hidden\r\nconnection: close\r\n\r\n"
NO_BODY = b"\r\n0\r\n\r\n"
LIVEZ = b"GET /livez HTTP/1.1\r\nhost: edge\r\n"

FRAMED_TWICE = {
    "a length, then chunks": LOGIN + b"content-length: 5\r\ntransfer-encoding: chunked\r\n" + NO_BODY,
    "chunks, then a length": LOGIN + b"transfer-encoding: chunked\r\ncontent-length: 5\r\n" + NO_BODY,
    "two lengths": LOGIN + b"content-length: 0\r\ncontent-length: 57\r\n\r\n",
    "one length twice": LOGIN + b"content-length: 0\r\ncontent-length: 0\r\n\r\n",
    "a list of lengths": LOGIN + b"content-length: 0, 0\r\n\r\n",
    "a signed length": LOGIN + b"content-length: +0\r\n\r\n",
    "a negative length": LOGIN + b"content-length: -1\r\n\r\n",
    "a hexadecimal length": LOGIN + b"content-length: 0x0\r\n\r\n",
    "a length of two words": LOGIN + b"content-length: 0 0\r\n\r\n",
    "a length beyond all numbers": LOGIN + b"content-length: 99999999999999999999\r\n\r\n",
    "a blank before the colon": LOGIN + b"content-length : 0\r\n\r\n",
    "a coding that is none": LOGIN + b"transfer-encoding: xchunked\r\n" + NO_BODY,
    "chunks that are not last": LOGIN + b"transfer-encoding: chunked, identity\r\n" + NO_BODY,
    "another coding only": LOGIN + b"transfer-encoding: identity\r\n" + NO_BODY,
    "two codings in two headers": LOGIN
    + b"transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n"
    + NO_BODY,
    "chunks in chunks": LOGIN + b"transfer-encoding: chunked, chunked\r\n" + NO_BODY,
    "a coding behind a vertical tab": LOGIN + b"transfer-encoding: \x0bchunked\r\n" + NO_BODY,
    "a folded coding": LOGIN + b"transfer-encoding:\r\n chunked\r\n" + NO_BODY,
    "a folded header": LIVEZ + b"x-a: b\r\n c: d\r\n\r\n",
    "a fold after the first line": b"GET /livez HTTP/1.1\r\n host: edge\r\n\r\n",
    "lines that end with LF": b"GET /livez HTTP/1.1\nhost: edge\n\n",
    "one line that ends with LF": LIVEZ + b"x-a: b\nx-c: d\r\n\r\n",
    "one line that ends with CR": LIVEZ + b"x-a: b\rx-c: d\r\n\r\n",
    "a NUL in a header": LIVEZ + b"x-a: b\0c\r\n\r\n",
    "a header without a name": LIVEZ + b": c\r\n\r\n",
    "a blank in a name": LIVEZ + b"x a: c\r\n\r\n",
    "a header without a colon": LIVEZ + b"x-a\r\n\r\n",
    "a chunk size that is none": LOGIN + b"transfer-encoding: chunked\r\n\r\n0x0\r\n\r\n",
    "chunks that end with LF": LOGIN + b"transfer-encoding: chunked\r\n\r\n0\n\n",
    "a chunk extension that ends with LF": LOGIN + b"transfer-encoding: chunked\r\n\r\n2;\n{}\r\n0\r\n\r\n",
    "a chunk beyond all numbers": LOGIN + b"transfer-encoding: chunked\r\n\r\n10000000000000000\r\n",
    "a chunk longer than it says": LOGIN + b"transfer-encoding: chunked\r\n\r\n2\r\n{}xx0\r\n\r\n",
    "a length in the trailer": LOGIN
    + b"transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\ncontent-length: 57\r\n\r\n",
    "another protocol's opening": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a version that there is not": b"GET /livez HTTP/1.2\r\nhost: edge\r\n\r\n",
    "a tunnel": b"CONNECT edge:80 HTTP/1.1\r\nhost: edge\r\n\r\n",
    "a method in small letters": b"get /livez HTTP/1.1\r\nhost: edge\r\n\r\n",
    "a tab for a blank": b"GET\t/livez HTTP/1.1\r\nhost: edge\r\n\r\n",
    "a byte that no path has": b"GET /livez\xff HTTP/1.1\r\nhost: edge\r\n\r\n",
    "TLS where there is none": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
}


def statuses(answers: bytes) -> list[int]:
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", answers)]


@pytest.mark.parametrize("what", FRAMED_TWICE)
def test_what_leaves_open_where_a_request_ends_is_refused_and_hung_up_on(edge: "Edge", what: str) -> None:
    """The request behind it is not answered: to somebody else it may have been a body."""
    assert statuses(exchange(edge, FRAMED_TWICE[what] + HIDDEN)) == [400]


def test_what_is_refused_is_no_failure_of_the_connection(edge: "Edge") -> None:
    """An error with a traceback for every such request would be anybody's way to fill the logs."""
    for sent in FRAMED_TWICE.values():
        exchange(edge, sent + HIDDEN)

    assert not [line for line in edge.log_lines() if line["level"] == "error"]


@pytest.mark.parametrize(
    ("sent", "answered"),
    [
        (LIVEZ + b"content-length: %d\r\n\r\n" % len(HIDDEN) + HIDDEN, [200]),
        (LOGIN + b"transfer-encoding: chunked\r\n\r\n%x\r\n" % len(HIDDEN) + HIDDEN + b"\r\n0\r\n\r\n", [400]),
    ],
    ids=["of GET", "in chunks"],
)
def test_a_body_is_a_body_and_never_the_next_request(edge: "Edge", sent: bytes, answered: list[int]) -> None:
    head, body = sent[: sent.index(HIDDEN)], sent[sent.index(HIDDEN) :]
    with socket.create_connection(edge.address, timeout=10) as connection:
        connection.sendall(head)
        connection.sendall(body)
        told = connection.recv(65536)
        connection.sendall(request("GET", "/no/such/page", [CLOSE]))
        told += b"".join(iter(lambda: connection.recv(65536), b""))

    assert statuses(told) == [*answered, 404]


@pytest.mark.parametrize("framing", [b"content-length: %d" % len(HIDDEN), b"transfer-encoding: chunked"])
@pytest.mark.parametrize("parted", [False, True])
def test_a_body_behind_a_request_for_an_upgrade_is_not_the_next_request(
    edge: "Edge", framing: bytes, *, parted: bool
) -> None:
    """httptools takes the request to be over before its body; so nothing more is read of such a connection."""
    head = LOGIN + b"connection: upgrade\r\nupgrade: h2c\r\n" + framing + b"\r\n\r\n"
    with socket.create_connection(edge.address, timeout=10) as connection:
        if parted:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.sendall(head)
            connection.sendall(HIDDEN)
        else:
            connection.sendall(head + HIDDEN)
        told = b""
        with suppress(ConnectionError):  # it hangs up, and does not read on
            while received := connection.recv(65536):
                told += received

    assert statuses(told) == [400]
    assert b"connection: close\r\n" in told


@pytest.mark.parametrize(
    "last",
    [
        LIVEZ + b"connection: close\r\n\r\n",
        LIVEZ + b"connection: keep-alive, close\r\n\r\n",
        b"GET /livez HTTP/1.0\r\n\r\n",
        b"GET /livez\r\n\r\n",
    ],
)
def test_what_follows_the_last_request_of_a_connection_is_not_answered(edge: "Edge", last: bytes) -> None:
    assert statuses(exchange(edge, last + HIDDEN)) == [200]


def test_nobody_is_switched_to_another_protocol(edge: "Edge") -> None:
    """A proxy that sees 101 would pass on whatever comes next without looking at it."""
    for protocol in ("h2c", "websocket", "TLS/1.0", "x"):
        headers = [("connection", "upgrade"), ("upgrade", protocol), ("http2-settings", "AAMAAABk")]
        with socket.create_connection(edge.address, timeout=10) as connection:
            connection.sendall(request("GET", "/livez", headers))
            assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
            connection.sendall(request("GET", "/livez", [CLOSE]))
            assert statuses(b"".join(iter(lambda: connection.recv(65536), b""))) == [200]


def test_two_hosts_are_one_too_many(edge: "Edge") -> None:
    """RFC 9112 3.2: links in answers are made of it, and proxies choose by it."""
    assert ask(edge, request("GET", "/livez", [CLOSE, ("Host", "other")])).status == 400


@pytest.mark.parametrize(
    "host", ["evil.example/path", "a b", "a\\b", "user@evil.example", "evil.example:80:80", "é"]
)
def test_a_host_that_is_none_is_not_repeated_in_links(edge: "Edge", host: str) -> None:
    sent = request("GET", "/authenticator/v0.1/factors", [CLOSE]).replace(b"host: edge", f"host: {host}".encode())
    answer = ask(edge, sent)

    assert answer.status in {400, 401}
    assert "evil" not in answer.body.decode("latin-1")


@pytest.mark.parametrize(
    "name",
    ["x-http-method-override", "x-http-method", "x-method-override", "_method"],
)
def test_a_method_is_what_the_first_line_says(edge: "Edge", tenant: "Tenant", name: str) -> None:
    assert tenant.submit("23456").status_code == 200
    told = request("POST", tenant.fetch_path("23456"), [CLOSE, *tenant.key_header.items(), (name, "GET")], b"")

    assert ask(edge, told).status == 405
    assert tenant.fetch("23456").status_code == 200


@pytest.mark.parametrize(
    "name", ["x-original-url", "x-rewrite-url", "x-forwarded-uri", "x-forwarded-path", "x-forwarded-prefix"]
)
def test_a_path_is_what_the_first_line_says(edge: "Edge", name: str) -> None:
    assert ask(edge, request("GET", "/no/such/page", [CLOSE, (name, "/livez")])).status == 404


@pytest.mark.parametrize(
    "path",
    [
        "/api/../livez",
        "/api/%2e%2e/livez",
        "/api/.%2e/livez",
        "/./livez",
        "//livez",
        "/livez/",
        "/livez%2F",
        "/livez%00",
        "/livez%c0%80",
        "/livez;a=b",
        "/livez%3b",
        "/%2flivez",
        "/%c0%aflivez",
        "/%e0%80%aflivez",
        "/LIVEZ",
        "/livez%20",
        "/livez%0d%0a",
    ],
)
def test_no_path_is_another_one_by_dots_slashes_or_encodings(edge: "Edge", path: str) -> None:
    """A proxy that lets /livez through and nothing else would be got around."""
    assert ask(edge, request("GET", path, [CLOSE])).status == 404


def test_the_absolute_form_of_a_path_is_the_path(edge: "Edge", tenant: "Tenant") -> None:
    """RFC 9112 3.2.2 wants it served; whatever host it names, it is this one."""
    assert ask(edge, request("GET", "http://other.example/livez", [CLOSE])).status == 200
    tenant.submit("23456")
    absolute = f"http://other.example{tenant.fetch_path('23456')}"
    assert ask(edge, request("GET", absolute, [CLOSE])).status == 401
    assert tenant.fetch("23456").status_code == 200


def test_names_of_headers_are_not_made_of_others(edge: "Edge", tenant: "Tenant") -> None:
    """Gateways of CGI's kind take x_api_key for x-api-key; who strips the one would let the other pass."""
    for name in ("x_api_key", "x.api.key", "http-x-api-key", "x-api-key-"):
        answer = ask(edge, request("GET", tenant.fetch_path("23456"), [CLOSE, (name, tenant.api_key)]))
        assert answer.status == 401


@pytest.mark.parametrize("size", [70_000, 1_000_000])
def test_a_header_without_end_is_refused_before_it_has_come(edge: "Edge", size: int) -> None:
    began = time.monotonic()
    with socket.create_connection(edge.address, timeout=10) as connection:
        connection.sendall(LIVEZ + b"x-a: " + b"b" * min(size, 70_000))
        assert connection.recv(65536).startswith(b"HTTP/1.1 400 ")
    assert time.monotonic() - began < 5
