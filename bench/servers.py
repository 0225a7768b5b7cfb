"""The servers under measurement, each a real process pinned to one core."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

import psutil

from watchword.servers import find_server

EDGE_CORE, LOAD_CORE = 0, 1
_UVICORN = [
    "--loop",
    "uvloop",
    "--http",
    "httptools",
    "--no-access-log",
    "--no-server-header",
    "--log-level",
    "warning",
]
_START_SECONDS = 15


@contextmanager
def redis_server() -> Generator[tuple[str, psutil.Process]]:
    """A Redis of its own on a unix socket, beside the load."""
    directory = Path(tempfile.mkdtemp(prefix="ww-bench-"))
    socket = directory / "redis.sock"
    command = [str(find_server().path), "--port", "0", "--unixsocket", str(socket), "--save", ""]
    with pinned(command, LOAD_CORE, {}, cwd=directory) as process:
        until(socket.exists)
        yield f"unix://{socket}", process
    shutil.rmtree(directory)


@contextmanager
def uvicorn_app(app: str, port: int, environ: Mapping[str, str]) -> Generator[psutil.Process]:
    command = [sys.executable, "-m", "uvicorn", "--port", str(port), *_UVICORN, app]
    with pinned(command, EDGE_CORE, environ) as process:
        until(lambda: _answers(port, "/"))
        yield process


@contextmanager
def product(port: int, environ: Mapping[str, str]) -> Generator[psutil.Process]:
    """`watchword serve` with one worker; yields the worker."""
    command = [sys.executable, "-m", "watchword", "serve", "--port", str(port)]
    with pinned(command, EDGE_CORE, environ) as parent:
        until(lambda: _answers(port, "/readyz"))
        workers = [child for child in parent.children() if "spawn_main" in " ".join(child.cmdline())]
        yield workers[0]


@contextmanager
def courier(environ: Mapping[str, str]) -> Generator[psutil.Process]:
    """`watchword courier`. It is up when it has delivered something."""
    with pinned([sys.executable, "-m", "watchword", "courier"], EDGE_CORE, environ) as process:
        yield process


@contextmanager
def pinned(
    command: list[str], core: int, environ: Mapping[str, str], cwd: Path | None = None
) -> Generator[psutil.Process]:
    """A process on one core, ended behind the measurement."""
    on_core = ["taskset", "-c", str(core), *command]
    with subprocess.Popen(
        on_core, env={**os.environ, **environ}, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as child:
        try:
            yield psutil.Process(child.pid)
        finally:
            child.terminate()


def _answers(port: int, path: str) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status < 500
    except OSError:
        return False
    finally:
        connection.close()


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("a server did not start")
        time.sleep(0.02)
