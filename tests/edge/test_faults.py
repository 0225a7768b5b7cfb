"""Redis and the edge's own processes come and go: what is said then. Under load: tests/faults."""

import signal
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.edge.program import NO_LIMITS, WORKERS, Edge
from tests.edge.tenants import Operator, Tenant
from tests.edge.workers import client_of_each_worker, metric
from tests.engine.kinds import ServerKind
from tests.engine.servers import RedisServer
from tests.faults.history import CUT
from tests.faults.load import Load
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Generator

pytestmark = pytest.mark.one_node

UNAVAILABLE = {"status": "Failed", "message": "The service is temporarily unavailable. Please try again."}
UNKNOWN = {
    "status": "Failed",
    "message": "The request may or may not have been carried out. Please check before trying again.",
}


@pytest.fixture(scope="module")
def redis(server_kind: ServerKind) -> "Generator[RedisServer]":
    """A server that may be killed and finds its data again."""
    with RedisServer(server_kind.binary, "--appendonly", "yes", "--appendfsync", "everysec") as redis:
        yield redis


@pytest.fixture(scope="module")
def edge(redis: RedisServer) -> "Generator[Edge]":
    # The user who may do only what an edge needs does not survive a restart of Redis.
    with Edge(redis, **NO_LIMITS, redis_url=redis.url) as edge:
        yield edge


@pytest.fixture(scope="module")
def http(edge: Edge) -> "Generator[httpx.Client]":
    with httpx.Client(base_url=edge.url) as client:
        yield client


@pytest.fixture(scope="module")
def operator(edge: Edge) -> "Generator[Operator]":
    with Operator(edge) as operator:
        yield operator


@pytest.fixture
def workers(edge: Edge) -> "Generator[list[httpx.Client]]":
    """A client for each, once they have recovered from what an earlier test did to Redis."""
    with client_of_each_worker(edge) as workers:
        wait_until_linked(workers)
        yield workers


@pytest.fixture
def tenant(operator: Operator, http: httpx.Client, workers: list[httpx.Client]) -> Tenant:
    del workers  # are there
    tenant = operator.new_tenant(operator.new_admin(), http)
    assert tenant.configure(pass_key_expires=600).status_code == 200
    return tenant


def beside(edge: Edge, **settings: object) -> Edge:
    """Another edge of the same deployment."""
    return Edge(edge.redis, **NO_LIMITS, redis_url=edge.redis.url, keys=edge.keys, **settings)


@contextmanager
def killed(redis: RedisServer) -> "Generator[None]":
    redis.kill()
    try:
        yield
    finally:
        redis.start()


@contextmanager
def paused(redis: RedisServer) -> "Generator[None]":
    redis.pause()
    try:
        yield
    finally:
        redis.resume()


def wait_until_linked(workers: list[httpx.Client]) -> None:
    """Until each of them serves, as it does when it has noticed that Redis is back."""
    for worker in workers:
        wait_until(lambda worker=worker: worker.get("/readyz").status_code == 200)


def test_readiness_follows_redis_and_liveness_does_not(redis: RedisServer, workers: list[httpx.Client]) -> None:
    with killed(redis):
        for worker in workers:
            wait_until(lambda worker=worker: worker.get("/readyz").status_code == 503)
            assert worker.get("/livez").status_code == 200
    wait_until_linked(workers)


def test_without_redis_an_edge_says_so_in_its_dialect(redis: RedisServer, tenant: Tenant) -> None:
    with killed(redis):
        wait_until(lambda: tenant.submit("23456").json() == UNAVAILABLE)
        login = tenant.http.post("/api/v2/login", json={"email": "a@example.com", "password": "x"})
        answers = [tenant.submit("23456"), tenant.fetch("23456"), tenant.configure(), login]
    for answer in answers:
        assert (answer.status_code, answer.json()) == (503, UNAVAILABLE)
        assert answer.headers["retry-after"] == "1"


def test_what_is_said_not_to_have_been_done_was_not_done(
    redis: RedisServer, tenant: Tenant, workers: list[httpx.Client]
) -> None:
    """Redis comes back to what was sent while it stood still. Who was not sure had to say so."""
    old, new = ([f"{word} {number}" for number in range(10)] for word in ("old", "new"))
    passcodes = [tenant.submit(pass_key).json()["data"]["pass_phrase"] for pass_key in old]
    with ThreadPoolExecutor(20) as pool:
        with paused(redis):
            answers = [*pool.map(tenant.fetch, old), *pool.map(tenant.submit, new)]
        assert {answer.status_code for answer in answers} == {503}
        assert all(answer.json() in (UNAVAILABLE, UNKNOWN) for answer in answers)
    fetched, submitted = answers[:10], answers[10:]
    wait_until_linked(workers)
    for pass_key, passcode, answer in zip(old, passcodes, fetched, strict=True):
        if answer.json() == UNAVAILABLE:
            assert tenant.fetch(pass_key).json()["pass_phrase"] == passcode
    for pass_key, answer in zip(new, submitted, strict=True):
        if answer.json() == UNAVAILABLE:
            assert tenant.fetch(pass_key).status_code == 410


def test_requests_in_flight_are_finished_when_the_edge_leaves(
    redis: RedisServer, edge: Edge, tenant: Tenant
) -> None:
    """They wait for a Redis that stands still until every worker has begun to leave."""
    with (
        beside(edge, call_deadline_ms=20_000) as leaving,
        httpx.Client(base_url=leaving.url) as http,
        ThreadPoolExecutor(20) as pool,
    ):
        with paused(redis):
            answers = [pool.submit(tenant.through(http).submit, f"{number}") for number in range(20)]
            wait_until(lambda: metric(http, "watchword_link_in_flight") == len(answers), within=10)
            leaving.terminate()
            wait_until(lambda: leaving.log.read_text().count("Shutting down") == WORKERS, within=10)
        assert [answer.result().status_code for answer in answers] == [200] * len(answers)
        leaving.stop()


def test_an_edge_under_load_is_unready_serves_on_and_leaves_in_good_order(edge: Edge, tenant: Tenant) -> None:
    """A client that comes too late finds a closed connection: never half an answer, never an error of ours."""
    with beside(edge, drain_seconds=300) as leaving:
        with Load(leaving, tenant) as load, client_of_each_worker(leaving) as workers:
            history = load.history
            wait_until(lambda: history.count(200) > 100)
            leaving.terminate()
            for worker in workers:
                wait_until(lambda worker=worker: worker.get("/readyz").status_code == 503)
            unready = time.monotonic()
            assert [worker.get("/livez").status_code for worker in workers] == [200, 200]
            wait_until(lambda: history.count(200, since=unready) > 100)
            leaving.terminate()  # a second time: at once
            leaving.stop()
        assert {one.status for one in history.operations} <= {CUT, 200, 410}
        with httpx.Client(base_url=leaving.url) as late, pytest.raises(httpx.ConnectError):
            late.get("/livez")


@pytest.mark.parametrize("number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.thorough)])
def test_an_edge_that_is_told_once_leaves_in_its_time(edge: Edge, number: signal.Signals) -> None:
    with beside(edge, drain_seconds=1) as leaving:
        began = time.monotonic()
        leaving.terminate(number)
        leaving.stop()
    assert time.monotonic() - began > (1 if number is signal.SIGTERM else 0)
