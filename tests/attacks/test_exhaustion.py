"""Too much of anything: connections, bytes, time, and what unfolds when it is read. Others are served meanwhile.

One of each by itself is in tests/edge: test_slow.py, and test_bad_requests.py for headers without end.
"""

import socket
import time
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

import httpx
import psutil
import pytest

from tests.attacks.houses import FORM, JSON, House, build
from tests.attacks.inputs import MOST, WORST
from tests.edge.consoles import SAME_SITE
from tests.edge.declared import Called, every_path
from tests.edge.program import NO_LIMITS, Edge
from tests.edge.sockets import Answer, ask, exchange, request
from tests.edge.tenants import fresh
from tests.waiting import wait_until
from watchword.protocol import MAX_PIPELINED

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from tests.edge.tenants import Operator, Tenant

CLOSE = ("connection", "close")
CONNECTIONS = 150
FEW = 4
SERVED_SECONDS = 5.0  # on a machine that does other things besides; as a rule it takes milliseconds
MEGABYTE = 1024 * 1024
HALF_A_HEAD = b"GET /livez HTTP/1.1\r\nhost: edge\r\nx-a: "
HALF_A_BODY = request("POST", "/api/v2/login", [("content-type", JSON), ("content-length", "100")])
BODIES = [
    (called, method, call.credentials[0].name if call.credentials and call.credentials[0] else None)
    for called in every_path()
    for method, call in called.route.methods.items()
    if call.body is not None and called.path == called.surface.prefix + called.route.path
]


@pytest.fixture(scope="module")
def house(operator: "Operator", http: "httpx.Client") -> House:
    return build(operator, operator.new_admin(), http)


@pytest.fixture
def halves(edge: "Edge") -> "Generator[list[socket.socket]]":
    """Connections that have begun a request and do not end it: a third has said nothing yet."""
    with ExitStack() as stack:
        opened = [
            stack.enter_context(socket.create_connection(edge.address, timeout=20)) for _ in range(CONNECTIONS)
        ]
        for number, connection in enumerate(opened):
            connection.sendall((b"", HALF_A_HEAD, HALF_A_BODY)[number % 3])
        yield opened


def assert_served(tenant: "Tenant") -> None:
    """A customer and an agent, within their time."""
    key = fresh("key")
    began = time.monotonic()
    statuses = [tenant.submit(key).status_code, tenant.fetch(key).status_code]
    assert statuses == [200, 200]
    assert time.monotonic() - began < SERVED_SECONDS


def test_others_are_served_beside_connections_that_say_nothing_or_half_of_something(
    halves: list[socket.socket], tenant: "Tenant"
) -> None:
    for _ in range(20):
        for connection in halves[1::3]:
            with suppress(OSError):  # on a busy machine their time may be up
                connection.sendall(b"b")
        assert_served(tenant)


@pytest.mark.thorough
def test_a_byte_now_and_then_holds_no_connection_open(halves: list[socket.socket], tenant: "Tenant") -> None:
    """The time runs from the first byte of a head or a body, and not from the last one."""
    began = time.monotonic()
    alive = set(halves)

    def trickle() -> bool:
        for place, connection in enumerate(halves):
            if place % 3 and connection in alive and not _is_open(connection):
                alive.discard(connection)
        assert_served(tenant)
        return not any(connection in alive for place, connection in enumerate(halves) if place % 3)

    wait_until(trickle, within=30)
    assert time.monotonic() - began < 20


def _is_open(connection: socket.socket) -> bool:
    """Send a byte more, and see whether anybody is there."""
    try:
        connection.sendall(b"b")
        connection.settimeout(0.001)
        return connection.recv(1, socket.MSG_PEEK) == b"never"
    except TimeoutError:
        return True
    except OSError:
        return False


@pytest.fixture(scope="module")
def small(edge: "Edge") -> "Generator[Edge]":
    """An edge of the same deployment that has few requests under way at one time."""
    with Edge(edge.redis, **NO_LIMITS, keys=edge.keys, workers=1, max_requests=FEW, courier="off") as small:
        yield small


