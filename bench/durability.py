"""`python -m bench.durability`: what it costs to acknowledge only what is in a file, or on a replica.

Every mode has its Redis, and all of them a replica, so that replication itself costs all of them the same. Modes
alternate within a round. Edge and primary have a core each; the replica shares that of the primary.
"""

import statistics
import tempfile
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import click
import psutil
import redis

from bench.load import run_wrk
from bench.report import write_json
from bench.rounds import cpu_seconds
from bench.servers import LOAD_CORE, pinned, product, until
from bench.tenancy import Tenancy, prepare
from engine.sealing import Keyring
from watchword.servers import find_server

MODES = ("none", "aof", "replicas:1")
OPERATIONS = ("submit", "fetch")
_WALK = Path(__file__).parent / "walk.lua"
_CONNECTIONS = 64
_MOST_PER_SECOND = 45_000
_FIRST_PORT, _FIRST_EDGE_PORT = 8410, 8310


class Deployment(NamedTuple):
    mode: str
    port: int
    primary: psutil.Process
    worker: psutil.Process
    tenancy: Tenancy


class Sample(NamedTuple):
    """Of one round of one operation, per request."""

    edge_us: float
    primary_us: float
    per_second: float
    p50_ms: float
    p99_ms: float


@contextmanager
def deployment(mode: str, number: int) -> Generator[Deployment]:
    port, edge_port = _FIRST_PORT + 2 * number, _FIRST_EDGE_PORT + number
    aof = "no" if mode == "none" else "yes"
    with ExitStack() as stack:
        primary, client = stack.enter_context(_server(port, "--appendonly", aof))
        _, replica = stack.enter_context(_server(port + 1, "--replicaof", "127.0.0.1", f"{port}"))
        until(lambda: replica.info("replication").get("master_link_status") == "up")
        until(lambda: client.info("replication")["connected_slaves"] == 1)
        environ = {
            "WATCHWORD_REDIS_URL": f"redis://127.0.0.1:{port}",
            "WATCHWORD_KEYS": Keyring.generate(),
            "WATCHWORD_DURABILITY": mode,
            "WATCHWORD_COURIER": "off",
        }
        tenancy = prepare(environ)
        worker = stack.enter_context(product(edge_port, environ))
        yield Deployment(mode, edge_port, primary, worker, tenancy)


@contextmanager
def _server(port: int, *options: str) -> Generator[tuple[psutil.Process, "redis.Redis"]]:
    with tempfile.TemporaryDirectory(prefix="ww-bench-") as directory:
        quick = ("--save", "", "--repl-diskless-sync-delay", "0")
        command = [str(find_server().path), "--port", f"{port}", *quick, *options]
        with pinned(command, LOAD_CORE, {}, cwd=Path(directory)) as process, redis.Redis(port=port) as client:
            until(lambda: _answers(client))
            yield process, client


def _answers(client: "redis.Redis") -> bool:
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False


def _round(number: int, operation: str, seconds: int, on: Deployment) -> Sample:
    tenancy = on.tenancy
    if operation == "fetch":
        tenancy.submit_ahead(number, seconds * _MOST_PER_SECOND)
        arguments = (tenancy.path, str(tenancy.made_ahead(number)), tenancy.api_key, operation)
    else:
        arguments = (tenancy.path.rstrip("/"), str(tenancy.to_submit(number)), "", operation)
    edge, primary = cpu_seconds(on.worker), cpu_seconds(on.primary)
    load = run_wrk(on.port, "/", seconds=seconds, connections=_CONNECTIONS, script=_WALK, arguments=arguments)
    if load.not_2xx or load.unlike:
        raise RuntimeError(f"{on.mode}: {load.not_2xx} refusals, {load.unlike} answers of another kind")
    return Sample(
        (cpu_seconds(on.worker) - edge) / load.requests * 1e6,
        (cpu_seconds(on.primary) - primary) / load.requests * 1e6,
        load.per_second,
        load.p50_ms,
        load.p99_ms,
    )


@click.command()
@click.option("--rounds", default=5, show_default=True)
@click.option("--seconds", default=2, show_default=True, help="Length of a round; wrk takes whole ones.")
def main(*, rounds: int, seconds: int) -> None:
    """Measure, print the table, write the JSON."""
    samples: dict[tuple[str, str], list[Sample]] = {(name, mode): [] for name in OPERATIONS for mode in MODES}
    with ExitStack() as stack:
        deployments = [stack.enter_context(deployment(mode, number)) for number, mode in enumerate(MODES)]
        for number in range(rounds + 1):
            for operation in OPERATIONS:
                for on in deployments:
                    samples[operation, on.mode].append(_round(number, operation, seconds, on))
    rows = {
        key: Sample(*(statistics.median(column) for column in zip(*taken[1:], strict=True)))
        for key, taken in samples.items()
    }
    click.echo("| | mode | edge us | primary us | requests/s | p50 ms | p99 ms |")
    click.echo("|---|---|---|---|---|---|---|")
    for (operation, mode), row in rows.items():
        click.echo(
            f"| {operation} | {mode} | {row.edge_us:.1f} | {row.primary_us:.1f} | {row.per_second:,.0f} "
            f"| {row.p50_ms:.2f} | {row.p99_ms:.2f} |"
        )
    write_json(
        "durability",
        {"rows": [{"operation": name, "mode": mode, **row._asdict()} for (name, mode), row in rows.items()]},
    )


if __name__ == "__main__":
    main()
