"""What was measured, as a table for people and as JSON for comparison over time."""

import json
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import click

_RESULTS = Path(__file__).parent / "results"
_PACKAGES = ("uvicorn", "starlette", "uvloop", "httptools", "hiredis", "msgspec", "redis")


class Row(NamedTuple):
    """Medians over the rounds; `low` and `high` are the spread of the CPU at the edge."""

    scenario: str
    edge_us: float
    low: float
    high: float
    floors: float
    redis_us: float
    redis_commands: float
    per_second: float
    p50_ms: float
    p99_ms: float


def print_table(rows: Sequence[Row]) -> None:
    click.echo("| scenario | edge us | spread | x floor | Redis us | Redis calls | requests/s | p50 ms | p99 ms |")
    click.echo("|---|---|---|---|---|---|---|---|---|")
    for row in rows:
        click.echo(
            f"| {row.scenario} | {row.edge_us:.1f} | {row.low:.1f}..{row.high:.1f} | {row.floors:.2f} "
            f"| {row.redis_us:.1f} | {row.redis_commands:.2f} | {row.per_second:,.0f} "
            f"| {row.p50_ms:.2f} | {row.p99_ms:.2f} |"
        )


def print_columns(names: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    click.echo("\n| " + " | ".join(name.replace("_", " ") for name in names) + " |")
    click.echo("|---" * len(names) + "|")
    for row in rows:
        shown = (f"{value:,.1f}" if isinstance(value, float) else str(value) for value in row)
        click.echo("| " + " | ".join(shown) + " |")


def write_json(name: str, measured: Mapping[str, object]) -> Path:
    """Write what was measured with what it was measured on; the file's path."""
    _RESULTS.mkdir(exist_ok=True)
    now = datetime.now(UTC)
    path = _RESULTS / f"{name}-{now:%Y%m%dT%H%M%SZ}.json"
    content = {
        "measured_at": now.isoformat(timespec="seconds"),
        "commit": _commit(),
        "machine": {"cpu": _cpu_model(), "cores": os.cpu_count(), "kernel": platform.release()},
        "python": platform.python_version(),
        "packages": {name: version(name) for name in _PACKAGES},
        **measured,
    }
    path.write_text(json.dumps(content, indent=2) + "\n")
    return path


def _commit() -> str:
    described = subprocess.run(
        ["git", "describe", "--always", "--dirty"],  # noqa: S607
        capture_output=True,
        text=True,
        check=False,
    )
    return described.stdout.strip() or "unknown"


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
