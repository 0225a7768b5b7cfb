"""`python -m bench.cluster`: what a fetch costs Redis with 1, 2 and 3 masters, and how even one tenant's load is.

All masters, and the load, share one core: this tells of the work of a fetch and of its spread, not of how many a
second there could be. Clusters alternate within a round.
"""

import statistics
import tempfile
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple, cast

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

_WALK = Path(__file__).parent / "walk.lua"
_CONNECTIONS = 64
_MOST_PER_SECOND = 45_000
_FIRST_PORT, _FIRST_EDGE_PORT = 8400, 8320
_SLOTS = 16384


class Master(NamedTuple):
    process: psutil.Process
    client: "redis.Redis"


class Deployment(NamedTuple):
    port: int
    masters: list[Master]
    worker: psutil.Process
    tenancy: Tenancy


class Sample(NamedTuple):
    """Of one round, per fetch; `uneven` is the most calls of a master by the mean of all."""

    redis_us: float
    redis_cpu_us: float
    edge_us: float
    calls: float
    uneven: float


@contextmanager
def deployment(masters: int) -> Generator[Deployment]:
    first, port = _FIRST_PORT + 10 * masters, _FIRST_EDGE_PORT + masters
    environ = {
        "WATCHWORD_REDIS_URL": f"redis+cluster://127.0.0.1:{first}",
        "WATCHWORD_KEYS": Keyring.generate(),
        "WATCHWORD_COURIER": "off",
    }
    with cluster(masters, first) as nodes:
        tenancy = prepare(environ)
        with product(port, environ) as worker:
            yield Deployment(port, nodes, worker, tenancy)


@contextmanager
def cluster(masters: int, first_port: int) -> Generator[list[Master]]:
    """Masters without replicas that share the slots evenly."""
    with ExitStack() as stack:
        nodes: list[Master] = []
        for number in range(masters):
            directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="ww-bench-"))
            port = first_port + number
            options = ["--port", f"{port}", "--cluster-port", f"{port + 1000}", "--cluster-enabled", "yes"]
            command = [str(find_server().path), *options, "--save", ""]
            process = stack.enter_context(pinned(command, LOAD_CORE, {}, cwd=Path(directory)))
            client = stack.enter_context(redis.Redis(port=port))
            until(lambda client=client: _answers(client))
            client.execute_command("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
            first, end = (_SLOTS * place // masters for place in (number, number + 1))
            client.execute_command("CLUSTER", "ADDSLOTSRANGE", first, end - 1)
            if nodes:
                client.execute_command("CLUSTER", "MEET", "127.0.0.1", first_port, first_port + 1000)
            nodes.append(Master(process, client))
        until(lambda: all(b"cluster_state:ok" in _state(node.client) for node in nodes))
        yield nodes


def _answers(client: "redis.Redis") -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


def _state(client: "redis.Redis") -> bytes:
    return cast("bytes", client.execute_command("CLUSTER", "INFO"))


def _round(number: int, seconds: int, on: Deployment) -> Sample:
    nodes, tenancy = on.masters, on.tenancy
    tenancy.submit_ahead(number, seconds * _MOST_PER_SECOND)
    for node in nodes:
        node.client.config_resetstat()
    spent = [cpu_seconds(node.process) for node in nodes]
    edge = cpu_seconds(on.worker)
    arguments = (tenancy.path, str(tenancy.made_ahead(number)), tenancy.api_key, "fetch")
    load = run_wrk(on.port, "/", seconds=seconds, connections=_CONNECTIONS, script=_WALK, arguments=arguments)
    if load.not_2xx or load.unlike:
        raise RuntimeError(f"{load.not_2xx} refusals, {load.unlike} answers of another kind")
    scripts = [node.client.info("commandstats")["cmdstat_evalsha"] for node in nodes]
    calls = [int(script["calls"]) for script in scripts]
    return Sample(
        redis_us=sum(script["usec"] for script in scripts) / load.requests,
        redis_cpu_us=sum(cpu_seconds(node.process) - before for node, before in zip(nodes, spent, strict=True))
        / load.requests
        * 1e6,
        edge_us=(cpu_seconds(on.worker) - edge) / load.requests * 1e6,
        calls=sum(calls) / load.requests,
        uneven=max(calls) / statistics.mean(calls),
    )


@click.command()
@click.option("--rounds", default=5, show_default=True)
@click.option("--seconds", default=2, show_default=True, help="Length of a round; wrk takes whole ones.")
@click.option("--masters", multiple=True, type=int, default=(1, 2, 3), show_default=True)
def main(*, rounds: int, seconds: int, masters: tuple[int, ...]) -> None:
    """Measure, print the table, write the JSON."""
    samples: dict[int, list[Sample]] = {count: [] for count in masters}
    with ExitStack() as stack:
        deployments = {count: stack.enter_context(deployment(count)) for count in masters}
        for number in range(rounds + 1):
            for count, on in deployments.items():
                samples[count].append(_round(number, seconds, on))
    rows = [
        (count, Sample(*(statistics.median(column) for column in zip(*taken[1:], strict=True))))
        for count, taken in samples.items()
    ]
    click.echo("| masters | Redis us per fetch | CPU of the masters us | edge us | calls per fetch | max / mean |")
    click.echo("|---|---|---|---|---|---|")
    for count, row in rows:
        click.echo(
            f"| {count} | {row.redis_us:.1f} | {row.redis_cpu_us:.1f} | {row.edge_us:.1f} | {row.calls:.2f} "
            f"| {row.uneven:.2f} |"
        )
    write_json("cluster", {"rows": [{"masters": count, **row._asdict()} for count, row in rows]})


if __name__ == "__main__":
    main()
