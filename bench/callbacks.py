"""`python -m bench.callbacks`: what a courier takes, how fast it tells, what others feel of receivers that hang.

The courier has one core, together with the edge where there is one. Redis, receiver, load and whoever ends
challenges have the other.
"""

import os
import tempfile
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from statistics import median, quantiles
from typing import NamedTuple

import click
import psutil
import redis

from bench.crowd import Crowd
from bench.load import Load
from bench.receiver import receiving
from bench.report import print_columns, write_json
from bench.requests import Meant, Requests, path_of
from bench.rounds import cpu_seconds
from bench.servers import LOAD_CORE, courier, product
from bench.told import ANSWERING, HANGING, PATIENCE_SECONDS, Told

_PORT = 8309
_BACKLOG = 500  # events of a tenant whose receiver hangs
_IDLE_SECONDS = 5
_FEW = 100  # challenges that are read
_CONNECTIONS = 16
_ENDS_PER_SECOND = 12
_READ = Meant("GET", 200, '"PENDING"')


class Drained(NamedTuple):
    """What became of many ends that a courier found at once, per delivery."""

    tenants: int
    per_second: float
    courier_us: float
    redis_us: float
    redis_calls: float


class Delay(NamedTuple):
    """From the end of a challenge to its receipt, beside so many tenants whose receivers hang."""

    hanging: int
    p50_ms: float
    p99_ms: float


class Beside(NamedTuple):
    """What a client of the edge feels of the courier beside it."""

    state: str
    per_second: float
    p50_ms: float
    p99_ms: float


class Idle(NamedTuple):
    """What a courier takes that has nothing to do."""

    core_percent: float
    redis_percent: float
    calls_per_second: float


def _idle(told: Told, process: psutil.Process) -> Idle:
    with redis.Redis.from_url(told.redis_url) as server:
        server.config_resetstat()
        before = cpu_seconds(process)
        time.sleep(_IDLE_SECONDS)
        cpu, calls = cpu_seconds(process) - before, server.info("commandstats")["cmdstat_evalsha"]
    return Idle(*(value / _IDLE_SECONDS for value in (cpu * 100, calls["usec"] / 1e4, calls["calls"])))


def _drained(told: Told, process: psutil.Process, crowds: Sequence[Crowd], events: int) -> Drained:
    """Let ends pile up while the courier is suspended, and watch it tell them."""
    with redis.Redis.from_url(told.redis_url) as server:
        with _suspended(process):
            ended = told.end(crowds, events)
            server.config_resetstat()
            before, began = cpu_seconds(process), time.perf_counter()
        told.receiver.wait_until_told(ended, within=PATIENCE_SECONDS)
        cpu, calls = cpu_seconds(process) - before, server.info("commandstats")["cmdstat_evalsha"]
    seconds = max(told.receiver.told[challenge_id] for challenge_id in ended) - began
    count = len(ended)
    return Drained(len(crowds), count / seconds, cpu / count * 1e6, calls["usec"] / count, calls["calls"] / count)


@contextmanager
def _suspended(process: psutil.Process) -> Generator[None]:
    process.suspend()
    try:
        yield
    finally:
        process.resume()


def _delays(told: Told, events: int) -> list[Delay]:
    """Of one tenant, beside more and more others whose receivers hang, each with a backlog of its own."""
    delays: list[Delay] = []
    for hanging in range(HANGING + 1):
        if hanging:
            told.end([told.hanging[hanging - 1]], _BACKLOG)
        parts = quantiles(told.end_in_pace(events), n=100)
        delays.append(Delay(hanging, parts[49] * 1000, parts[98] * 1000))
    return delays


def _beside(told: Told, requests: Requests, *, rounds: int, seconds: int) -> list[Beside]:
    """Reads of challenges by few clients, in three states of the courier in the parent of their worker."""
    reader = told.answering[1]
    requests.write("read", map(path_of, reader.challenge(reader.enrol(_FEW))))

    def load() -> Load:
        return requests.send("read", _PORT, meant=_READ, token=reader.token, connections=_CONNECTIONS)

    def load_beside(*, hanging: int) -> Load:
        told.end(told.hanging[:hanging], hanging * _BACKLOG)
        with ThreadPoolExecutor(1) as pool:
            telling = pool.submit(told.end_in_pace, seconds * _ENDS_PER_SECOND)
            try:
                return load()
            finally:
                telling.result()

    states: dict[str, Callable[[], Load]] = {
        "nothing to tell": load,
        "one tenant is told": partial(load_beside, hanging=0),
        f"one tenant is told, {HANGING} hang": partial(load_beside, hanging=HANGING),
    }
    return [_felt(state, [measure() for _ in range(rounds)]) for state, measure in states.items()]


def _felt(state: str, loads: Sequence[Load]) -> Beside:
    if any(load.unlike for load in loads):
        raise RuntimeError(f"{state}: answers were of another kind")
    return Beside(
        state,
        median(load.per_second for load in loads),
        median(load.p50_ms for load in loads),
        median(load.p99_ms for load in loads),
    )


@click.command()
@click.option("--events", default=5000, show_default=True, help="That a courier finds at once.")
@click.option("--ends", default=200, show_default=True, help="One by one, for the delay.")
@click.option("--rounds", default=3, show_default=True)
@click.option("--seconds", default=5, show_default=True, help="Length of a load of the edge.")
def main(*, events: int, ends: int, rounds: int, seconds: int) -> None:
    """Measure, print the tables, write the JSON."""
    os.sched_setaffinity(0, {LOAD_CORE})
    with receiving() as receiver:
        with ExitStack() as stack:
            told = Told(stack, receiver, courier="off")
            process = stack.enter_context(courier(told.environ))
            receiver.wait_until_told(told.end(told.answering, ANSWERING), within=PATIENCE_SECONDS)
            idle = _idle(told, process)
            drained = [
                _median([_drained(told, process, told.answering[:tenants], events) for _ in range(rounds)])
                for tenants in (1, ANSWERING)
            ]
            delays = _delays(told, ends)
        with ExitStack() as stack:
            told = Told(stack, receiver, courier="on")
            stack.enter_context(product(_PORT, told.environ))
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            beside = _beside(told, Requests(directory, seconds=seconds), rounds=rounds, seconds=seconds)
    print_columns(Idle._fields, [idle])
    print_columns(Drained._fields, drained)
    print_columns(Delay._fields, delays)
    print_columns(Beside._fields, beside)
    measured = {"idle": [idle], "drained": drained, "delays": delays, "beside": beside}
    path = write_json("callbacks", {name: [row._asdict() for row in rows] for name, rows in measured.items()})
    click.echo(f"\nwritten to {path.relative_to(path.parents[2])}")


def _median(rounds: Sequence[Drained]) -> Drained:
    tenants, *columns = zip(*rounds, strict=True)
    return Drained(tenants[0], *map(median, columns))


if __name__ == "__main__":
    main()
