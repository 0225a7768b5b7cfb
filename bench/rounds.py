"""Rounds: scenarios alternate, and each is told as a ratio to the floor that was measured in the same round."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import psutil

from bench.load import Load
from bench.report import Row

if TYPE_CHECKING:
    import redis


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
        before = cpu_seconds(self.process)
        load = self.load(number)
        edge_us = (cpu_seconds(self.process) - before) / load.requests * 1e6
        if load.not_2xx != (load.requests if self.refused else 0):
            raise RuntimeError(f"{self.name}: {load.not_2xx} of {load.requests} answers were refusals")
        if load.unlike:
            raise RuntimeError(f"{self.name}: {load.unlike} of {load.requests} answers were of another kind")
        self.samples.append(Sample(edge_us, *redis_share(server, load.requests), load))


def cpu_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def redis_share(server: "redis.Redis", requests: int) -> tuple[float, float]:
    """Microseconds inside commands, and commands sent by clients, both per request."""
    stats = server.info("commandstats")
    asked = [stats[name] for name in ("cmdstat_evalsha", "cmdstat_eval", "cmdstat_hget") if name in stats]
    return (
        sum(row["usec"] for row in asked) / requests,
        sum(row["calls"] for row in asked) / requests,
    )


def run_rounds(scenarios: Sequence[Scenario], rounds: int, server: "redis.Redis") -> list[Row]:
    """Warm up, run all of them in turns, and sum up. The first one is the floor."""
    for scenario in scenarios:
        scenario.prepare(rounds)
        scenario.load(rounds)  # caches, connections, the interpreter's specialisation
    for number in range(rounds):
        for scenario in scenarios:
            scenario.run_round(number, server)
    return [_row(scenario, scenarios[0]) for scenario in scenarios]


def some_of(scenarios: Sequence[Scenario], parts: Sequence[str]) -> list[Scenario]:
    """The floor, and the scenarios whose name has one of these parts in it; no parts = all of them."""
    chosen = [one for one in scenarios[1:] if not parts or any(part in one.name for part in parts)]
    return [scenarios[0], *chosen]


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
