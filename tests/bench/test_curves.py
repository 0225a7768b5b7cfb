"""How many users a shape wants at a time."""

import pytest

from bench.curves import CURVES


def _users(name: str, *elapsed: float) -> list[int | None]:
    return [CURVES[name].users(at, most=50, seconds=100) for at in elapsed]


def test_steps_go_up_by_a_fifth_at_a_time() -> None:
    assert _users("steps", 0, 19.9, 20, 40, 60, 99.9) == [10, 10, 20, 30, 40, 50]


def test_a_spike_is_all_of_the_users_for_a_fifth_of_the_time() -> None:
    assert _users("spike", 0, 39.9, 40, 59.9, 60, 99.9) == [5, 5, 50, 50, 5, 5]


def test_a_soak_is_all_of_the_users_all_the_time() -> None:
    assert _users("soak", 0, 50, 99.9) == [50, 50, 50]


@pytest.mark.parametrize("name", CURVES)
def test_every_shape_ends_when_the_run_does(name: str) -> None:
    assert _users(name, 100, 101) == [None, None]


@pytest.mark.parametrize("name", CURVES)
def test_there_is_always_somebody(name: str) -> None:
    assert CURVES[name].users(0, most=1, seconds=100) == 1
