"""A real Prometheus scrapes a real edge of two workers, one is killed: no count goes back or is made up."""

import signal
import time
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.edge.program import WORKERS
from tests.faults.history import CUT
from tests.faults.load import Load
from tests.metrics.prometheus import Prometheus
from tests.metrics.test_dashboard import QUERIES
from tests.metrics.test_rules import ALERTS, RULES
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Generator

    from tests.edge.program import Edge
    from tests.edge.tenants import Tenant
    from tests.metrics.conftest import Walked

COUNTED = 'sum(watchword_requests_total{route=~".*/passcode.*"})'
TIMED = 'sum(watchword_request_seconds_count{route=~".*/passcode.*"})'
NEVER_LESS = (
    "watchword_requests_total",
    "watchword_request_seconds_bucket",
    "watchword_passcodes_total",
    "watchword_link_calls_total",
    "watchword_cpu_seconds_total",
)
# A worker hands over what it counted once a second; the rest is for a busy machine.
UNCOUNTED_SECONDS = 1.5


@pytest.fixture(scope="module")
def prometheus(walked: "Walked") -> "Generator[Prometheus]":
    with Prometheus(walked.metrics_url.removeprefix("http://"), RULES) as prometheus:
        yield prometheus


@pytest.fixture
def tenant(walked: "Walked") -> "Tenant":
    return walked.tenant(submit_limit=0, fetch_limit=0)


def settled(prometheus: Prometheus) -> float:
    """How many submits and fetches are counted, once every worker has handed over what it had counted till now."""
    wakings = prometheus.value("watchword_event_loop_lag_seconds_count") or 0
    wait_until(
        lambda: (prometheus.value("watchword_event_loop_lag_seconds_count") or 0) >= wakings + 2 * WORKERS,
        within=20,
    )
    counted = prometheus.value(COUNTED) or 0
    assert counted == (prometheus.value(TIMED) or 0)
    return counted


def kill_one(edge: "Edge", prometheus: Prometheus) -> float:
    """Kill a worker as the kernel does, and wait until another serves in its stead; return when it was."""
    starts = prometheus.value("watchword_worker_starts_total") or 0
    victim = edge.workers()[0]
    killed = time.monotonic()
    victim.send_signal(signal.SIGKILL)
    wait_until(lambda: prometheus.value("watchword_worker_starts_total") == starts + 1, within=15)
    wait_until(lambda: prometheus.value("watchword_workers") == WORKERS, within=15)
    return killed


def test_what_was_counted_before_a_worker_is_killed_is_counted_once_after(
    walked: "Walked", tenant: "Tenant", prometheus: Prometheus
) -> None:
    before = settled(prometheus)
    for number in range(20):
        with httpx.Client(base_url=walked.edge.url) as http:  # a connection each, so that both workers get some
            tenant.through(http).submit(f"{number}")
    wait_until(lambda: prometheus.value(COUNTED) == before + 20)
    kill_one(walked.edge, prometheus)
    assert prometheus.value(COUNTED) == prometheus.value(TIMED) == before + 20
    with httpx.Client(base_url=walked.edge.url) as http:
        tenant.through(http).submit("after")
    wait_until(lambda: prometheus.value(COUNTED) == before + 21)


@pytest.mark.thorough
def test_a_killed_worker_takes_no_more_than_its_last_second_of_counts_with_it(
    walked: "Walked", tenant: "Tenant", prometheus: Prometheus
) -> None:
    before = settled(prometheus)
    with Load(walked.edge, tenant) as load:
        history = load.history
        began = time.monotonic()
        wait_until(lambda: time.monotonic() - began > UNCOUNTED_SECONDS and history.count(200) > 200, within=20)
        killed = kill_one(walked.edge, prometheus)
        replaced = time.monotonic()
        wait_until(lambda: history.count(200, since=replaced) > 200, within=20)
    answered = sum(one.status > CUT for one in history.operations)
    last = sum(killed - UNCOUNTED_SECONDS < one.answered < killed for one in history.operations)
    unanswered = len(history.operations) - answered
    assert last < answered
    counted = settled(prometheus) - before
    assert answered - last <= counted <= answered + unanswered
    for name in NEVER_LESS:
        assert prometheus.value(f"sum(resets({name}[10m]))") == 0, name


def test_prometheus_understands_every_query_of_the_dashboard(prometheus: Prometheus) -> None:
    wait_until(lambda: prometheus.value("watchword_workers") == WORKERS)
    for query in QUERIES:
        chosen = query.replace("$job", ".*").replace("$instance", ".*").replace("$__rate_interval", "1m")
        prometheus.query(chosen)


def test_prometheus_evaluates_every_alert(prometheus: Prometheus) -> None:
    def health() -> dict[str, str]:
        return {rule["name"]: rule["health"] for rule in prometheus.rules()}

    wait_until(lambda: health() == {alert.name: "ok" for alert in ALERTS})
