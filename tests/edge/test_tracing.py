"""Traces, as a collector receives them. What a span may not hold is looked for in the bytes that travel."""

import signal
import subprocess
import sys
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any, cast

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.edge.program import NO_LIMITS, Edge
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Generator

    from tests.edge.tenants import Tenant

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SERVER = 2
UNSET, ERROR = 0, 2


class Collector:
    """An OTLP/HTTP receiver that remembers what it was sent."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                collector.bodies.append(self.rfile.read(int(self.headers["content-length"])))
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/v1/traces"

    @contextmanager
    def serving(self) -> "Generator[Collector]":
        thread = Thread(target=self._server.serve_forever)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            thread.join()
            self._server.server_close()

    def spans(self) -> "list[Any]":
        """Every span so far, whose message type protobuf makes when it is imported."""
        requests = [cast("Any", ExportTraceServiceRequest).FromString(body) for body in self.bodies]
        return [
            span
            for request in requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def named(self, name: str) -> "list[Any]":
        return [span for span in self.spans() if span.name == name]


@pytest.fixture
def collector() -> "Generator[Collector]":
    with Collector().serving() as serving:
        yield serving


def attributes(span: Any) -> dict[str, str | int]:  # noqa: ANN401  # a message of protobuf
    return {pair.key: pair.value.string_value or pair.value.int_value for pair in span.attributes}


def test_a_span_tells_route_and_outcome_and_nothing_that_is_secret(
    edge: Edge, tenant: "Tenant", collector: Collector
) -> None:
    with Edge(
        edge.redis, **NO_LIMITS, redis_url=edge.redis.url, keys=edge.keys, traces_url=collector.url
    ) as traced:
        with httpx.Client(base_url=traced.url) as http:
            there = tenant.through(http)
            parent = {"traceparent": f"00-{TRACE}-{PARENT}-01", "x-request-id": "asked-by-a-test"}
            passcode = there.submit("0044 7700 900123", headers=parent).json()["data"]["pass_phrase"]
            assert there.fetch("447700900123").json()["pass_phrase"] == passcode
            assert http.get(there.fetch_path("447700900123"), headers={"x-api-key": "wrong"}).status_code == 401
        traced.stop()  # what has not been sent yet is sent on leaving
        prefix = "/api/v2/{tenant_id}/identity/passcode"
        wait_until(lambda: len(collector.spans()) >= 3)

        (submit,) = collector.named(f"POST {prefix}")
        fetches = collector.named(f"GET {prefix}/{{key}}")
        assert {attributes(span)["http.response.status_code"] for span in fetches} == {200, 401}
        assert {span.status.code for span in fetches} == {UNSET}
        assert attributes(submit) == {
            "http.request.method": "POST",
            "http.route": prefix,
            "url.scheme": "http",
            "http.response.status_code": 200,
            "watchword.request_id": "asked-by-a-test",
        }
        assert (submit.kind, submit.trace_id.hex(), submit.parent_span_id.hex()) == (SERVER, TRACE, PARENT)
        sent = b"".join(collector.bodies)
        for secret in ("900123", passcode, tenant.api_key, tenant.id):
            assert secret.encode() not in sent


@pytest.mark.thorough
def test_a_span_of_a_failure_is_an_error(edge: Edge, collector: Collector) -> None:
    with Edge(
        edge.redis, **NO_LIMITS, redis_url=edge.redis.url, keys=edge.keys, traces_url=collector.url
    ) as traced:
        with httpx.Client(base_url=traced.url) as http:
            for worker in traced.workers():
                worker.send_signal(signal.SIGUSR1)  # unready, as before it leaves
            wait_until(lambda: http.get("/readyz").status_code == 503)
        traced.stop()
        wait_until(lambda: ERROR in {span.status.code for span in collector.named("GET /readyz")})


def test_without_the_setting_nothing_of_it_is_imported() -> None:
    program = "import sys, watchword.worker; print([name for name in sys.modules if name.endswith('.tracing')])"
    command = [sys.executable, "-c", program]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "[]\n"
