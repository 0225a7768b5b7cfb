"""A Cluster loses a master, or moves partitions, while clients are at work."""

from typing import TYPE_CHECKING

import pytest

from tests.engine.clusters import RedisCluster
from tests.engine.servers import server_binaries
from tests.faults.stage import staged
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Generator

    from tests.faults.stage import Reports, Stage

PARTITIONS = 64


@pytest.fixture(scope="module")
def cluster() -> "Generator[RedisCluster]":
    with RedisCluster(server_binaries()[0]) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def stage(cluster: RedisCluster, reports: "Reports") -> "Generator[Stage]":
    with staged(cluster, reports, redis_url=cluster.url_of_user(), durability="replicas:1") as stage:
        yield stage


def test_partitions_that_move_are_followed(stage: "Stage", cluster: RedisCluster) -> None:
    with stage.under_load() as play, play.history.fault("slot migration"):
        for partition in range(0, PARTITIONS, 8):
            source = cluster.master_of(partition)
            target = next(master for master in cluster.masters() if master is not source)
            cluster.migrate(partition, target)
        play.wait_for(200, 100)
    assert (play.report.refused, play.report.unknown) == (0, 0)


def test_a_killed_master_is_replaced(stage: "Stage", cluster: RedisCluster) -> None:
    """Meanwhile its partitions are refused, and the others served."""
    with stage.under_load() as play:
        master = cluster.masters()[0]
        with play.history.fault("master kill -9, replicas:1"):
            master.kill()
            wait_until(lambda: len(cluster.masters()) == 3, within=20)
            master.start()
            cluster.wait_until_content()
