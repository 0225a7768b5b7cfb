"""What a worker counts of itself, for Prometheus.

Whatever is counted per request is counted in plain integers, here and in the engine. Once a second, at every
scrape and on leaving, `sample` hands them to prometheus_client, which is too slow to be on the way of a request.
"""

import asyncio
import platform
import time
from bisect import bisect_left
from collections import defaultdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from edge.exposition import exposition
from edge.families import BUCKETS, Families
from edge.slots import share
from engine.assembly import Engine
from engine.errors import ScriptFailed, Unavailable

_SAMPLE_SECONDS = 1.0

# What the outcome of an operation says of a passcode.
_PASSCODE_EVENTS = {
    ("submit", "ok"): "submitted",
    ("submit", "pass_key_taken"): "taken",
    ("fetch", "ok"): "fetched",
    ("fetch", "gone"): "gone",
}


class Meter:
    """Counts what one route and method did; `flush` hands it to prometheus_client.

    Counting there costs 2.5 us a request when several processes share values through files, and this 0.2.
    """

    def __init__(self, families: Families, route: str, method: str, operation: str) -> None:
        self.begun = 0
        self._finished = 0
        self._families = families
        self._labels = (route, method)
        self._operation = operation
        self._tallies: dict[str, list[float]] = defaultdict(_new_tally)
        if operation:  # an alert sees what grew, not what appeared: the first 500 must find a zero
            families.requests.labels(route, method, "broken")

    def count(self, outcome: str, seconds: float) -> None:
        """A request that had begun is finished."""
        tally = self._tallies[outcome]
        tally[bisect_left(BUCKETS, seconds)] += 1
        tally[-1] += seconds

    def flush(self) -> None:
        tallies, self._tallies = self._tallies, defaultdict(_new_tally)
        for outcome, (*buckets, seconds) in tallies.items():
            number = sum(buckets)
            self._finished += int(number)
            self._families.requests.labels(*self._labels, outcome).inc(number)
            observe_many(self._families.request_seconds.labels(*self._labels, outcome), buckets, seconds)
            if event := _PASSCODE_EVENTS.get((self._operation, outcome)):
                self._families.passcodes.labels(event).inc(number)
        if self.begun:
            self._families.requests_in_flight.labels(*self._labels).set(self.begun - self._finished)


def _new_tally() -> list[float]:
    """Requests by bucket of their time, and that time in all."""
    return [0] * (len(BUCKETS) + 1) + [0.0]


def observe_many(histogram: Histogram, buckets: list[float], seconds: float) -> None:
    """Add observations that were counted by bucket already, which prometheus_client has no public call for.

    A test compares this with `observe`, so a version that keeps histograms differently fails there.
    """
    inside: Any = histogram
    for bucket, number in zip(inside._buckets, buckets, strict=True):  # noqa: SLF001
        if number:
            bucket.inc(number)
    inside._sum.inc(seconds)  # noqa: SLF001


class Metrics:
    """The metrics of one worker, and the view over all workers.

    Args:
        shared: the directory through which the workers of one parent share what they count; None = there is one.
        password_threads: how many passwords are hashed at once.
        max_requests: how many requests are served at once.
    """

    def __init__(self, shared: Path | None, *, password_threads: int, max_requests: int) -> None:
        self._shared = shared
        self._registry = CollectorRegistry()
        if shared is not None:
            share(shared)
        self._families = Families(self._registry)
        self._password_threads = password_threads
        self._max_requests = max_requests
        self._meters: list[Meter] = []
        self._seen: dict[Counter, float] = {}
        self._server: tuple[str, str] | None = None
        for event in _PASSCODE_EVENTS.values():
            self._families.passcodes.labels(event)

    def meter(self, route: str, method: str, operation: str = "") -> Meter:
        meter = Meter(self._families, route, method, operation)
        self._meters.append(meter)
        return meter

    async def keep_sampling(self, engine: Engine) -> None:
        """Sample until cancelled."""
        families = self._families
        families.worker_starts.inc()
        families.workers.set(1)
        families.password_threads.set(self._password_threads)
        families.requests_capacity.set(self._max_requests)
        families.build.labels(version("watchword"), platform.python_version()).set(1)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._keep_watching_the_loop(engine))
            group.create_task(self._keep_pinging(engine))

    def sample(self, engine: Engine) -> None:
        """Take over what is counted in plain integers."""
        families, link = self._families, engine.link
        for meter in self._meters:
            meter.flush()
        families.link_up.set(link.is_up)
        families.link_in_flight.set(link.in_flight)
        families.link_queued.set(link.queued)
        families.link_capacity.set(link.max_in_flight)
        for name, counter in families.link_events.items():
            self._bring(counter, getattr(link.stats, name))
        self._say_who_answers(link.server)
        families.tenants_known.set(len(engine.known_tenants))
        for name, counter in families.tenant_events.items():
            self._bring(counter, getattr(engine.known_tenants.stats, name))
        for policy, decisions in engine.limits.decisions.items():
            self._bring(families.limit_decisions.labels(policy, "allowed", "worker"), decisions.allowed_unasked)
            self._bring(families.limit_decisions.labels(policy, "allowed", "redis"), decisions.allowed)
            self._bring(families.limit_decisions.labels(policy, "refused", "worker"), decisions.refused_unasked)
            self._bring(families.limit_decisions.labels(policy, "refused", "redis"), decisions.refused)
        for name, counter in families.challenges.items():
            self._bring(counter, engine.challenges.counts[name])
        families.passwords_queued.set(engine.passwords.queued)
        self._bring(families.cpu_seconds, time.process_time())

    def render(self) -> bytes:
        """The exposition text, over all workers."""
        return generate_latest(self._registry) if self._shared is None else exposition(self._shared)

    async def _keep_watching_the_loop(self, engine: Engine) -> None:
        while True:
            self.sample(engine)
            due = time.perf_counter() + _SAMPLE_SECONDS
            await asyncio.sleep(_SAMPLE_SECONDS)
            self._families.event_loop_lag.observe(max(time.perf_counter() - due, 0.0))

    async def _keep_pinging(self, engine: Engine) -> None:
        while True:
            asked = time.perf_counter()
            try:
                await engine.link.ping()
            except (Unavailable, ScriptFailed):  # said by other metrics
                pass
            else:
                self._families.link_round_trip.observe(time.perf_counter() - asked)
            await asyncio.sleep(_SAMPLE_SECONDS)

    def _bring(self, counter: Counter, number: float) -> None:
        """Bring a counter up to a number that only grows."""
        if grown := number - self._seen.get(counter, 0):
            counter.inc(grown)
            self._seen[counter] = number

    def _say_who_answers(self, server: tuple[str, str] | None) -> None:
        if server != self._server:
            if self._server is not None:
                self._families.redis_info.labels(*self._server).set(0)
            if server is not None:
                self._families.redis_info.labels(*server).set(1)
            self._server = server
