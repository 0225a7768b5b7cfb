"""A server keeps nothing, or too little: what is lost is counted, and nobody is told anything wrong."""

from typing import TYPE_CHECKING

import pytest

from tests.engine.servers import RedisServer, server_binaries
from tests.faults.invariants import Terms
from tests.faults.stage import staged
from tests.faults.test_one_server import killed
from tests.faults.test_workers import kill_a_worker

if TYPE_CHECKING:
    from collections.abc import Generator

    from tests.faults.stage import Reports, Stage

EVERYTHING = float("inf")
# A server of the everysec kind answers before it writes where a sync takes long, and waits two seconds for it.
UNWRITTEN_SECONDS = 2.0
# What is said of tenants, factors and challenges that are gone.
FORGOTTEN = Terms().statuses | {401, 404}


@pytest.fixture
def redis(request: pytest.FixtureRequest) -> "Generator[RedisServer]":
    with RedisServer(server_binaries()[0], *request.param) as redis:
        yield redis


@pytest.fixture
def stage(redis: RedisServer, reports: "Reports") -> "Generator[Stage]":
    with staged(redis, reports) as stage:
        yield stage


keeps = pytest.mark.parametrize


@keeps("redis", [()], indirect=True, ids=["no AOF"])
def test_what_was_done_after_the_last_snapshot_is_undone_and_counted(stage: "Stage", redis: RedisServer) -> None:
    with stage.under_load(Terms(loses_s=EVERYTHING, statuses=FORGOTTEN)) as play:
        redis.command("SAVE")
        assert play.fetch_some(10) == {200}
        play.wait_for(200, 100)
        with play.history.fault("kill -9, an old snapshot"), killed(redis):
            play.wait_for_each(503)
    assert play.report.lost > 10
    assert play.report.revived >= 10


@keeps("redis", [()], indirect=True, ids=["no AOF"])
def test_all_workers_agree_on_where_things_are_after_a_server_has_come_back_empty(
    stage: "Stage", redis: RedisServer
) -> None:
    """Also those that have been started since."""
    stage.wait_until_linked()
    with killed(redis):
        pass
    stage.wait_until_linked()
    with (
        stage.under_load(Terms(may_cut=True)) as play,
        play.history.fault("worker kill -9 after an empty start"),
    ):
        kill_a_worker(stage.edge)
        stage.wait_until_linked()
    assert play.report.refused == 0


@pytest.mark.thorough
@keeps("redis", [("--appendonly", "yes", "--appendfsync", "everysec")], indirect=True, ids=["everysec"])
def test_a_server_that_writes_every_second_loses_no_more_than_what_it_had_not_written(
    stage: "Stage", redis: RedisServer
) -> None:
    with stage.under_load(Terms(loses_s=UNWRITTEN_SECONDS, statuses=FORGOTTEN)) as play:
        play.go_on(2 * UNWRITTEN_SECONDS)
        with play.history.fault("kill -9, everysec"), killed(redis):
            play.wait_for_each(503)
