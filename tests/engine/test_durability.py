"""What has happened to a write when its call is answered."""

import asyncio
from typing import TYPE_CHECKING

import pytest

from engine.store.durability import Durability, Mode
from engine.store.errors import LinkDown, NotReplicated, OutcomeUnknown
from engine.store.opening import AnyLink
from tests.engine.calls import COUNT, ECHO, PATIENT_MS, is_served, linked_to, run, start
from tests.engine.clusters import RedisCluster
from tests.engine.servers import RedisServer, free_ports, server_binaries
from tests.waiting import wait_until, wait_until_async

if TYPE_CHECKING:
    from collections.abc import Generator

pytestmark = pytest.mark.anyio

REPLICAS = "replicas:1"


class Pair:
    """A primary and its replica."""

    def __init__(self, primary: RedisServer, replica: RedisServer) -> None:
        self.primary = primary
        self.replica = replica

    def follows(self) -> bool:
        return self.replica.admin.info("replication")["master_link_status"] == "up"


@pytest.fixture
def pair() -> "Generator[Pair]":
    (port,) = free_ports(1)
    binary = server_binaries()[0]
    with (
        RedisServer(binary, "--repl-diskless-sync-delay", "0", port=port) as primary,
        RedisServer(binary) as replica,
    ):
        pair = Pair(primary, replica)
        replica.command("REPLICAOF", "127.0.0.1", port)
        wait_until(pair.follows, within=10)
        yield pair


async def is_confirmed(link: AnyLink) -> bool:
    try:
        return await run(link, COUNT, "x") == [0, b"x"]
    except (NotReplicated, LinkDown):
        return False


async def test_what_is_acknowledged_is_on_the_replica(pair: Pair) -> None:
    async with linked_to(pair.primary.url, durability=REPLICAS) as link:
        for count in range(1, 20):
            await run(link, COUNT, "x")
            assert int(pair.replica.admin.get("{0}:test") or 0) >= count
        assert link.stats.unreplicated == 0


async def test_a_fence_that_is_in_flight_at_a_sweep_is_not_taken_for_overdue(pair: Pair) -> None:
    async with linked_to(pair.primary.url, durability=REPLICAS, deadline_ms=2000) as link:
        loop = asyncio.get_running_loop()
        end = loop.time() + 1.5  # three sweeps
        while loop.time() < end:
            await run(link, COUNT, "x")
        assert link.stats.unreplicated == 0


async def test_one_fence_serves_all_answers_of_a_moment(pair: Pair) -> None:
    async with linked_to(pair.primary.url, durability=REPLICAS, deadline_ms=5000) as link:
        before = pair.primary.admin.info("commandstats").get("cmdstat_wait", {}).get("calls", 0)
        await asyncio.gather(*start(link, COUNT, 500))
        fences = pair.primary.admin.info("commandstats")["cmdstat_wait"]["calls"] - before
    assert 1 <= fences < 100
    assert pair.replica.admin.get("{0}:test") == b"500"


async def test_what_a_replica_does_not_confirm_is_told_as_unknown_and_counted(pair: Pair) -> None:
    async with linked_to(pair.primary.url, durability=REPLICAS) as link:
        pair.replica.pause()
        async with asyncio.timeout(2):
            outcomes = await asyncio.gather(*start(link, COUNT, 10), return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {NotReplicated}
        assert link.stats.unreplicated == 10
        assert await run(link, ECHO, "reads wait for nobody") == [0, b"reads wait for nobody"]
        assert pair.primary.admin.get("{0}:test") == b"10"
        pair.replica.resume()
        await wait_until_async(lambda: is_confirmed(link))


async def test_answers_that_are_held_when_the_link_is_closed_are_unknown(pair: Pair) -> None:
    async with linked_to(pair.primary.url, durability=REPLICAS, deadline_ms=PATIENT_MS) as link:
        pair.replica.pause()
        held = start(link, COUNT, 10)
        await wait_until_async(lambda: pair.primary.admin.get("{0}:test") == b"10")
        late = start(link, COUNT, 10)
        await wait_until_async(lambda: pair.primary.admin.get("{0}:test") == b"20")
    async with asyncio.timeout(2):
        outcomes = await asyncio.gather(*held, *late, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} <= {NotReplicated, OutcomeUnknown}
    pair.replica.resume()


async def test_without_its_fence_connection_a_link_begins_anew(pair: Pair) -> None:
    async with linked_to(pair.primary.url, durability=REPLICAS) as link:
        clients = pair.primary.admin.client_list()
        (fence,) = [client["id"] for client in clients if client["name"] == "watchword-fence"]
        pair.primary.command("CLIENT", "KILL", "ID", fence)
        await wait_until_async(lambda: link.stats.losses == 1)
        await wait_until_async(lambda: is_confirmed(link))


async def test_a_primary_without_replicas_acknowledges_no_write(own_server: RedisServer) -> None:
    async with linked_to(own_server.url, durability=REPLICAS) as link:
        with pytest.raises(NotReplicated):
            await run(link, COUNT, "x")
        assert await is_served(link)


async def test_a_cluster_confirms_too_also_while_a_partition_moves() -> None:
    with RedisCluster(server_binaries()[0]) as cluster:
        async with linked_to(cluster.url, durability=REPLICAS, deadline_ms=5000) as link:
            for partition in range(64):
                assert await run(link, COUNT, "x", partition=partition) == [0, b"x"]
            source = cluster.master_of(0)
            target = next(master for master in cluster.masters() if master is not source)
            migration = cluster.migration(0, target)
            for step in (migration.begin, lambda: migration.move(*migration.keys()), migration.finish):
                step()
                for partition in (0, 1, 2, 3):
                    await run(link, COUNT, "x", partition=partition)
        assert target.admin.get("{0}:test") == b"4"
        assert link.stats.unreplicated == 0


async def test_in_mode_aof_a_server_without_the_file_is_not_linked(
    own_server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(AssertionError, match="linked_to"):
        async with linked_to(own_server.url, durability="aof", within=0.5):
            pass
    assert "append-only file is off" in caplog.text
    own_server.command("CONFIG", "SET", "appendonly", "yes")
    async with linked_to(own_server.url, durability="aof") as link:
        assert await is_confirmed(link)


@pytest.mark.parametrize(
    ("text", "read"),
    [("none", Durability()), ("aof", Durability(Mode.AOF)), ("replicas:3", Durability(Mode.REPLICAS, 3))],
)
def test_modes_are_read_as_they_are_told(text: str, read: Durability) -> None:
    assert Durability.parse(text) == read
    assert str(read) == text


@pytest.mark.parametrize(
    "text", ["", "AOF", "replicas", "replicas:0", "replicas:10", "replicas:-1", "replicas:1:2"]
)
def test_any_other_mode_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="none, aof or replicas:N"):
        Durability.parse(text)
