"""How many users there are at a time: the curves behind the load shapes."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

_STEPS = 5
_SPIKE_BEGINS, _SPIKE_ENDS = 0.4, 0.6
_SPIKE_TIMES = 10


@dataclass(frozen=True, slots=True)
class Curve:
    """A curve over a run that is 0 at its start and 1 at its end.

    Args:
        share: of the users, at a time.
        seconds: length of a run that says none.
        ramp: how much of the run it takes to reach a new number of users; 0 = at once.
    """

    share: Callable[[float], float]
    seconds: int
    ramp: float = 0

    def users(self, elapsed_s: float, *, most: int, seconds: float) -> int | None:
        """How many there are now; None when the run is over."""
        if elapsed_s >= seconds:
            return None
        return max(1, math.ceil(self.share(elapsed_s / seconds) * most))


def _steps(at: float) -> float:
    return (math.floor(at * _STEPS) + 1) / _STEPS


def _spike(at: float) -> float:
    return 1 if _SPIKE_BEGINS <= at < _SPIKE_ENDS else 1 / _SPIKE_TIMES


def _soak(at: float) -> float:
    del at
    return 1


CURVES: Mapping[str, Curve] = {
    "steps": Curve(_steps, seconds=150),
    "spike": Curve(_spike, seconds=150),
    "soak": Curve(_soak, seconds=3600, ramp=0.05),
}
