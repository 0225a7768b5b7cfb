"""The link to a Cluster whose slots move and whose masters die."""

import asyncio
import logging
from typing import TYPE_CHECKING

import pytest

from engine.store.errors import LinkDown
from engine.store.opening import AnyLink
from tests.engine.calls import BOTH, COUNT, ECHO, PATIENT_MS, is_served, linked_to, opened, run
from tests.engine.clusters import ClusterServer, RedisCluster
from tests.engine.servers import free_ports, server_binaries
from tests.waiting import wait_until_async

if TYPE_CHECKING:
    from collections.abc import Generator

pytestmark = pytest.mark.anyio

PARTITIONS = range(64)


@pytest.fixture(scope="module")
def cluster() -> "Generator[RedisCluster]":
    """Masters only: nothing of what is tested on it needs a replica."""
    with RedisCluster(server_binaries()[0], masters=3, replicas=0) as cluster:
        yield cluster


@pytest.fixture
def clean(cluster: RedisCluster) -> "Generator[RedisCluster]":
    yield cluster
    for node in cluster.masters():
        node.command("FLUSHALL")


def another(cluster: RedisCluster, node: ClusterServer) -> ClusterServer:
    return next(master for master in cluster.masters() if master is not node)


async def counted(link: AnyLink, partition: int) -> None:
    assert await run(link, COUNT, "x", partition=partition) == [0, b"x"]


def stored(node: ClusterServer, partition: int) -> object:
    return node.admin.get(f"{{{partition}}}:test")


async def test_every_partition_is_served_by_its_master(clean: RedisCluster) -> None:
    async with linked_to(clean.url) as link:
        for partition in PARTITIONS:
            await counted(link, partition)
        assert link.stats.redirects == 0
        assert link.stats.connects == 3
    assert {stored(clean.master_of(partition), partition) for partition in PARTITIONS} == {b"1"}


async def test_a_seed_that_is_gone_is_passed_over(clean: RedisCluster) -> None:
    (gone,) = free_ports(1)
    url = clean.url.replace("redis+cluster://", f"redis+cluster://127.0.0.1:{gone},")
    async with linked_to(url) as link:
        assert await is_served(link, partition=7)


async def test_a_partition_that_has_moved_is_found_without_a_failure(clean: RedisCluster) -> None:
    async with linked_to(clean.url, deadline_ms=PATIENT_MS) as link:
        await counted(link, 5)
        clean.migrate(5, another(clean, clean.master_of(5)))
        await counted(link, 5)
        assert link.stats.redirects > 0
        assert stored(clean.master_of(5), 5) == b"2"
        await wait_until_async(lambda: not_redirected(link, 5))


async def not_redirected(link: AnyLink, partition: int) -> bool:
    before = link.stats.redirects
    await run(link, ECHO, "?", partition=partition)
    return link.stats.redirects == before


async def test_a_key_of_a_moving_partition_is_served_wherever_it_is(clean: RedisCluster) -> None:
    source = clean.master_of(9)
    target = another(clean, source)
    migration = clean.migration(9, target)
    async with linked_to(clean.url, deadline_ms=PATIENT_MS) as link:
        await counted(link, 9)
        migration.begin()
        await counted(link, 9)
        assert stored(source, 9) == b"2"
        migration.move(*migration.keys())
        target.command("SCRIPT", "FLUSH")  # and with it what ASKING was said for
        await counted(link, 9)
        migration.finish()
        await counted(link, 9)
    assert stored(target, 9) == b"4"


async def test_a_call_whose_keys_are_on_both_sides_waits_until_they_are_on_one(clean: RedisCluster) -> None:
    keys = [b"{13}:one", b"{13}:other"]
    migration = clean.migration(13, another(clean, clean.master_of(13)))
    for key in keys:
        clean.master_of(13).command("SET", key, key, "PX", 60_000)
    async with linked_to(clean.url, deadline_ms=PATIENT_MS) as link:
        migration.begin()
        migration.move(keys[0])
        call = asyncio.ensure_future(link.run(BOTH, 13, keys, []))
        await wait_until_async(lambda: link.stats.redirects > 1)
        assert not call.done()
        assert link.queued <= 1
        migration.move(keys[1])
        assert await call == [0, *keys]
        migration.finish()


