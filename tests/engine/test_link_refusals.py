"""The link to a server that forgets or refuses, and calls that the link itself refuses."""

import asyncio

import pytest

from engine.store.address import Address
from engine.store.errors import LinkDown, Overloaded, ScriptFailed
from engine.store.link import Link
from tests.engine.calls import (
    BROKEN,
    COUNT,
    DEADLINE_MS,
    ECHO,
    KEY,
    PATIENT_MS,
    SCRIPTS,
    is_served,
    kinds,
    linked,
    opened,
    outcomes,
    run,
    start,
)
from tests.engine.permissions import USER, rules
from tests.engine.servers import RedisServer
from tests.waiting import wait_until_async

pytestmark = pytest.mark.anyio


async def is_refused(link: Link, code: str) -> bool:
    try:
        await run(link, ECHO, "?")
    except LinkDown as refusal:
        return str(refusal).startswith(code)
    return False


async def test_forgotten_scripts_are_loaded_again(own_server: RedisServer) -> None:
    async with linked(own_server) as link:
        own_server.command("SCRIPT", "FLUSH")
        results = await outcomes([*start(link, ECHO, 20), *start(link, COUNT, 20)])
        assert results == 2 * [[0, b"%d" % number] for number in range(20)]
        assert link.stats.script_reloads == 40
        assert own_server.admin.get(KEY) == b"20"
        assert link.stats.connects == 1


async def test_a_script_that_cannot_be_loaded_again_is_given_up_at_the_deadline(own_server: RedisServer) -> None:
    address = Address.parse(own_server.url_of_user())
    async with Link(address, scripts=SCRIPTS, deadline_ms=DEADLINE_MS, max_in_flight=10) as link:
        await link.wait_up()
        own_server.command("ACL", "SETUSER", USER, "-script|load")
        own_server.command("SCRIPT", "FLUSH")
        assert kinds(await outcomes(start(link, ECHO, 1))) == {LinkDown}
        await wait_until_async(lambda: link.in_flight == 0)


async def test_too_many_calls_in_flight_are_refused_at_once(own_server: RedisServer) -> None:
    async with linked(own_server, deadline_ms=PATIENT_MS, max_in_flight=10) as link:
        own_server.pause()
        accepted = start(link, COUNT, 10)
        await wait_until_async(lambda: link.in_flight == 10)
        refused = start(link, COUNT, 5)
        assert kinds(await outcomes(refused)) == {Overloaded}
        own_server.resume()
        assert kinds(await outcomes(accepted)) == {list}
        assert link.stats.overloads == 5
        assert await run(link, COUNT, "again") == [0, b"again"]
        assert own_server.admin.get(KEY) == b"11"


Commands = list[tuple[str | int, ...]]
REFUSALS: dict[str, tuple[Commands, Commands]] = {
    "OOM": ([("CONFIG", "SET", "maxmemory", 1)], [("CONFIG", "SET", "maxmemory", 0)]),
    "NOREPLICAS": (
        [("CONFIG", "SET", "min-replicas-to-write", 1)],
        [("CONFIG", "SET", "min-replicas-to-write", 0)],
    ),
    "READONLY": ([("REPLICAOF", "127.0.0.1", 1)], [("REPLICAOF", "NO", "ONE")]),
    "MASTERDOWN": (
        [("CONFIG", "SET", "replica-serve-stale-data", "no"), ("REPLICAOF", "127.0.0.1", 1)],
        [("REPLICAOF", "NO", "ONE")],
    ),
}


@pytest.mark.parametrize("code", REFUSALS)
async def test_a_server_that_refuses_to_write_for_now_is_down_for_now(own_server: RedisServer, code: str) -> None:
    refusals, reliefs = REFUSALS[code]
    async with linked(own_server) as link:
        for words in refusals:
            own_server.command(*words)
        with pytest.raises(LinkDown, match=code):
            await run(link, COUNT, "refused")
        for words in reliefs:
            own_server.command(*words)
        await wait_until_async(lambda: is_served(link))  # it looks for a primary that moved
        assert await run(link, COUNT, "again") == [0, b"again"]
        assert own_server.admin.get(KEY) == b"1"


async def test_a_server_that_cannot_write_to_its_disk_is_down_for_now(own_server: RedisServer) -> None:
    in_the_way = own_server.directory / "dump.rdb"
    in_the_way.mkdir()
    own_server.command("CONFIG", "SET", "save", "3600 1")
    async with linked(own_server) as link:
        own_server.command("BGSAVE")
        await wait_until_async(lambda: own_server.admin.info("persistence")["rdb_last_bgsave_status"] == "err")
        with pytest.raises(LinkDown, match="MISCONF"):
            await run(link, COUNT, "refused")
        in_the_way.rmdir()
        own_server.command("BGSAVE")
        await wait_until_async(lambda: own_server.admin.info("persistence")["rdb_last_bgsave_status"] == "ok")
        assert await run(link, COUNT, "again") == [0, b"again"]


async def test_a_server_that_wants_a_password_that_it_was_not_told_gets_no_link(
    own_server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    own_server.command("CONFIG", "SET", "requirepass", "secret")
    async with opened(own_server.url) as link:
        await wait_until_async(lambda: "NOAUTH" in caplog.text)
        assert not link.is_up


async def test_a_user_that_is_deleted_loses_the_link_and_gets_it_back(own_server: RedisServer) -> None:
    async with opened(own_server.url_of_user()) as link:
        await link.wait_up()
        own_server.command("ACL", "DELUSER", USER)
        await wait_until_async(lambda: not link.is_up)
        own_server.command("ACL", "SETUSER", *rules())
        await wait_until_async(lambda: link.is_up)


async def test_a_server_that_is_busy_with_a_script_is_down_for_now(own_server: RedisServer) -> None:
    async with linked(own_server, deadline_ms=PATIENT_MS) as link:
        own_server.command("CONFIG", "SET", "busy-reply-threshold", 1)
        with own_server.sent("EVAL", "while true do end", 0):
            await wait_until_async(lambda: is_refused(link, "BUSY"))
        own_server.command("SCRIPT", "KILL")
        await wait_until_async(lambda: is_served(link))


async def test_a_script_that_fails_is_our_bug_and_harms_no_other_call(own_server: RedisServer) -> None:
    async with linked(own_server) as link:
        echo, broken = asyncio.create_task(run(link, ECHO, "a")), asyncio.create_task(run(link, BROKEN, ""))
        assert await echo == [0, b"a"]
        with pytest.raises(ScriptFailed, match="concatenate a nil value"):
            await broken
        assert link.is_up
