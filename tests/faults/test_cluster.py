"""A Cluster moves partitions, or loses a master, while clients are at work."""

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from engine.sealing import Keyring
from tests.engine.clusters import RedisCluster
from tests.engine.servers import server_binaries
from tests.faults.stage import staged
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Generator

    from tests.faults.invariants import Terms
    from tests.faults.stage import Reports, Stage

pytestmark = pytest.mark.one_node  # and one Cluster is enough

KEYS = Keyring.generate()
PARTITIONS = 64
MASTERS = 3


@pytest.fixture(scope="module")
def cluster() -> "Generator[RedisCluster]":
    with RedisCluster(server_binaries()[0], masters=MASTERS) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def stage(cluster: RedisCluster, durability: str, reports: "Reports") -> "Generator[Stage]":
    cluster.wait_until_content()
    with staged(cluster, reports, durability=durability, keys=KEYS) as stage:
        yield stage


@contextmanager
def replaced(cluster: RedisCluster) -> "Generator[None]":
    """Return when a replica has taken the place of the master that the block has ended."""
    yield
    wait_until(lambda: len(cluster.masters()) == MASTERS, within=20, message="an election")


def test_partitions_that_move_are_followed_and_nobody_notices(
    stage: "Stage", cluster: RedisCluster, durability: str
) -> None:
    with stage.under_load() as play, play.history.fault(f"slot migration, {durability}"):
        for partition in range(0, PARTITIONS, 8):
            source = cluster.master_of(partition)
            target = next(master for master in cluster.masters() if master is not source)
            cluster.migrate(partition, target)
        play.wait_for(200, 100)
    assert (play.report.refused, play.report.unknown) == (0, 0)


def test_a_killed_master_is_replaced(
    stage: "Stage", cluster: RedisCluster, durability: str, terms: "Terms"
) -> None:
    """Meanwhile its partitions are refused, and the others served."""
    with stage.under_load(terms) as play:
        master = cluster.masters()[0]
        with play.history.fault(f"master kill -9, {durability}"):
            with replaced(cluster):
                master.kill()
            master.start()
            cluster.wait_until_content()


@pytest.mark.thorough
def test_a_master_that_stands_still_is_replaced(
    stage: "Stage", cluster: RedisCluster, durability: str, terms: "Terms"
) -> None:
    with stage.under_load(terms) as play:
        master = cluster.masters()[0]
        with play.history.fault(f"master SIGSTOP, {durability}"):
            with replaced(cluster):
                master.pause()
            master.resume()
            cluster.wait_until_content()
