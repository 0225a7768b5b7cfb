"""The servers of the tests are what the tests take them for."""

import os
from typing import TYPE_CHECKING

import pytest
from redis.exceptions import AskError, MovedError

from tests.engine.clusters import RedisCluster
from tests.engine.sentinels import SentinelGroup
from tests.engine.servers import clear, leaks, scan, server_binaries
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Generator

PARTITIONS = range(64)


@pytest.fixture(scope="module")
def cluster() -> "Generator[RedisCluster]":
    with RedisCluster(server_binaries()[0]) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def group() -> "Generator[SentinelGroup]":
    with SentinelGroup(server_binaries()[0]) as group:
        yield group


def test_every_server_that_is_promised_is_there() -> None:
    names = {f"{binary.name} {binary.version[0]}" for binary in server_binaries()}

    if missing := {"redis 7", "redis 8", "valkey 8"} - names:
        assert "CI" not in os.environ, f"there is no {missing}"
        pytest.skip(f"there is no {missing}")


def test_a_cluster_spreads_the_partitions_over_its_masters_and_each_has_a_replica(cluster: RedisCluster) -> None:
    assert {cluster.master_of(partition) for partition in PARTITIONS} == set(cluster.masters())
    assert (len(cluster.masters()), len(cluster.replicas())) == (3, 3)
    masters = {node.known_nodes()[node.id][2] for node in cluster.replicas()}
    assert masters == {node.id for node in cluster.masters()}


def test_a_slot_that_migrates_answers_ask_then_moved_and_takes_its_keys_along(cluster: RedisCluster) -> None:
    source = cluster.master_of(0)
    target = next(node for node in cluster.masters() if node is not source)
    source.command("SET", "{0}:due", "moved")
    migration = cluster.migration(0, target)
    migration.begin()

    with pytest.raises(AskError):
        source.command("GET", "{0}:missing")
    migration.move(*migration.keys())
    migration.finish()

    with pytest.raises(MovedError):
        source.command("GET", "{0}:due")
    assert (cluster.master_of(0), target.command("GET", "{0}:due")) == (target, b"moved")
    clear(cluster.admin)


def test_leaks_are_found_on_every_master(cluster: RedisCluster) -> None:
    for partition in PARTITIONS:
        cluster.admin.set(f"{{{partition}}}:passcode", "for ever")

    assert len(leaks(cluster.admin)) == len(PARTITIONS)
    with pytest.raises(AssertionError):
        clear(cluster.admin)
    assert not [*scan(cluster.admin)]


def test_a_master_that_is_killed_is_replaced_and_follows_when_it_is_back(cluster: RedisCluster) -> None:
    master = cluster.master_of(0)
    master.kill()
    wait_until(lambda: len(cluster.masters()) == 3, within=20)
    assert cluster.master_of(0) is not master

    master.start()
    wait_until(lambda: master in cluster.replicas(), within=20)
    cluster.wait_until_content()


def test_a_primary_that_is_killed_is_replaced_and_follows_when_it_is_back(group: SentinelGroup) -> None:
    primary = group.primary()
    primary.command("SET", "kept", "yes")
    assert primary.command("WAIT", 2, 5000) == 2
    primary.kill()

    elected = group.wait_until_elected(instead_of=primary)
    assert elected.command("GET", "kept") == b"yes"

    primary.start()
    wait_until(lambda: primary.command("ROLE")[0] == b"slave", within=20)
    group.wait_until_content()


def test_a_primary_that_is_paused_is_replaced(group: SentinelGroup) -> None:
    primary = group.primary()
    primary.pause()
    assert group.wait_until_elected(instead_of=primary) is not primary

    primary.resume()
    wait_until(lambda: primary.command("ROLE")[0] == b"slave", within=20)
    group.wait_until_content()
