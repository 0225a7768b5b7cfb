"""Keys that are watched: the server tells once they are written, and whoever may not watch is not linked."""

import pytest

from engine.store.address import Address
from engine.store.link import Link
from engine.store.scripts import load_all
from tests.engine.calls import KEY, linked, script
from tests.engine.permissions import HANDSHAKE_COMMANDS, USER
from tests.engine.servers import RedisServer
from tests.waiting import wait_until_async

pytestmark = pytest.mark.anyio

READ = script("""--[[ test/read
KEYS   name
REPLY  status
       0 READ
REPEAT safe
]]
redis.call('GET', KEYS[1])
return {0}
""")


def told_by(link: Link) -> list[list[bytes] | None]:
    told: list[list[bytes] | None] = []
    link.on_invalidated(told.append)
    return told


async def read(link: Link, *, watching: bool) -> None:
    assert await link.run(READ, 0, [KEY], [], watches=watching) == [0]


async def test_the_next_write_to_a_watched_key_is_told_once(own_server: RedisServer) -> None:
    own_server.command("SCRIPT", "FLUSH")
    async with linked(own_server) as link:
        told = told_by(link)
        await read(link, watching=True)
        own_server.command("SET", KEY, "1", "EX", 60)
        own_server.command("SET", KEY, "2", "EX", 60)
        await link.ping()  # whatever was told has come before its answer
        assert told == [[KEY]]


async def test_a_script_that_had_to_be_loaded_again_watches_all_the_same(own_server: RedisServer) -> None:
    async with linked(own_server) as link:
        told = told_by(link)
        await read(link, watching=True)
        own_server.command("SCRIPT", "FLUSH")
        own_server.command("SET", KEY, "1", "EX", 60)
        await read(link, watching=True)
        assert link.stats.script_reloads > 0
        own_server.command("DEL", KEY)
        await link.ping()
        assert told == [[KEY], [KEY]]


async def test_what_is_read_without_watching_is_not_told(own_server: RedisServer) -> None:
    async with linked(own_server) as link:
        told = told_by(link)
        await read(link, watching=True)
        own_server.command("SET", KEY, "1", "EX", 60)
        await read(link, watching=False)
        own_server.command("SET", KEY, "2", "EX", 60)
        await link.ping()
        assert told == [[KEY]]


async def test_who_may_no_longer_watch_forgets_everything(own_server: RedisServer) -> None:
    address = Address.parse(own_server.url_of_user())
    async with Link(address, scripts=(*load_all(), READ), deadline_ms=5000, max_in_flight=10) as link:
        await link.wait_up()
        told = told_by(link)
        own_server.command("ACL", "SETUSER", USER, "-client|caching")
        await read(link, watching=True)
        await wait_until_async(lambda: told == [None])
        assert "client|caching" in HANDSHAKE_COMMANDS
        await wait_until_async(lambda: link.stats.connect_failures > 0)
        assert not link.is_up
