"""What couriers tell Prometheus: the one of the parent beside what its workers tell, and one that is by itself."""

import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.courier.receiver import Receiver, status
from tests.edge.apps import App, new_app
from tests.edge.program import NO_LIMITS, WORKERS, Edge
from tests.edge.stored import names
from tests.edge.tenants import Operator
from tests.edge.test_callbacks import calling_back, ended
from tests.engine.servers import RedisServer, free_port, server_binaries
from tests.metrics.scraped import Scrape
from tests.waiting import wait_until

if TYPE_CHECKING:
    from tests.metrics.conftest import Walked

# A courier looks at the backlog every five seconds.
BACKLOG_SECONDS = 10


@pytest.fixture
def receiver() -> Generator[Receiver]:
    with Receiver() as receiver:
        receiver.behave("/hook", status(204))
        yield receiver


@contextmanager
def edge_of_its_own(receiver: Receiver, **settings: object) -> Generator[tuple[Edge, App]]:
    """An edge whose couriers may call this machine, and an app that is called back."""
    with (
        RedisServer(server_binaries()[0]) as redis,
        Edge(redis, **NO_LIMITS | {"callback_networks": "127.0.0.0/8"} | settings) as edge,
        Operator(edge) as operator,
        httpx.Client(base_url=edge.url) as http,
    ):
        app = new_app(operator, operator.new_tenant(operator.new_admin(), http))
        yield edge, calling_back(app, receiver.url("/hook"))


def delivered(url: str) -> float:
    return Scrape.of(url).total("watchword_deliveries_total", end="delivered")


def test_the_courier_of_the_parent_is_counted_on_the_parent_s_own_port(walked: "Walked") -> None:
    app = calling_back(new_app(walked.operator, walked.tenant()), "http://127.0.0.1:1/hook")
    attempts, puts_off, seconds = (
        walked.grown("watchword_delivery_attempts_total", outcome="forbidden"),
        walked.grown("watchword_deliveries_total", end="retry"),
        walked.grown("watchword_delivery_seconds_count"),
    )
    waiting = walked.grown("watchword_outbox_waiting")
    ended(app, right=True)
    wait_until(lambda: (attempts(), puts_off(), seconds()) == (1, 1, 1))
    wait_until(lambda: waiting() == 1, within=BACKLOG_SECONDS)
    assert walked.scrape().total("watchword_couriers") == 1


def test_ends_of_challenges_are_counted_each_once(walked: "Walked") -> None:
    app = new_app(walked.operator, walked.tenant())
    ends = {end: walked.grown(f"watchword_challenges_{end}_total") for end in ("verified", "failed", "expired")}
    opened = walked.grown("watchword_challenges_opened_total")
    ended(app, right=True)
    ended(app, right=False)
    app.challenge(app.active_factor())
    let_time_run_out(walked.edge)
    wait_until(lambda: {end: how_many() for end, how_many in ends.items()} == dict.fromkeys(ends, 1))
    wait_until(lambda: opened() == 3)


def let_time_run_out(edge: Edge) -> None:
    """Move the end of all challenges that are open into the past, as the clock of Redis would have done."""
    for key in names(edge.redis, "challenge"):
        edge.redis.command("HSET", key, "expires_ms", 1)
    for key in names(edge.redis, "due"):
        for member in edge.redis.command("ZRANGE", key, 0, -1):
            edge.redis.command("ZADD", key, 1, member)


def test_workers_tell_of_the_parent_s_courier_and_a_killed_one_takes_nothing_of_it_along(
    receiver: Receiver,
) -> None:
    with edge_of_its_own(receiver) as (edge, app):
        ended(app, right=True)
        wait_until(lambda: delivered(edge.url) == 1)
        edge.workers()[0].send_signal(signal.SIGKILL)
        wait_until(lambda: Scrape.of(edge.url).total("watchword_worker_starts_total") == WORKERS + 1, within=15)
        wait_until(lambda: Scrape.of(edge.url).total("watchword_workers") == WORKERS, within=15)
        assert delivered(edge.url) == Scrape.of(edge.url).total("watchword_couriers") == 1
        ended(app, right=False)
        wait_until(lambda: delivered(edge.url) == 2)


def test_a_courier_by_itself_has_a_port_of_its_own(receiver: Receiver) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with edge_of_its_own(receiver, courier="off", workers=1) as (edge, app):
        assert not [name for name in Scrape.of(edge.url).labels if "courier" in name or "deliver" in name]
        courier = edge.start("courier", "--metrics-port", str(port))
        wait_until(lambda: couriers(url) == 1, within=10)
        ended(app, right=True)
        wait_until(lambda: delivered(url) == 1)
        assert Scrape.of(url).total("watchword_build_info") == 1
        assert httpx.get(f"{url}/livez").text == "ok\n"
        courier.terminate()
        assert courier.wait(timeout=10) == 0


def couriers(url: str) -> float:
    """How many say that they work; none while nobody answers."""
    try:
        return Scrape.of(url).total("watchword_couriers")
    except httpx.TransportError:
        return 0


@pytest.mark.thorough
def test_a_courier_that_redis_does_not_answer_does_not_count(receiver: Receiver) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with edge_of_its_own(receiver, metrics_port=port, workers=1) as (edge, _):
        wait_until(lambda: couriers(url) == 1)
        edge.redis.pause()
        wait_until(lambda: couriers(url) == 0, within=BACKLOG_SECONDS)
        edge.redis.resume()
        wait_until(lambda: couriers(url) == 1, within=BACKLOG_SECONDS)


def test_the_bound_on_the_calls_of_workers_is_none_of_couriers(receiver: Receiver) -> None:
    with edge_of_its_own(receiver, max_in_flight=8, workers=1) as (edge, app):
        ended(app, right=True)
        wait_until(lambda: delivered(edge.url) == 1)
        wait_until(lambda: couriers(edge.url) == 1)


def test_nothing_that_starts_processes_imports_prometheus_client_before_its_directory_is_set() -> None:
    """It looks for the directory when it is imported."""
    look = "import sys, watchword.cli; print('prometheus_client' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True).stdout == (
        "False\n"
    )
