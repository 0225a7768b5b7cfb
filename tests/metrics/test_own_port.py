"""WATCHWORD_METRICS_PORT: the parent shows the metrics there, and the edge's own port shows none."""

import os
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import httpx

from tests.engine.servers import free_port

if TYPE_CHECKING:
    from tests.metrics.conftest import Walked


def test_the_metrics_are_on_their_own_port(walked: "Walked") -> None:
    answer = httpx.get(f"{walked.metrics_url}/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"


def test_the_metrics_are_nowhere_else(walked: "Walked") -> None:
    assert walked.http.get("/metrics").status_code == 404
    assert "/metrics" not in walked.http.get("/openapi.json").json()["paths"]
    assert walked.http.get("/livez").status_code == 200


def test_the_parent_is_alive_there_and_shows_nothing_else(walked: "Walked") -> None:
    with httpx.Client(base_url=walked.metrics_url) as parent:
        assert (parent.get("/livez").status_code, parent.get("/livez").text) == (200, "ok\n")
        for path in ("/", "/readyz", "/api/v2/tenant", "/metrics/../etc/passwd"):
            assert parent.get(path).status_code == 404
        assert parent.post("/metrics").status_code == 501
        assert parent.get("/livez").headers["server"] == "watchword"


def test_a_scraper_that_goes_away_is_one_line_in_the_log(walked: "Walked") -> None:
    host, _, port = walked.metrics_url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(b"nonsense\r\n\r\n")
        assert b"400" in connection.recv(4096)
    assert walked.scrape().samples
    assert all(line["level"] for line in walked.edge.log_lines())


def test_a_port_that_is_taken_is_said_in_one_sentence(walked: "Walked") -> None:
    with socket.create_server(("127.0.0.1", free_port())) as other:
        environment = {**os.environ, **walked.edge.environment}
        environment["WATCHWORD_METRICS_PORT"] = str(other.getsockname()[1])
        command = [sys.executable, "-m", "watchword", "serve", "--port", "0"]
        ended = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert ended.returncode == 1
    assert "WATCHWORD_METRICS_PORT: Address already in use" in ended.stderr
    assert "Traceback" not in ended.stderr
