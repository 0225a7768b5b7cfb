"""Workers of an edge are killed while clients are at work. Couriers are, in tests/edge/test_callbacks.py."""

from typing import TYPE_CHECKING

from tests.edge.program import WORKERS, is_alive
from tests.faults.invariants import Terms
from tests.waiting import wait_until

if TYPE_CHECKING:
    from tests.faults.stage import Stage


def test_a_killed_worker_is_replaced_and_takes_nothing_along(stage: "Stage") -> None:
    """Whose connection it takes along does not know what became of a request; the others go on."""
    edge = stage.edge
    with stage.under_load(Terms(may_cut=True)) as play:
        victim = edge.workers()[0]
        with play.history.fault("worker kill -9"):
            victim.kill()
            wait_until(lambda: not is_alive(victim))
        wait_until(lambda: len(edge.workers()) == WORKERS, within=20)
    assert victim.pid not in {worker.pid for worker in edge.workers()}