async def test_a_call_whose_keys_stay_on_both_sides_fails_in_time(clean: RedisCluster) -> None:
    keys = [b"{17}:one", b"{17}:other"]
    migration = clean.migration(17, another(clean, clean.master_of(17)))
    clean.master_of(17).command("SET", keys[0], "here", "PX", 60_000)
    async with linked_to(clean.url) as link:
        migration.begin()
        with pytest.raises(LinkDown):
            async with asyncio.timeout(5):
                await link.run(BOTH, 17, keys, [])
        migration.move(*migration.keys())
        migration.finish()


async def test_what_is_watched_is_told_by_its_master_and_forgotten_when_it_moves(clean: RedisCluster) -> None:
    told: list[list[bytes] | None] = []
    keys = [b"{21}:test", b"{21}:test"]
    async with linked_to(clean.url, deadline_ms=PATIENT_MS) as link:
        link.on_invalidated(told.append)
        await link.run(BOTH, 21, keys, [], watches=True)
        await counted(link, 21)
        assert told == [keys[:1]]
        clean.migrate(21, another(clean, clean.master_of(21)))
        await counted(link, 21)
        await wait_until_async(lambda: None in told)


async def test_what_is_read_on_its_way_is_not_taken_for_watched(clean: RedisCluster) -> None:
    told: list[list[bytes] | None] = []
    migration = clean.migration(22, another(clean, clean.master_of(22)))
    async with linked_to(clean.url, deadline_ms=PATIENT_MS) as link:
        link.on_invalidated(told.append)
        migration.begin()
        await link.run(BOTH, 22, [b"{22}:test", b"{22}:test"], [], watches=True)
        assert told == [None]
        migration.finish()


async def test_a_node_of_a_cluster_is_not_taken_for_a_server(
    clean: RedisCluster, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(f"redis://127.0.0.1:{clean.nodes[0].port}") as link:
        await wait_until_async(lambda: "a node of a Cluster: its URL is redis+cluster://" in caplog.text)
        assert not link.is_up


async def test_calls_in_flight_when_the_link_is_closed_do_not_hang(clean: RedisCluster) -> None:
    keys = [b"{25}:one", b"{25}:other"]
    migration = clean.migration(25, another(clean, clean.master_of(25)))
    clean.master_of(25).command("SET", keys[0], "here", "PX", 60_000)
    migration.begin()
    async with linked_to(clean.url, deadline_ms=PATIENT_MS) as link:
        call = asyncio.ensure_future(link.run(BOTH, 25, keys, []))
        await wait_until_async(lambda: link.stats.redirects > 0)
    with pytest.raises(LinkDown):
        await call
    migration.move(*migration.keys())
    migration.finish()


async def test_a_master_that_dies_takes_only_its_partitions_along_until_the_election(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING)
    with RedisCluster(server_binaries()[0]) as cluster:
        async with linked_to(cluster.url) as link:
            told: list[list[bytes] | None] = []
            link.on_invalidated(told.append)
            victim = cluster.master_of(0)
            safe = next(partition for partition in PARTITIONS if cluster.master_of(partition) is not victim)
            victim.kill()
            await wait_until_async(lambda: not link.is_up)
            assert None in told
            with pytest.raises(LinkDown):
                await run(link, COUNT, "refused")
            await link.ping()
            assert await is_served(link, partition=safe)
            await wait_until_async(lambda: is_served(link), within=20)
            await wait_until_async(lambda: link.is_up)
            await counted(link, 0)
        assert stored(cluster.master_of(0), 0) == b"1"


async def test_a_cluster_that_has_lost_slots_refuses_and_comes_back() -> None:
    with RedisCluster(server_binaries()[0], masters=3, replicas=0) as cluster:
        async with linked_to(cluster.url) as link:
            victim = cluster.master_of(0)
            safe = next(partition for partition in PARTITIONS if cluster.master_of(partition) is not victim)
            victim.kill()
            await wait_until_async(lambda: is_down(link, safe), within=20)
            with pytest.raises(LinkDown, match="CLUSTERDOWN"):
                await run(link, COUNT, "refused", partition=safe)
            victim.start()
            await wait_until_async(lambda: is_served(link, partition=safe), within=20)
            await wait_until_async(lambda: is_served(link), within=20)


async def is_down(link: AnyLink, partition: int) -> bool:
    return not await is_served(link, partition=partition)
