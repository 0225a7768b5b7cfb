"""`make bench`: CPU per request of the hot path, as a ratio to the floor measured in the same run.

Floor and product alternate, round by round, on one core; load and Redis have the other. A ratio is taken within a
round and its median over the rounds, so that a machine that is slower for a while counts for both. CPU is what the
kernel accounts to the process under measurement, user and system, divided by the requests that were answered.
"""

import statistics
from base64 import b64encode
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import click
import psutil
import redis

from bench.load import Load, run_wrk
from bench.report import Row, print_table, write_json
from bench.servers import product, redis_server, uvicorn_app
from bench.tenancy import prepare
from engine.sealing import Keyring

CONNECTIONS = 64
_WALK = Path(__file__).parent / "walk.lua"
_MOST_PER_SECOND = 45_000  # passcodes made ahead of a round of fetches: more than it can ask for
_FLOOR_PORT, _PRODUCT_PORT, _USUAL_PORT = 8301, 8302, 8303


class Sample(NamedTuple):
    """One round of one scenario, per request."""

    edge_us: float
    redis_us: float
    redis_commands: float
    load: Load


@dataclass
class Scenario:
    """What is asked of which process, and whether all of the answers were of the kind that is meant."""

    name: str
    process: psutil.Process
    load: Callable[[int], Load]
    prepare: Callable[[int], object] = lambda _: None
    refused: bool = False
    samples: list[Sample] = field(default_factory=list[Sample])

    def run_round(self, number: int, server: "redis.Redis") -> None:
        self.prepare(number)
        server.config_resetstat()
        before = _cpu_seconds(self.process)
        load = self.load(number)
        edge_us = (_cpu_seconds(self.process) - before) / load.requests * 1e6
        if load.not_2xx != (load.requests if self.refused else 0):
            raise RuntimeError(f"{self.name}: {load.not_2xx} of {load.requests} answers were refusals")
        self.samples.append(Sample(edge_us, *_redis_share(server, load.requests), load))


def _cpu_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def _redis_share(server: "redis.Redis", requests: int) -> tuple[float, float]:
    """Microseconds inside commands, and commands sent by clients, both per request."""
    stats = server.info("commandstats")
    asked = [stats[name] for name in ("cmdstat_evalsha", "cmdstat_eval", "cmdstat_hget") if name in stats]
    return (
        sum(row["usec"] for row in asked) / requests,
        sum(row["calls"] for row in asked) / requests,
    )


def _scenarios(stack: ExitStack, redis_url: str, seconds: float) -> list[Scenario]:
    keys = Keyring.generate()
    environ = {"WATCHWORD_REDIS_URL": redis_url, "WATCHWORD_KEYS": keys}
    tenancy = prepare(environ)
    ahead = int(seconds * _MOST_PER_SECOND)
    floor = stack.enter_context(uvicorn_app("bench.floor:app", _FLOOR_PORT, {}))
    worker = stack.enter_context(product(_PRODUCT_PORT, environ))
    usual_key = b64encode(bytes(32)).decode()
    usual = stack.enter_context(
        uvicorn_app("bench.usual:app", _USUAL_PORT, {"BENCH_REDIS_URL": redis_url, "BENCH_KEY": usual_key})
    )

    def walk(port: int, path: str, first: int, api_key: str, operation: str) -> Load:
        arguments = (path, str(first), api_key, operation)
        return run_wrk(port, "/", seconds=seconds, connections=CONNECTIONS, script=_WALK, arguments=arguments)

    def fetch(number: int) -> Load:
        return walk(_PRODUCT_PORT, tenancy.path, tenancy.made_ahead(number), tenancy.api_key, "fetch")

    def fetch_usually(number: int) -> Load:
        return walk(_USUAL_PORT, tenancy.path, tenancy.made_ahead(number), tenancy.api_key, "fetch")

    def submit(number: int) -> Load:
        return walk(_PRODUCT_PORT, tenancy.path.rstrip("/"), tenancy.to_submit(number), "", "submit")

    def gone(number: int) -> Load:
        return walk(_PRODUCT_PORT, tenancy.path, tenancy.unused(number), tenancy.api_key, "fetch")

    def unauthenticated(number: int) -> Load:
        return walk(_PRODUCT_PORT, tenancy.path, 0, tenancy.revoked_key, "fetch")

    def limited(number: int) -> Load:
        return walk(_PRODUCT_PORT, tenancy.limited_path, 0, tenancy.limited_key, "fetch")

    def constant(number: int) -> Load:
        return walk(_FLOOR_PORT, tenancy.path, tenancy.made_ahead(number), tenancy.api_key, "fetch")

    return [
        Scenario("floor", floor, constant),
        Scenario("fetch", worker, fetch, lambda number: tenancy.submit_ahead(number, ahead)),
        Scenario("submit", worker, submit),
        Scenario("refused: gone (410)", worker, gone, refused=True),
        Scenario("refused: API key (401)", worker, unauthenticated, refused=True),
        Scenario("refused: limit (429)", worker, limited, refused=True),
        Scenario(
            "fetch, the usual way",
            usual,
            fetch_usually,
            lambda number: tenancy.store_usually(number, usual_key, ahead),
        ),
    ]


def _row(scenario: Scenario, floor: Scenario) -> Row:
    def median(value: Callable[[Sample], float]) -> float:
        return statistics.median(map(value, scenario.samples))

    edge = [sample.edge_us for sample in scenario.samples]
    return Row(
        scenario.name,
        edge_us=statistics.median(edge),
        low=min(edge),
        high=max(edge),
        floors=statistics.median(us / least.edge_us for us, least in zip(edge, floor.samples, strict=True)),
        redis_us=median(lambda sample: sample.redis_us),
        redis_commands=median(lambda sample: sample.redis_commands),
        per_second=median(lambda sample: sample.load.per_second),
        p50_ms=median(lambda sample: sample.load.p50_ms),
        p99_ms=median(lambda sample: sample.load.p99_ms),
    )


@click.command()
@click.option("--rounds", default=5, show_default=True, help="Rounds of every scenario.")
@click.option("--seconds", default=3.0, show_default=True, help="Length of a round.")
@click.option("--only", multiple=True, help="Run the floor and scenarios whose name has this in it.")
def main(*, rounds: int, seconds: float, only: tuple[str, ...]) -> None:
    """Measure, print the table, write the JSON."""
    with ExitStack() as stack:
        redis_url, _ = stack.enter_context(redis_server())
        scenarios = _scenarios(stack, redis_url, seconds)
        if only:
            scenarios = [scenarios[0], *(one for one in scenarios[1:] if any(part in one.name for part in only))]
        server = stack.enter_context(redis.Redis.from_url(redis_url))
        for scenario in scenarios:
            scenario.prepare(rounds)
            scenario.load(rounds)  # warm up: caches, connections, the interpreter's specialisation
        for number in range(rounds):
            for scenario in scenarios:
                scenario.run_round(number, server)
        rows = [_row(scenario, scenarios[0]) for scenario in scenarios]
        print_table(rows)
        path = write_json(rows, {"redis": server.info("server")["redis_version"], "connections": CONNECTIONS})
        click.echo(f"\nwritten to {path.relative_to(path.parents[2])}")


if __name__ == "__main__":
    main()
