"""What a courier counts, for Prometheus. No label names a tenant, an address or a message."""

import asyncio
import platform
from importlib.metadata import version
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from edge.courier.courier import BUCKETS, CourierStats
from edge.courier.sender import Outcome
from edge.metrics import observe_many
from edge.slots import share
from engine.deliveries import End

_SAMPLE_SECONDS = 1.0
_ENDS = (*End, "dropped")


class CourierMetrics:
    """Args:
    shared: the directory through which the processes of one parent share what they count.
    """

    def __init__(self, shared: Path) -> None:
        share(shared)
        registry = CollectorRegistry()
        self._attempts = Counter(
            "watchword_delivery_attempts",
            "Attempts to deliver, by what the receiver did.",
            ["outcome"],
            registry=registry,
        )
        self._ends = Counter(
            "watchword_deliveries",
            "Deliveries by how they were left: delivered, to be tried again, given up, or with nobody to tell.",
            ["end"],
            registry=registry,
        )
        self._seconds = Histogram(
            "watchword_delivery_seconds", "Time of an attempt.", registry=registry, buckets=BUCKETS
        )
        self._expired = Counter(
            "watchword_challenges_expired", "Challenges whose end in time a courier has noted.", registry=registry
        )
        self._couriers = self._gauge(
            registry, "watchword_couriers", "Couriers with a working link to Redis.", mode="livesum"
        )
        self._ready = self._gauge(registry, "watchword_outbox_ready", "Events to be told now.")
        self._waiting = self._gauge(registry, "watchword_outbox_waiting", "Events to be told again later.")
        self._oldest = self._gauge(
            registry, "watchword_outbox_oldest_seconds", "Age of the oldest event that was not tried yet."
        )
        self._overdue = self._gauge(
            registry, "watchword_challenges_overdue_seconds", "Age of the oldest expiry that no courier has noted."
        )
        # As workers say it: a courier by itself runs something too.
        self._gauge(
            registry, "watchword_build_info", "What is running; always 1.", labels=("version", "python")
        ).labels(version("watchword"), platform.python_version()).set(1)
        self._seen = CourierStats()
        for outcome in Outcome:  # an alert sees what grew, not what appeared
            self._attempts.labels(outcome)
        for end in _ENDS:
            self._ends.labels(end)

    async def keep_sampling(self, stats: CourierStats) -> None:
        """Sample until cancelled."""
        while True:
            self.sample(stats)
            await asyncio.sleep(_SAMPLE_SECONDS)

    def sample(self, stats: CourierStats) -> None:
        """Take over what is counted in plain integers."""
        seen = self._seen
        for outcome, number in stats.attempts.items():
            self._attempts.labels(outcome).inc(number - seen.attempts[outcome])
        for end, number in stats.ends.items():
            self._ends.labels(end).inc(number - seen.ends[end])
        grown = [float(now - before) for now, before in zip(stats.tally, seen.tally, strict=True)]
        observe_many(self._seconds, grown, stats.seconds - seen.seconds)
        self._expired.inc(stats.expired - seen.expired)
        self._seen = CourierStats(
            stats.attempts.copy(), stats.ends.copy(), [*stats.tally], stats.seconds, stats.expired
        )
        self._couriers.set(stats.backlog is not None)
        if stats.backlog is not None:
            self._ready.set(stats.backlog.ready)
            self._waiting.set(stats.backlog.waiting)
            self._oldest.set(stats.backlog.oldest_ms / 1000)
            self._overdue.set(stats.backlog.overdue_ms / 1000)

    @staticmethod
    def _gauge(
        registry: CollectorRegistry, name: str, text: str, *, labels: tuple[str, ...] = (), mode: str = "livemax"
    ) -> Gauge:
        """Every courier looks at the whole backlog, so what they say of it is not added up."""
        return Gauge(name, text, labels, registry=registry, multiprocess_mode=mode)  # pyright: ignore[reportArgumentType]
