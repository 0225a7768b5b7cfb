"""Bars of plots: as high as what they stand for, within their box."""

import re

import pytest

from edge.console.plots import HEIGHT, WIDTH, bars


@pytest.mark.parametrize(
    ("values", "top"),
    [([], 1), ([0], 1), ([1], 1), ([2, 1], 2), ([3], 5), ([6], 10), ([11], 20), ([499_999], 500_000)],
)
def test_the_upper_edge_is_a_round_number_that_nothing_exceeds(values: list[int], top: int) -> None:
    assert bars(values).top == top
    assert bars(values).total == sum(values)


def test_bars_are_side_by_side_and_within_the_box() -> None:
    values = [5, 0, 10, 1, 100_000]
    drawn = [tuple(map(float, bar)) for bar in re.findall(r"M([\d.]+) \d+v-([\d.]+)h([\d.]+)", bars(values).path)]
    assert len(drawn) == 4
    assert drawn[-1][1] == HEIGHT
    assert all(1 <= height <= HEIGHT for _, height, _ in drawn)
    rights = [left + width for left, _, width in drawn]
    assert all(right < left for right, (left, _, _) in zip(rights, drawn[1:], strict=False))
    assert rights[-1] <= WIDTH
