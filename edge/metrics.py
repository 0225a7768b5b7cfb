"""Prometheus metrics: rate, errors and duration per route, the link, the password queue.

With several workers prometheus_client shares its values through files; the parent process names and wipes their
directory before this module is imported anywhere (see watchword.serve).
"""

import os
import platform
from bisect import bisect_left
from collections import defaultdict
from importlib.metadata import version
from typing import Any

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from engine.assembly import Engine

CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"

_LATENCY_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)

_requests = Counter("watchword_requests", "Requests served.", ["route", "method", "outcome"])
_latency = Histogram(
    "watchword_request_seconds", "Time to serve a request.", ["route", "method"], buckets=_LATENCY_BUCKETS
)
_build = Gauge(
    "watchword_build_info", "What is running; always 1.", ["version", "python"], multiprocess_mode="max"
)
_link_up = Gauge("watchword_link_up", "Workers with a working link to Redis.", multiprocess_mode="livesum")
_link_in_flight = Gauge(
    "watchword_link_in_flight", "Calls that wait for Redis, sampled.", multiprocess_mode="livesum"
)
_passwords_queued = Gauge(
    "watchword_passwords_queued", "Passwords being hashed or waiting.", multiprocess_mode="livesum"
)
_link_events = {
    name: Counter(f"watchword_link_{name}", text)
    for name, text in (
        ("calls", "Calls sent to Redis."),
        ("connects", "Connections made to Redis."),
        ("script_reloads", "Scripts that Redis had forgotten and was given again."),
        ("overloads", "Calls refused because too many were in flight."),
        ("unanswered", "Calls whose outcome is unknown."),
    )
}


class Meter:
    """Counts what one route and method did, in plain integers; `flush` hands them to prometheus_client.

    Counting there costs 2.5 us a request when several processes share values through files, and this 0.2.
    """

    def __init__(self, route: str, method: str) -> None:
        self._labels = (route, method)
        self._histogram = _latency.labels(route, method)
        self._outcomes: dict[str, int] = defaultdict(int)
        self._buckets = [0] * (len(_LATENCY_BUCKETS) + 1)
        self._seconds = 0.0

    def count(self, outcome: str, seconds: float) -> None:
        self._outcomes[outcome] += 1
        self._buckets[bisect_left(_LATENCY_BUCKETS, seconds)] += 1
        self._seconds += seconds

    def flush(self) -> None:
        for outcome, number in self._outcomes.items():
            _requests.labels(*self._labels, outcome).inc(number)
        self._outcomes.clear()
        observe_many(self._histogram, self._buckets, self._seconds)
        self._buckets = [0] * len(self._buckets)
        self._seconds = 0.0


def observe_many(histogram: Histogram, buckets: list[int], seconds: float) -> None:
    """Add observations that were counted by bucket already, which prometheus_client has no public call for.

    A test compares this with `observe`, so a version that keeps histograms differently fails there.
    """
    inside: Any = histogram
    for bucket, number in zip(inside._buckets, buckets, strict=True):  # noqa: SLF001
        if number:
            bucket.inc(number)
    inside._sum.inc(seconds)  # noqa: SLF001


class Metrics:
    """The metrics of one worker, and the view over all workers."""

    def __init__(self) -> None:
        self._meters: list[Meter] = []
        self._link_seen = dict.fromkeys(_link_events, 0)
        _build.labels(version("watchword"), platform.python_version()).set(1)

    def meter(self, route: str, method: str) -> Meter:
        meter = Meter(route, method)
        self._meters.append(meter)
        return meter

    def sample(self, engine: Engine) -> None:
        """Take over what is counted in plain integers, off the path of any request."""
        for meter in self._meters:
            meter.flush()
        _link_up.set(engine.link.is_up)
        _link_in_flight.set(engine.link.in_flight)
        _passwords_queued.set(engine.passwords.queued)
        for name, counter in _link_events.items():
            now: int = getattr(engine.link.stats, name)
            counter.inc(now - self._link_seen[name])
            self._link_seen[name] = now

    def render(self) -> bytes:
        """The exposition text, over all workers."""
        if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
            return generate_latest(REGISTRY)
        registry = CollectorRegistry()
        MultiProcessCollector(registry)
        return generate_latest(registry)
