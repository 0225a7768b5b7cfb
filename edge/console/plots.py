"""Plots as SVG: bars over time. What they show is in a table beside them, too.

No script and no inline style: shapes and colours are the style sheet's, so they follow light and dark.
"""

from collections.abc import Sequence
from typing import NamedTuple

WIDTH, HEIGHT = 720, 120
_GAP = 0.2  # of a bar's room


class Bars(NamedTuple):
    """A plot: `path` is what is drawn, `top` the value of its upper edge."""

    path: str
    top: int
    total: int


def bars(values: Sequence[int]) -> Bars:
    """Bars of equal width, side by side, in a box of WIDTH and HEIGHT."""
    top = _round_up(max(values, default=0))
    room = WIDTH / max(len(values), 1)
    path = "".join(_bar(index * room, room, value / top) for index, value in enumerate(values) if value)
    return Bars(path, top, sum(values))


def _bar(left: float, room: float, share: float) -> str:
    height = max(share * HEIGHT, 1.0)  # what there is can be seen
    return f"M{left + room * _GAP / 2:.1f} {HEIGHT}v-{height:.1f}h{room * (1 - _GAP):.1f}V{HEIGHT}z"


def _round_up(value: int) -> int:
    """To one, two or five times a power of ten, at least one."""
    scale = 1
    while value > 5 * scale:
        scale *= 10
    return next(step * scale for step in (1, 2, 5) if value <= step * scale)
