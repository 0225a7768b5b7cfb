"""The text that Prometheus scrapes, over all workers of a parent."""

from collections.abc import Iterable
from pathlib import Path
from typing import cast

from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from edge.slots import shared_files

CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"


class _Shared(Collector):
    """What the workers keep in files."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def collect(self) -> Iterable[Metric]:
        return cast("Iterable[Metric]", MultiProcessCollector.merge(shared_files(self._directory)))


def exposition(directory: Path) -> bytes:
    """The metrics of all workers that share a directory."""
    registry = CollectorRegistry()
    registry.register(_Shared(directory))
    return generate_latest(registry)