@pytest.mark.parametrize(
    "begun", [HALF_A_BODY, request("GET", "/openapi.json") * MAX_PIPELINED], ids=["send no body", "take no answer"]
)
def test_clients_that_the_edge_would_have_to_wait_for_have_no_place_among_requests_under_way(
    small: "Edge", tenant: "Tenant", begun: bytes
) -> None:
    """Or as many of them as there are places would keep everybody else out."""
    with ExitStack() as stack, httpx.Client(base_url=small.url) as client:
        for _ in range(5 * FEW):
            connection = stack.enter_context(socket.socket())
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.connect(small.address)
            connection.sendall(begun)
        for _ in range(20):
            assert_served(tenant.through(client))


@pytest.mark.thorough
def test_who_takes_no_answer_is_hung_up_on(small: "Edge") -> None:
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(small.address)
        connection.sendall(request("GET", "/openapi.json") * MAX_PIPELINED)
        (worker,) = small.workers()
        wait_until(lambda: len(established(worker)) == 1)
        wait_until(lambda: not established(worker), within=20)


def established(worker: psutil.Process) -> list[object]:
    return [one for one in worker.net_connections() if one.status == psutil.CONN_ESTABLISHED and one.raddr]


def resident(edge: "Edge") -> int:
    return sum(worker.memory_info().rss for worker in edge.workers())


def test_who_asks_without_end_and_reads_nothing_fills_no_memory(edge: "Edge", tenant: "Tenant") -> None:
    """A request of 40 bytes is two kilobytes when it is read: so no more than some wait for their turn."""
    before = resident(edge)
    with ExitStack() as stack:
        for _ in range(20):
            connection = stack.enter_context(socket.create_connection(edge.address, timeout=1))
            with suppress(OSError):  # it hangs up meanwhile
                connection.sendall(request("GET", "/openapi.json") * 5000)
        assert_served(tenant)
        assert resident(edge) - before < 16 * MEGABYTE


def test_as_many_requests_as_may_wait_are_answered(edge: "Edge") -> None:
    sent = request("GET", "/livez") * MAX_PIPELINED + request("GET", "/no/such/page", [CLOSE])
    answers = exchange(edge, sent)

    assert answers.count(b"HTTP/1.1 200 OK\r\n") == MAX_PIPELINED
    assert answers.count(b"HTTP/1.1 404 Not Found\r\n") == 1


def test_a_body_that_is_announced_as_huge_is_refused_before_it_comes(edge: "Edge", tenant: "Tenant") -> None:
    headers = [CLOSE, ("content-type", JSON), ("content-length", str(10**12)), ("expect", "100-continue")]
    with socket.create_connection(edge.address, timeout=10) as connection:
        connection.sendall(request("POST", tenant.path, headers))
        assert connection.recv(65536).startswith(b"HTTP/1.1 413 ")


def test_chunks_without_end_are_refused(edge: "Edge", tenant: "Tenant") -> None:
    headers = [("content-type", JSON), ("transfer-encoding", "chunked")]
    chunk = b"2000\r\n" + b" " * 0x2000 + b"\r\n"
    with socket.create_connection(edge.address, timeout=10) as connection:
        connection.sendall(request("POST", tenant.path, headers))
        with suppress(OSError):
            for _ in range(4 * MEGABYTE // len(chunk)):
                connection.sendall(chunk)
        with suppress(ConnectionError):
            assert connection.recv(65536).startswith(b"HTTP/1.1 413 ")
    assert_served(tenant)


@pytest.mark.parametrize(
    ("called", "method", "credential"), BODIES, ids=[f"{way[1]} {way[0].path}" for way in BODIES]
)
def test_a_body_that_unfolds_costs_no_more_than_any_other(
    edge: "Edge", house: House, operator: "Operator", called: Called, method: str, credential: str | None
) -> None:
    """Nesting, numbers, escapes, repeated names, other encodings: up to the largest body that is read."""
    headers = dict(house.credentials.get(credential, {})) if credential else {}
    if credential == "operatorSession":
        headers = {"cookie": f"watchword-console={operator.new_operator().token}", **SAME_SITE}
    for content in WORST:
        began = time.monotonic()
        answer = send(edge, house, called, method, headers, content[:MOST])
        assert answer.status < 500, content[:40]
        assert time.monotonic() - began < SERVED_SECONDS, content[:40]


def send(
    edge: "Edge", house: House, called: Called, method: str, headers: "Mapping[str, str]", content: bytes
) -> Answer:
    kind = ("content-type", FORM if called.is_form else JSON)
    return ask(edge, request(method, called.path.format(**house.ids), [CLOSE, kind, *headers.items()], content))
