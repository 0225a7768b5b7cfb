"""The statistic of tests/attacks/timing.py, on times that are made up: it sees what is planted, no more."""

import random
from typing import TYPE_CHECKING

import pytest

from tests.attacks.timing import tells_apart

if TYPE_CHECKING:
    from tests.attacks.timing import Ask

MICROSECOND = 1e-6


class Times:
    """As they are measured over loopback: 250 us, a tail of milliseconds, and load that comes and goes."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._load = 1.0

    def ask(self, extra: float = 0.0) -> "Ask":
        def asked() -> float:
            drawn = self._random
            if drawn.random() < 0.01:
                self._load = drawn.choice([1.0, 1.5, 3.0])
            tail = drawn.expovariate(1 / 2e-3) if drawn.random() < 0.05 else 0.0
            return self._load * drawn.lognormvariate(0, 0.15) * 250 * MICROSECOND + tail + extra

        return asked


@pytest.mark.parametrize("seed", range(10))
def test_a_difference_that_is_planted_is_seen(seed: int) -> None:
    """Where it is busy, not always at the first look."""
    for extra in (100, -100, 500):
        times = Times(seed)
        one, other = times.ask(100 * MICROSECOND), times.ask((100 + extra) * MICROSECOND)
        assert any(tells_apart(one, other) for _ in range(5))


def test_where_there_is_none_none_is_seen() -> None:
    seen = [seed for seed in range(100) if tells_apart((times := Times(seed)).ask(), times.ask())]
    assert seen == []
