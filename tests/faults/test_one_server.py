"""A single server is killed, stands still, is full or forgets, while clients are at work."""

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.faults.history import Kind

if TYPE_CHECKING:
    from collections.abc import Generator

    from tests.engine.servers import RedisServer
    from tests.faults.stage import Stage

pytestmark = pytest.mark.one_node


@contextmanager
def killed(redis: "RedisServer") -> "Generator[None]":
    redis.kill()
    try:
        yield
    finally:
        redis.start()


@contextmanager
def paused(redis: "RedisServer") -> "Generator[None]":
    redis.pause()
    try:
        yield
    finally:
        redis.resume()


@contextmanager
def full(redis: "RedisServer") -> "Generator[None]":
    """It may have no more memory than it has, and gives up nothing of it."""
    redis.command("CONFIG", "SET", "maxmemory-policy", "noeviction")
    redis.command("CONFIG", "SET", "maxmemory", redis.admin.info("memory")["used_memory"])
    try:
        yield
    finally:
        redis.command("CONFIG", "SET", "maxmemory", 0)


def test_a_killed_server_loses_nothing_that_was_acknowledged(stage: "Stage", redis: "RedisServer") -> None:
    with stage.under_load() as play, play.history.fault("kill -9"), killed(redis):
        play.wait_for_each(503)
        play.wait_for(503, 100)


@pytest.mark.parametrize(
    "seconds", [1.5, pytest.param(5.0, marks=pytest.mark.thorough)], ids=lambda seconds: f"for {seconds} s"
)
def test_a_server_that_stands_still_holds_nobody_up_and_does_nothing_twice(
    stage: "Stage", redis: "RedisServer", seconds: float
) -> None:
    """It comes back to what was sent meanwhile, and given up by whoever had sent it."""
    with stage.under_load() as play, play.history.fault(f"SIGSTOP for {seconds} s"), paused(redis):
        play.go_on(seconds)


def test_a_full_server_hands_out_what_it_has_and_takes_nothing_new(stage: "Stage", redis: "RedisServer") -> None:
    with stage.under_load() as play:
        with play.history.fault("full memory"), full(redis):
            play.wait_for(503, 50)
            assert play.fetch_some(20) == {200}
        full_since, full_until = play.history.faults[0][1:]
    submitted = [
        one for one in play.history.of(Kind.SUBMIT) if full_since < one.sent and one.answered < full_until
    ]
    assert 503 in {one.status for one in submitted}
    assert all(one.is_done or one.is_refused for one in submitted)


def test_forgotten_scripts_are_noticed_by_nobody(stage: "Stage", redis: "RedisServer") -> None:
    with stage.under_load() as play, play.history.fault("SCRIPT FLUSH"):
        for _ in range(10):
            redis.command("SCRIPT", "FLUSH", "SYNC")
            play.wait_for(200, 5)
    assert (play.report.refused, play.report.unknown) == (0, 0)
