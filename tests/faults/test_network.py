"""The network between an edge and its server is bad in every way, while clients are at work."""

from typing import TYPE_CHECKING

import pytest

from tests.faults.proxy import BOTH, DOWN, UP

if TYPE_CHECKING:
    from tests.faults.proxy import Proxy
    from tests.faults.stage import Stage

pytestmark = pytest.mark.one_node

A_REPLY_OR_SO = 200  # bytes


def test_connections_that_are_reset_again_and_again(stage: "Stage", proxy: "Proxy") -> None:
    with stage.under_load() as play, play.history.fault("resets"):
        for _ in range(5):
            proxy.reset()
            play.wait_for(200, 10)


@pytest.mark.parametrize(
    "lost",
    [
        frozenset({DOWN}),
        pytest.param(frozenset({UP}), marks=pytest.mark.thorough),
        pytest.param(BOTH, marks=pytest.mark.thorough),
    ],
    ids=lambda lost: "+".join(sorted(lost)),
)
def test_nothing_gets_through_for_a_while_and_arrives_after_all(
    stage: "Stage", proxy: "Proxy", lost: frozenset[str]
) -> None:
    """Where answers alone are held up, everything is done, and nobody is told."""
    with stage.under_load() as play, play.history.fault(f"held {'+'.join(sorted(lost))}"), proxy.holding(lost):
        play.go_on(1.5)


def test_a_half_open_connection_is_given_up_for_a_new_one(stage: "Stage", proxy: "Proxy") -> None:
    """Its other end is gone, without a word; a new connection is good at once."""
    with stage.under_load() as play:
        with play.history.fault("half-open"):
            proxy.orphan()
        play.wait_for_each(200, 201)


@pytest.mark.thorough
def test_a_slow_server_within_the_deadline_costs_nobody_an_answer(stage: "Stage", proxy: "Proxy") -> None:
    with stage.under_load() as play, play.history.fault("slow by 100 ms"), proxy.slow(delay_s=0.1):
        play.wait_for_each(200, 201)
        play.wait_for(200, 50)
    assert (play.report.refused, play.report.unknown) == (0, 0)


@pytest.mark.thorough
def test_a_server_too_slow_for_the_deadline_is_given_up_in_time(stage: "Stage", proxy: "Proxy") -> None:
    with stage.under_load() as play, play.history.fault("slow by 800 ms"), proxy.slow(delay_s=0.8):
        play.go_on(1.5)


@pytest.mark.thorough
def test_a_throttled_network_holds_nobody_up(stage: "Stage", proxy: "Proxy") -> None:
    with stage.under_load() as play, play.history.fault("500 B/s"), proxy.slow(bytes_per_s=500):
        play.go_on(3.0)


def test_connections_that_end_in_the_midst_of_replies(stage: "Stage", proxy: "Proxy") -> None:
    with stage.under_load() as play, play.history.fault("cut replies"):
        for more in range(5):
            with proxy.cutting(after=A_REPLY_OR_SO + 13 * more):
                play.wait_for_each(503)
            play.wait_for(200, 5)


@pytest.mark.thorough
def test_refused_connections_are_said_at_once(stage: "Stage", proxy: "Proxy") -> None:
    with stage.under_load() as play, play.history.fault("refused"), proxy.refusing():
        play.wait_for_each(503)
        play.wait_for(503, 50)
