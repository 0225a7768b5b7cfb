"""What an operator sees of a running edge: health, metrics, logs, and the headers of every answer."""

import re
from typing import TYPE_CHECKING

import pytest

from tests.edge.program import WORKERS, Edge
from tests.edge.sockets import worker_of
from tests.edge.stored import break_value, names
from tests.edge.tenants import fresh
from tests.edge.workers import metric
from tests.waiting import wait_until

if TYPE_CHECKING:
    import httpx

    from tests.edge.tenants import Tenant

BROKEN = {"status": "Failed", "message": "Something went wrong. Please contact Administrator"}
SUBMITS = "/api/v2/{tenant_id}/identity/passcode"


def test_every_worker_is_alive_and_ready(each_worker: "list[httpx.Client]") -> None:
    for worker in each_worker:
        assert worker.get("/livez").status_code == 200
        assert worker.get("/readyz").status_code == 200


def test_requests_are_counted_over_all_workers(tenant: "Tenant", each_worker: "list[httpx.Client]") -> None:
    workers = [tenant.through(client) for client in each_worker]

    def counted(outcome: str) -> list[float]:
        labels = {"route": SUBMITS, "method": "POST", "outcome": outcome}
        return [metric(client, "watchword_requests_total", **labels) for client in each_worker]

    def timed() -> float:
        return metric(each_worker[0], "watchword_request_seconds_count", route=SUBMITS, method="POST")

    began, seconds_began = {name: counted(name)[-1] for name in ("ok", "pass_key_taken", "invalid")}, timed()
    for number in range(10):
        for worker in workers:
            worker.submit(f"{number}")  # of each pair one is taken
            worker.submit("")
    for name, sent in (("ok", 10), ("pass_key_taken", 10), ("invalid", 20)):
        wait_until(lambda name=name, sent=sent: counted(name) == [began[name] + sent] * WORKERS)
    wait_until(lambda: timed() - seconds_began == 40)


def test_metrics_are_prometheus_text_and_say_what_runs(http: "httpx.Client") -> None:
    answer = http.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert metric(http, "watchword_build_info") == 1
    assert metric(http, "watchword_link_calls_total") > 0
    wait_until(lambda: metric(http, "watchword_link_up") == WORKERS)


def test_labels_are_of_a_bounded_set_whatever_is_asked(http: "httpx.Client", tenant: "Tenant") -> None:
    probe = "label" + fresh("probe").replace(" ", "")
    http.get(f"/{probe}")
    http.request("PATCH", f"/api/v2/{probe}")
    http.get(f"/api/v2/{probe}/identity/passcode/config", headers={"origin": f"https://{probe}.example"})
    tenant.fetch(probe)
    tenant.submit(probe)
    text = http.get("/metrics").text
    assert probe not in text
    assert tenant.id not in text


@pytest.mark.parametrize("given", ["a", "0d9c8f2e-7280-11ea", "A.b_c-9", "x" * 128])
def test_a_well_formed_request_id_is_echoed(tenant: "Tenant", given: str) -> None:
    headers = {"x-request-id": given}
    for answer in (tenant.fetch("23456", headers=headers), tenant.http.get("/livez", headers=headers)):
        assert answer.headers["x-request-id"] == given


@pytest.mark.parametrize("given", ["", "two words", "x" * 129, '{"a":1}', "ü", "a;b"])
def test_another_request_id_is_replaced(http: "httpx.Client", given: str) -> None:
    told = http.get("/livez", headers={"x-request-id": given.encode()}).headers["x-request-id"]  # pyright: ignore
    assert re.fullmatch(r"[0-9a-f]+-[0-9a-f]+", told)


def test_request_ids_are_unique_over_workers(each_worker: "list[httpx.Client]") -> None:
    ids = [worker.get("/livez").headers["x-request-id"] for worker in each_worker * 50]
    assert len(set(ids)) == len(ids)
    assert len({worker_of(request_id) for request_id in ids}) == WORKERS


def test_no_answer_tells_what_serves_or_may_be_kept(tenant: "Tenant") -> None:
    http = tenant.http
    answers = [
        tenant.submit("23456"),
        tenant.submit("23456"),
        tenant.fetch("23456"),
        tenant.fetch("23456"),
        http.get(f"{tenant.path}/config"),
        *(http.get(path) for path in ("/api/v2/nothing", "/nothing", "/livez", "/readyz", "/metrics")),
    ]
    for answer in answers:
        assert "server" not in answer.headers
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-request-id"]


def test_what_breaks_is_answered_as_documented_and_logged_under_its_request(edge: Edge, tenant: "Tenant") -> None:
    before = names(edge.redis, "passcode")
    tenant.submit("23456")
    (key,) = names(edge.redis, "passcode") - before
    break_value(edge.redis, key)
    request_id = fresh("broken").replace(" ", "-")
    answer = tenant.fetch("23456", headers={"x-request-id": request_id})
    assert (answer.status_code, answer.json()) == (500, BROKEN)
    assert answer.headers["content-type"] == "application/json"

    def logged() -> list[dict[str, str]]:
        return [line for line in edge.log_lines() if line.get("request_id") == request_id]

    wait_until(lambda: len(logged()) == 2)
    error, line = logged()
    assert (error["level"], error["method"]) == ("error", "GET")
    assert "Traceback" in error["exception"]
    assert (line["message"], line["status"], line["outcome"]) == ("request", 500, "broken")
    assert error["route"] == line["route"] == "/api/v2/{tenant_id}/identity/passcode/{key}"


def test_logs_are_json_lines_with_time_level_and_logger(edge: Edge) -> None:
    lines = edge.log_lines()
    assert all({"time", "level", "logger", "message"} <= line.keys() for line in lines)
    assert sum(line["message"] == "Application startup complete." for line in lines) == WORKERS
