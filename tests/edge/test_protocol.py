"""HTTP/1 as it is framed: what connections carry before, between and after answers (RFC 9112)."""

import re
import socket
import time
from contextlib import asynccontextmanager
from threading import Thread
from typing import TYPE_CHECKING

import httpx
import pytest
import uvicorn

from bench.floor import app as floor
from edge.app import create_app
from edge.metrics import Metrics
from tests.edge.sockets import exchange, request
from tests.waiting import wait_until
from watchword.protocol import EdgeHttpProtocol

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from engine.assembly import Engine
    from tests.edge.program import Edge
    from tests.edge.tenants import Tenant

CLOSE = ("connection", "close")
PATIENCE_SECONDS = 10


def statuses(answers: bytes) -> list[int]:
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", answers)]


def test_requests_sent_in_one_go_are_answered_in_order(edge: "Edge", tenant: "Tenant") -> None:
    submits = [tenant.submit_request(pass_key) for pass_key in ("12345", "12345", "12346")]
    sent = b"".join(submits) + request("GET", "/livez") + request("GET", "/no/such/page", [CLOSE])

    assert statuses(exchange(edge, sent)) == [200, 409, 200, 200, 404]


def test_the_answer_to_head_has_no_body(edge: "Edge") -> None:
    head, _, body = exchange(edge, request("HEAD", "/api/v2/login", [CLOSE])).partition(b"\r\n\r\n")

    assert head.startswith(b"HTTP/1.1 405 ")
    assert re.search(rb"content-length: [1-9]", head)
    assert body == b""


def test_a_client_of_http_1_0_is_answered_and_hung_up_on(edge: "Edge") -> None:
    answer = exchange(edge, b"GET /livez HTTP/1.0\r\n\r\n")

    assert statuses(answer) == [200]
    assert answer.count(b"\r\nconnection: close\r\n") == 1


def test_who_asks_to_close_is_told_so(edge: "Edge") -> None:
    assert b"\r\nconnection: close\r\n" in exchange(edge, request("GET", "/livez", [CLOSE]))


def test_a_client_that_waits_to_be_asked_for_its_body_is_asked(edge: "Edge", tenant: "Tenant") -> None:
    answers = exchange(edge, tenant.submit_request("12345", expect="100-continue", connection="close"))

    assert statuses(answers) == [100, 200]


def test_an_answer_that_needs_no_body_does_not_ask_for_it(edge: "Edge") -> None:
    headers = [("expect", "100-continue"), ("content-length", "5"), CLOSE]

    assert statuses(exchange(edge, request("POST", "/livez", headers))) == [405]


def test_a_body_that_is_refused_is_read_to_its_end_all_the_same(edge: "Edge") -> None:
    """Otherwise its client would take what follows for the answer to its next request."""
    body = b"x" * 2**20
    sent = request("POST", "/api/v2/login", [("content-type", "application/json")], body)

    assert statuses(exchange(edge, sent + request("GET", "/livez", [CLOSE]))) == [413, 200]


def test_every_answer_is_dated(edge: "Edge") -> None:
    assert re.search(rb"\r\ndate: \w{3}, \d\d \w{3} \d{4} ", exchange(edge, request("GET", "/livez", [CLOSE])))


@asynccontextmanager
async def no_engine() -> "AsyncGenerator[Engine]":
    raise AssertionError
    yield


@pytest.mark.anyio
async def test_servers_without_our_extension_get_the_messages_of_asgi() -> None:
    app = create_app(no_engine, metrics=Metrics(None, password_threads=1, max_requests=1))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://edge") as client:
        answer = await client.get("/livez")

    assert answer.status_code == 200
    assert int(answer.headers["content-length"]) == len(answer.content) > 0


def test_an_idle_connection_is_closed_after_its_time_and_no_sooner() -> None:
    """The real server, with less patience than it is deployed with."""
    config = uvicorn.Config(
        floor, port=0, loop="uvloop", http=EdgeHttpProtocol, timeout_keep_alive=1, log_config=None, lifespan="off"
    )
    server = uvicorn.Server(config)
    thread = Thread(target=server.run)
    thread.start()
    try:
        wait_until(lambda: server.started)
        address = server.servers[0].sockets[0].getsockname()
        with socket.create_connection(address, timeout=PATIENCE_SECONDS) as connection:
            connection.sendall(request("GET", "/"))
            assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
            answered = time.monotonic()
            assert connection.recv(65536) == b""
            assert time.monotonic() - answered > 1
    finally:
        server.should_exit = True
        thread.join()
