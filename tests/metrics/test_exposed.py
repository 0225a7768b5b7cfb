"""What a running edge tells Prometheus: the documented metrics and no others, counted as things happen."""

import re
import socket
from typing import TYPE_CHECKING

from tests.edge.program import WORKERS
from tests.metrics.scraped import ROOT
from tests.waiting import wait_until

if TYPE_CHECKING:
    from tests.metrics.conftest import Walked

SUBMIT = {"route": "/api/v2/{tenant_id}/identity/passcode", "method": "POST"}
FETCH = {"route": "/api/v2/{tenant_id}/identity/passcode/{key}", "method": "GET"}
LEAST_BUCKET = "0.0005"

_ROW = re.compile(r"^\| `(watchword_\w+)` \|([^|]*)\|", re.MULTILINE)
_LABEL_OF_BUCKETS = "le"


def documented() -> dict[str, set[str]]:
    """The table of docs/operations.md: labels by metric."""
    text = (ROOT / "docs/operations.md").read_text("utf-8")
    return {name: set(re.findall(r"`(\w+)`", labels)) for name, labels in _ROW.findall(text)}


def test_what_is_exposed_is_what_is_documented(walked: "Walked") -> None:
    exposed: dict[str, set[str]] = {}
    for name, labels in walked.scrape().labels.items():
        metric = re.sub(r"_(bucket|sum|count)$", "", name)
        exposed.setdefault(metric, set()).update(labels - {_LABEL_OF_BUCKETS})
    assert exposed == documented()


def test_names_have_the_prefix_and_end_in_what_they_are(walked: "Walked") -> None:
    for name, kind in walked.scrape().families.items():
        assert name.startswith("watchword_")
        if kind == "histogram":
            assert name.endswith("_seconds")


def test_histograms_begin_at_half_a_millisecond(walked: "Walked") -> None:
    least: dict[str, str] = {}
    for sample in walked.scrape().samples:
        if sample.name.endswith("_bucket"):
            least.setdefault(sample.name, sample.labels["le"])
    assert len(least) == 4
    assert set(least.values()) == {LEAST_BUCKET}


def test_what_becomes_of_passcodes_is_counted(walked: "Walked") -> None:
    tenant = walked.tenant()
    expected = {"submitted": 1, "taken": 2, "fetched": 1, "gone": 3}
    grown = {event: walked.grown("watchword_passcodes_total", event=event) for event in expected}
    for _ in range(3):
        tenant.submit("1")
    for _ in range(4):
        tenant.fetch("1")
    wait_until(lambda: {event: how_much() for event, how_much in grown.items()} == expected)


def test_requests_are_counted_and_timed_by_their_outcome(walked: "Walked") -> None:
    tenant = walked.tenant()
    names = ("watchword_requests_total", "watchword_request_seconds_count")
    grown = [
        (walked.grown(name, **route, outcome=outcome), sent)
        for name in names
        for route, outcome, sent in ((SUBMIT, "ok", 3), (SUBMIT, "invalid", 2), (FETCH, "unauthenticated", 1))
    ]
    for number in range(3):
        tenant.submit(f"{number}")
    for _ in range(2):
        tenant.submit("")
    tenant.http.get(tenant.fetch_path("1"), headers={"x-api-key": "wrong"})
    for how_much, sent in grown:
        wait_until(lambda how_much=how_much, sent=sent: how_much() == sent)


def test_the_first_request_that_breaks_finds_a_zero_to_grow_from(walked: "Walked") -> None:
    broken = {
        (sample.labels["route"], sample.labels["method"]): sample.value
        for sample in walked.scrape().samples
        if sample.labels.get("outcome") == "broken"
    }
    for route in (SUBMIT, FETCH):
        assert broken[route["route"], route["method"]] == 0


def test_a_request_is_in_flight_until_it_is_answered(walked: "Walked") -> None:
    tenant = walked.tenant()

    def in_flight() -> float:
        return walked.scrape().total("watchword_requests_in_flight", **SUBMIT)

    head, _, body = tenant.submit_request("1").partition(b"\r\n\r\n")
    with socket.create_connection(walked.edge.address, timeout=10) as connection:
        connection.sendall(head + b"\r\n\r\n")  # its body is still to come
        wait_until(lambda: in_flight() == 1)
        connection.sendall(body)
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")
    wait_until(lambda: in_flight() == 0)


def test_a_limit_that_is_exhausted_is_known_without_asking_redis(walked: "Walked") -> None:
    tenant = walked.tenant(fetch_limit=1)
    decisions = {
        (decision, by): walked.grown("watchword_limit_decisions_total", policy="api-key", decision=decision, by=by)
        for decision in ("allowed", "refused")
        for by in ("redis", "worker")
    }
    statuses = [tenant.fetch("1").status_code for _ in range(20)]
    assert set(statuses) == {410, 429}  # by one connection, so by one worker

    def counted(decision: str) -> float:
        return decisions[decision, "redis"]() + decisions[decision, "worker"]()

    wait_until(lambda: counted("refused") == statuses.count(429))
    wait_until(lambda: counted("allowed") == statuses.count(410))
    assert decisions["refused", "worker"]() > decisions["refused", "redis"]() > 0


def test_a_tenant_is_read_once_and_again_after_it_was_written(walked: "Walked") -> None:
    tenant = walked.tenant(fetch_limit=0)
    hits, misses, reads, invalidations = (
        walked.grown(f"watchword_tenant_cache_{name}_total")
        for name in ("hits", "misses", "reads", "invalidations")
    )
    for _ in range(10):
        tenant.fetch("1")
    wait_until(lambda: hits() == 9)
    assert (misses(), reads()) == (1, 1)
    walked.operator.change(tenant, country_code=1)
    wait_until(lambda: invalidations() == 1)
    tenant.fetch("1")
    wait_until(lambda: (misses(), reads()) == (2, 2))


def test_every_worker_says_who_answers_and_how_fast(walked: "Walked") -> None:
    scrape = walked.scrape()
    assert scrape.total("watchword_workers") == WORKERS
    assert scrape.total("watchword_link_up") == WORKERS
    version: str = walked.edge.redis.command("INFO", "server")["redis_version"]
    named = [sample.labels for sample in scrape.samples if sample.name == "watchword_redis_info"]
    assert [labels["version"] for labels in named] == [version]
    round_trips = walked.grown("watchword_link_round_trip_seconds_count")
    wakings = walked.grown("watchword_event_loop_lag_seconds_count")
    wait_until(lambda: round_trips() >= WORKERS and wakings() >= WORKERS)
