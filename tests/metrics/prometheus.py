"""A real Prometheus, and promtool. `make test` unpacks the Debian package beside Python if there is none."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Self, cast

import httpx
import pytest

from tests.engine.servers import free_port
from tests.waiting import wait_until

_BESIDE_PYTHON = Path(sys.prefix, "prometheus", "usr", "bin")
_START_SECONDS = 20
_CONFIGURATION = """
global: {{scrape_interval: 250ms, scrape_timeout: 250ms, evaluation_interval: 200ms}}
rule_files: [{rules}]
scrape_configs:
  - job_name: watchword
    static_configs: [{{targets: ["{target}"]}}]
"""


def tool(name: str) -> str:
    """The path of a program. Without it a newcomer's tests are skipped, and those of CI fail."""
    path = shutil.which(name, path=os.pathsep.join([*os.get_exec_path(), str(_BESIDE_PYTHON)]))
    if path is None:
        missing = f"there is no {name}: install the Debian package prometheus, or run `make test` where apt-get is"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    return path


def promtool(*words: str | Path) -> str:
    """What promtool says of something that it finds right."""
    ran = subprocess.run([tool("promtool"), *words], capture_output=True, text=True, check=False)
    said = ran.stdout + ran.stderr
    assert ran.returncode == 0, said
    return said


class Prometheus:
    """Scrapes one target four times a second, and evaluates our rules."""

    def __init__(self, target: str, rules: Path) -> None:
        self._program = tool("prometheus")
        self._directory = Path(tempfile.mkdtemp(prefix="ww-prometheus-"))
        self._configuration = self._directory / "prometheus.yml"
        self._configuration.write_text(_CONFIGURATION.format(target=target, rules=json.dumps(str(rules))))
        self._log = self._directory / "log"
        port = free_port()
        self._listen = f"127.0.0.1:{port}"
        self._http = httpx.Client(base_url=f"http://{self._listen}")

    def __enter__(self) -> Self:
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [
                    self._program,
                    f"--config.file={self._configuration}",
                    f"--storage.tsdb.path={self._directory / 'data'}",
                    f"--web.listen-address={self._listen}",
                    "--scrape.discovery-reload-interval=100ms",  # or the first scrape waits for 5 s
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._directory,
            )
        try:
            wait_until(self._scrapes, within=_START_SECONDS)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()
        self._process.terminate()
        self._process.wait()
        shutil.rmtree(self._directory)

    def query(self, query: str) -> list[dict[str, Any]]:
        """The series of an instant query, which must be one that Prometheus understands."""
        said = self._http.get("/api/v1/query", params={"query": query}).json()
        assert said["status"] == "success", f"{query}: {said['error']}"
        return cast("list[dict[str, Any]]", said["data"]["result"])

    def value(self, query: str) -> float | None:
        """The value of a query of one series; None while there is none."""
        series = self.query(query)
        assert len(series) < 2, query
        return float(series[0]["value"][1]) if series else None

    def rules(self) -> list[dict[str, Any]]:
        """Every rule, with its health."""
        groups = self._http.get("/api/v1/rules").json()["data"]["groups"]
        return [rule for group in groups for rule in group["rules"]]

    def _scrapes(self) -> bool:
        assert self._process.poll() is None, self._log.read_text()
        try:
            return self._http.get("/-/ready").status_code == 200 and self.value("up") == 1
        except httpx.TransportError:
            return False
