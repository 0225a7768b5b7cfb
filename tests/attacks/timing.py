"""Whether two kinds of requests can be told apart by the time that their answers take.

Machines are loaded, and their times are no bell curves: means and fixed bounds tell nothing. So kinds are asked in
turns, in an order that is drawn anew each time, over one connection, and what is looked at are differences within
a turn, which drift and load have in common. How much such differences are worth is measured too: each turn asks
one kind twice (A/A). Kinds are told apart if their difference is much larger than that of a kind to itself, and
than what could be of use, in several rounds in a row and in one direction: noise is not so steady, an oracle is.
"""

import random
import time
from collections.abc import Callable
from statistics import median
from typing import NamedTuple

TURNS = 200  # of a round
ROUNDS = 4  # in a row, until it is believed
USELESS_SECONDS = 15e-6  # a cache line, a branch: below the noise of any network
_FACTOR = 4.0  # so many standard errors
_NORMAL = 1.4826  # from the median deviation to the standard one, of a normal distribution
_MEDIAN = 1.2533  # the standard error of a median is so much larger than that of a mean

Ask = Callable[[], float]
"""Asks once. Tells the seconds it took."""


class Round(NamedTuple):
    """Seconds: by how much B takes longer than A, and how far such a figure is to be trusted."""

    shift: float
    noise: float

    @property
    def verdict(self) -> int:
        """1 or -1 = told apart in this direction, 0 = not told apart."""
        if abs(self.shift) <= max(_FACTOR * self.noise, USELESS_SECONDS):
            return 0
        return 1 if self.shift > 0 else -1


def tells_apart(a: Ask, b: Ask, *, turns: int = TURNS, rounds: int = ROUNDS) -> bool:
    """Whether A and B can be told apart by their times."""
    verdicts: set[int] = set()
    for _ in range(rounds):
        verdicts.add(compare(a, b, turns=turns).verdict)
        if verdicts not in ({1}, {-1}):
            return False
    return True


def compare(a: Ask, b: Ask, *, turns: int = TURNS) -> Round:
    """One round. Pairs of A and B, and of A and A, in turns."""
    between: list[float] = []
    within: list[float] = []
    for _ in range(turns):
        asked = [(0, a), (1, a), (2, b)]
        random.shuffle(asked)
        seconds = [0.0] * 3
        for place, ask in asked:
            seconds[place] = ask()
        between.append(seconds[2] - seconds[0])
        within.append(seconds[1] - seconds[0])
    return Round(median(between), max(_error(between), _error(within), abs(median(within))))


def _error(differences: list[float]) -> float:
    """The standard error of a median, by deviations that outliers do not count in."""
    middle = median(differences)
    deviation = median(abs(one - middle) for one in differences)
    return _MEDIAN * _NORMAL * deviation / len(differences) ** 0.5


def timed(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def slowed(ask: Ask, seconds: float) -> Ask:
    """The same with an oracle planted: it takes so much longer."""

    def asked() -> float:
        return ask() + timed(lambda: _spin(seconds))

    return asked


def _spin(seconds: float) -> None:
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        pass
