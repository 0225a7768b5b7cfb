"""What Prometheus reads off an edge."""

import re
from pathlib import Path
from typing import NamedTuple

import httpx
from prometheus_client.parser import text_string_to_metric_families

ROOT = Path(__file__).parents[2]

_NAME = re.compile(r"\bwatchword_[a-z_]+")
_MATCHERS = re.compile(r"\{([^}]*)\}")
_LABEL = re.compile(r"(\w+)(?:=~|!~|!=|=)\"")
_GROUPING = re.compile(r"\b(?:by|on|without|ignoring)\s*\(([^)]*)\)")
# What Prometheus itself adds to a series.
_OF_THE_SCRAPE = {"job", "instance"}


class Sample(NamedTuple):
    name: str
    labels: dict[str, str]
    value: float


class Scrape:
    """The samples of one exposition."""

    def __init__(self, text: str) -> None:
        self.families = {family.name: family.type for family in text_string_to_metric_families(text)}
        self.samples = [
            Sample(sample.name, sample.labels, sample.value)
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        ]

    @classmethod
    def of(cls, url: str) -> "Scrape":
        return cls(httpx.get(f"{url}/metrics").raise_for_status().text)

    @property
    def labels(self) -> dict[str, set[str]]:
        """The labels of each series by its name, buckets by theirs."""
        found: dict[str, set[str]] = {}
        for sample in self.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
        return found

    def total(self, name: str, **labels: str) -> float:
        """The sum over all series that have these labels."""
        return sum(
            sample.value
            for sample in self.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )


def unknown_in(query: str, scrape: Scrape) -> set[str]:
    """The metrics of a query that are not exposed, and the labels that none of its metrics has."""
    names = set(_NAME.findall(query))
    known = scrape.labels
    labels = set(_LABEL.findall(" ".join(_MATCHERS.findall(query))))
    for group in _GROUPING.findall(query):
        labels.update(label.strip() for label in group.split(",") if label.strip())
    there = _OF_THE_SCRAPE.union(*(known.get(name, set[str]()) for name in names))
    return (names - known.keys()) | (labels - there)
