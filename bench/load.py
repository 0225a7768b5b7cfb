"""Load by wrk, and what one run of it says."""

import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from bench.servers import LOAD_CORE

_UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0}


class Load(NamedTuple):
    """`unlike` is how many answers were of another kind than the script was told to wait for."""

    requests: int
    per_second: float
    p50_ms: float
    p99_ms: float
    not_2xx: int
    unlike: int = 0


class NoLoadGenerator(Exception):
    """wrk is not installed."""


def run_wrk(
    port: int,
    path: str,
    *,
    seconds: float,
    connections: int,
    script: Path | None = None,
    arguments: Sequence[str] = (),
    headers: Mapping[str, str] | None = None,
    patience_seconds: int = 2,
    yields: bool = False,
) -> Load:
    """Run wrk with keep-alive connections on one thread, and a script of its own if need be.

    With `yields` everything else on its core goes first.
    """
    wrk = shutil.which("wrk")
    if wrk is None:
        raise NoLoadGenerator("wrk is needed: `apt-get install wrk`")
    command = ["taskset", "-c", str(LOAD_CORE), wrk, "-t1", f"-c{connections}", f"-d{seconds:g}s", "--latency"]
    command += ["--timeout", f"{patience_seconds}s"]
    if script is not None:
        command += ["-s", str(script)]
    for name, value in (headers or {}).items():
        command += ["-H", f"{name}: {value}"]
    if yields:
        command = ["nice", "-n", "19", *command]
    command.append(f"http://127.0.0.1:{port}{path}")
    if arguments:
        command += ["--", *arguments]
    return parse(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def parse(output: str) -> Load:
    """Read wrk's report."""
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", output)
    unlike = re.search(r"Answers of another kind: (\d+)", output)
    errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", output)
    if errors is not None and any(map(int, errors.groups())):
        raise RuntimeError(f"the load did not get through: {errors[0]}")
    return Load(
        requests=int(_found(r"(\d+) requests in", output)),
        per_second=float(_found(r"Requests/sec:\s+([\d.]+)", output)),
        p50_ms=_milliseconds(_found(r"^ +50% +(\S+)", output)),
        p99_ms=_milliseconds(_found(r"^ +99% +(\S+)", output)),
        not_2xx=int(refused[1]) if refused else 0,
        unlike=int(unlike[1]) if unlike else 0,
    )


def _found(pattern: str, output: str) -> str:
    match = re.search(pattern, output, re.MULTILINE)
    if match is None:
        raise RuntimeError(f"wrk said something else:\n{output}")
    return match[1]


def _milliseconds(text: str) -> float:
    match = re.fullmatch(r"([\d.]+)(us|ms|s)", text)
    if match is None:
        raise RuntimeError(f"wrk told a latency of {text}")
    return float(match[1]) * _UNITS[match[2]]
