"""Counting by hand must come to what prometheus_client counts."""

from prometheus_client import CollectorRegistry, Histogram, generate_latest

from edge.metrics import observe_many

BOUNDS = (0.001, 0.01, 0.1)


def test_observations_counted_by_bucket_come_to_what_single_ones_do() -> None:
    single, many = CollectorRegistry(), CollectorRegistry()
    one_by_one = Histogram("seconds", "As prometheus_client counts.", buckets=BOUNDS, registry=single)
    for seconds in (0.0005, 0.001, 0.05, 7.0):
        one_by_one.observe(seconds)

    at_once = Histogram("seconds", "As prometheus_client counts.", buckets=BOUNDS, registry=many)
    observe_many(at_once, [2, 0, 1, 1], 0.0005 + 0.001 + 0.05 + 7.0)

    assert _samples(many) == _samples(single)


def _samples(registry: CollectorRegistry) -> list[str]:
    lines = generate_latest(registry).decode().splitlines()
    return [line for line in lines if line.startswith("seconds") and "_created" not in line]
