"""Workers of an edge are killed while clients are at work. Couriers are, in tests/edge/test_callbacks.py."""

from typing import TYPE_CHECKING

import pytest

from tests.edge.program import WORKERS, is_alive
from tests.edge.stored import names
from tests.edge.test_callbacks import told
from tests.faults.invariants import Terms
from tests.waiting import wait_until

if TYPE_CHECKING:
    from tests.edge.program import Edge
    from tests.engine.servers import RedisServer
    from tests.faults.stage import Stage

pytestmark = pytest.mark.one_node


def kill_a_worker(edge: "Edge") -> int:
    """As `kill -9`. Its number as a process."""
    victim = edge.workers()[0]
    victim.kill()
    wait_until(lambda: not is_alive(victim))
    return victim.pid


def test_a_killed_worker_is_replaced_and_takes_nothing_along(stage: "Stage") -> None:
    """Whose connection it takes along does not know what became of a request; the others go on."""
    edge = stage.edge
    with stage.under_load(Terms(may_cut=True)) as play:
        with play.history.fault("worker kill -9"):
            killed = kill_a_worker(edge)
        wait_until(lambda: len(edge.workers()) == WORKERS, within=20)
    assert killed not in {worker.pid for worker in edge.workers()}


def test_an_attempt_that_was_counted_by_a_worker_that_died_is_spent_and_the_challenge_expires(
    stage: "Stage", redis: "RedisServer"
) -> None:
    app = stage.new_app()
    factor = app.active_factor()
    before = names(redis, "challenge")
    challenge = app.challenge(factor)
    (key,) = names(redis, "challenge") - before
    redis.command("HINCRBY", key, "attempts", 1)  # as between counting and comparing
    assert app.answer(challenge, factor.code()).status_code == 400
    assert app.get(challenge).json()["status"] == "PENDING"
    redis.command("HSET", key, "expires_ms", 1)
    for due in names(redis, "due"):
        for member in redis.command("ZRANGE", due, 0, -1):
            redis.command("ZADD", due, 1, member)
    expected = {"challenge_id": challenge.rpartition("/")[2], "status": "EXPIRED"}
    wait_until(lambda: expected in told(stage.receiver, f"/{app.tenant.id}"))
    assert app.get(challenge).json()["status"] == "EXPIRED"
