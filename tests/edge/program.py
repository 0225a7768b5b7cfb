"""The real program as a child process: `watchword serve` with two workers, on a port of the system's choice."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, cast

import psutil

from engine.sealing import Keyring
from tests.waiting import wait_until
from watchword.settings import PREFIX, Settings

if TYPE_CHECKING:
    from tests.engine.kinds import AnyServer

WORKERS = 2
NO_LIMITS = {name: "0" for name in Settings.__struct_fields__ if "_limit_" in name}
_PROGRAM = (sys.executable, "-m", "watchword")
_SERVES_AT = "Uvicorn running on "
_WORKER_SERVES = "Application startup complete."
_START_SECONDS = 20
_STOP_SECONDS = 20


class Edge:
    """A running edge. Before it is started, `code` may name a folder of other packages than these.

    Args:
        redis: what it is linked to, by default as a user who may do no more than it needs.
        settings: by the names of `watchword.settings.Settings`.
    """

    def __init__(self, redis: "AnyServer", **settings: object) -> None:
        self.redis = redis
        self.code: Path | None = None
        self.directory = Path(tempfile.mkdtemp(prefix="ww-edge-"))
        self.log = self.directory / "log"
        defaults = {"keys": Keyring.generate(), "redis_url": redis.url_of_user(), "workers": WORKERS}
        given: dict[str, object] = defaults | settings
        self.worker_count = int(str(given["workers"]))
        self.keys = given["keys"]
        self.environment = {PREFIX + name.upper(): str(value) for name, value in given.items()}
        self._process: subprocess.Popen[bytes] | None = None
        self._family: list[psutil.Process] = []

    def __enter__(self) -> Self:
        """Start it, and return when every worker serves."""
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [*_PROGRAM, "serve", "--port", "0"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment(),
                cwd=self.code,
            )
        try:
            wait_until(self._serves, within=_START_SECONDS)
        except BaseException:
            sys.stderr.write(self.log.read_text())
            self._remove()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.stop()
        finally:
            self._remove()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @cached_property
    def url(self) -> str:
        told = next(line["message"] for line in self.log_lines() if line["message"].startswith(_SERVES_AT))
        return told.removeprefix(_SERVES_AT).split()[0]

    @property
    def address(self) -> tuple[str, int]:
        host, _, port = self.url.removeprefix("http://").partition(":")
        return host, int(port)

    def log_lines(self) -> list[dict[str, Any]]:
        """The log so far. Every line of it must be a JSON object."""
        lines = [json.loads(line) for line in self.log.read_text().splitlines()]
        assert all(isinstance(line, dict) for line in lines)
        return cast("list[dict[str, Any]]", lines)

    def run(self, *words: str) -> str:
        """What a command of the same program says, under the same settings."""
        command = [*_PROGRAM, *words]
        return subprocess.run(command, capture_output=True, text=True, check=True, env=self._environment()).stdout

    def start(self, *words: str) -> "subprocess.Popen[bytes]":
        """A further process of the same program, under the same settings. Whoever starts it ends it."""
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [*_PROGRAM, *words], stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self._environment()
            )

    def processes(self) -> list[psutil.Process]:
        """The parent and all that descend from it."""
        parent = psutil.Process(self.pid)
        return [parent, *parent.children(recursive=True)]

    def workers(self) -> list[psutil.Process]:
        """The processes that serve. Python's resource tracker is beside them."""
        children = psutil.Process(self.pid).children()
        alive = filter(is_alive, children)
        return [child for child in alive if "resource_tracker" not in " ".join(child.cmdline())]

    def terminate(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Ask it to leave, as an orchestrator does; stop() waits until it has."""
        assert self._process is not None
        self._family = self._family or self.processes()
        self._process.send_signal(number)

    def stop(self) -> None:
        """End it in good order, unless it is ended: exit status 0, and no process left."""
        assert self._process is not None
        if not self._family:
            self.terminate()
        status = self._process.wait(timeout=_STOP_SECONDS)
        wait_until(lambda: not any(map(is_alive, self._family)))
        assert status == 0, self.log.read_text()

    def _environment(self) -> dict[str, str]:
        """Ours, without what would set the program, and what sets it."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith((PREFIX, "PROMETHEUS_"))}
        return kept | self.environment

    def _serves(self) -> bool:
        assert self._process is not None
        log = self.log.read_text()
        assert self._process.poll() is None, log
        return _SERVES_AT in log and log.count(_WORKER_SERVES) == self.worker_count

    def _remove(self) -> None:
        """Leave nothing behind, whatever happened."""
        if self._process is not None and self._process.poll() is None:
            for process in reversed(self.processes()):
                process.kill()
            self._process.wait()
        shutil.rmtree(self.directory)


def is_alive(process: psutil.Process) -> bool:
    """Whether a process runs; one that only waits for its parent to take note does not."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
