"""Locust as people run it: as a process of its own, since it patches whatever imports it."""

import asyncio
import os
import socket
import sys
from pathlib import Path
from typing import NamedTuple

LOCUSTFILE = Path(__file__).resolve().parents[2] / "bench" / "locustfile.py"

_SECONDS = 60
_OURS = ("BENCH_", "LOCUST_", "WATCHWORD_")


class Run(NamedTuple):
    status: int
    said: str


async def run_locust(*words: str, environ: dict[str, str], cwd: Path | None = None) -> Run:
    """Run it to its end, with these words and variables and no others of ours."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith(_OURS)}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), *words),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=kept | environ,
        cwd=cwd,
    )
    try:
        async with asyncio.timeout(_SECONDS):
            said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return Run(process.returncode, said.decode())


def free_port() -> int:
    """A port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
