"""The real service with its embedded Redis, as an operator starts it."""

import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Generator

_PROGRAM = (sys.executable, "-m", "watchword")
_SERVES_AT = "Uvicorn running on "
_WORKER_SERVES = "Application startup complete."
_SECONDS = 20
_OURS = ("WATCHWORD_", "PROMETHEUS_")


class Service(NamedTuple):
    url: str
    environ: dict[str, str]

    def command(self, *words: str) -> str:
        """What a command of the operator says."""
        environ = _without_ours() | self.environ
        return subprocess.run([*_PROGRAM, *words], capture_output=True, text=True, check=True, env=environ).stdout


@contextmanager
def serving() -> "Generator[Service]":
    directory = Path(tempfile.mkdtemp(prefix="ww-", dir="/tmp"))  # short, for a unix socket
    # A busy machine is no reason to answer 503.
    environ = {"WATCHWORD_DATA_DIR": str(directory / "data"), "WATCHWORD_CALL_DEADLINE_MS": "5000"}
    log = directory / "log"
    with (
        log.open("wb") as output,
        subprocess.Popen(
            [*_PROGRAM, "serve", "--port", "0"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=_without_ours() | environ,
        ) as process,
    ):
        try:
            wait_until(lambda: _serves(process, log), within=_SECONDS)
            yield Service(log.read_text().partition(_SERVES_AT)[2].split()[0], environ)
        finally:
            process.terminate()
            try:
                process.wait(timeout=_SECONDS)
            finally:
                process.kill()
    shutil.rmtree(directory)


def _without_ours() -> dict[str, str]:
    return {name: text for name, text in os.environ.items() if not name.startswith(_OURS)}


def _serves(process: "subprocess.Popen[bytes]", log: Path) -> bool:
    said = log.read_text()
    assert process.poll() is None, said
    return _SERVES_AT in said and _WORKER_SERVES in said
