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
    outcomes,
    run,
    start,
)
from tests.engine.permissions import USER
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


@pytest.mark.parametrize(
    ("refusal", "relief"),
    [
        (("CONFIG", "SET", "maxmemory", 1), ("CONFIG", "SET", "maxmemory", 0)),
        (("CONFIG", "SET", "min-replicas-to-write", 1), ("CONFIG", "SET", "min-replicas-to-write", 0)),
        (("REPLICAOF", "127.0.0.1", 1), ("REPLICAOF", "NO", "ONE")),
    ],
    ids=["OOM", "NOREPLICAS", "READONLY"],
)
async def test_a_server_that_refuses_to_write_for_now_is_down_for_now(
    own_server: RedisServer,
    request: pytest.FixtureRequest,
    refusal: tuple[str | int, ...],
    relief: tuple[str | int, ...],
) -> None:
    async with linked(own_server) as link:
        own_server.command(*refusal)
        with pytest.raises(LinkDown, match=request.node.callspec.id.partition("-")[0]):
            await run(link, COUNT, "refused")
        own_server.command(*relief)
        await wait_until_async(lambda: is_served(link))  # it looks for a primary that moved
        assert await run(link, COUNT, "again") == [0, b"again"]
        assert own_server.admin.get(KEY) == b"1"


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
