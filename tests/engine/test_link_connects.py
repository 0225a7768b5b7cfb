"""How the link gets a connection: addresses, credentials, TLS, and servers that do not let it in yet."""

import asyncio
import logging

import pytest
import redis
from redis.exceptions import NoPermissionError

from engine.store.address import Address, AddressError
from engine.store.keys import KeySpace
from engine.store.scripts import load_all
from engine.store.tenants import TenantStore
from tests.engine.calls import opened, serves
from tests.engine.permissions import USER
from tests.engine.servers import RedisServer, free_port, server_binaries
from tests.waiting import wait_until_async

pytestmark = pytest.mark.anyio

HANDSHAKE_REPLIES = 2 + len(load_all())


def is_loading(server: RedisServer) -> bool:
    try:
        server.command("PING")
    except redis.BusyLoadingError:
        return True
    except redis.ConnectionError:
        return False
    raise AssertionError("it has loaded already")


async def test_the_edges_user_over_a_unix_socket_serves(own_server: RedisServer, space: KeySpace) -> None:
    async with opened(own_server.url_of_user()) as link:
        assert await serves(link, space)
        assert f" user={USER} ".encode() in own_server.command("CLIENT", "LIST")


async def test_the_edges_user_may_do_what_scripts_do_and_nothing_else(own_server: RedisServer) -> None:
    with redis.Redis.from_url(own_server.url_of_user()) as user:
        assert user.get("{7}:passcode") is None
        for command in (
            ("GET", "passcode"),
            ("GET", "{7}passcode"),
            ("SCAN", 0),
            ("KEYS", "*"),
            ("EVAL", "return 1", 0),
            ("CONFIG", "GET", "dir"),
            ("CLIENT", "LIST"),
            ("SCRIPT", "FLUSH"),
            ("FLUSHALL",),
        ):
            with pytest.raises(NoPermissionError):
                user.execute_command(*command)


async def test_tcp_with_a_password_serves(space: KeySpace) -> None:
    port = free_port()
    with RedisServer(server_binaries()[0], "--port", f"{port}", "--bind", "127.0.0.1") as server:
        server.command("CONFIG", "SET", "requirepass", "secret")
        async with opened(f"redis://:secret@127.0.0.1:{port}") as link:
            assert await serves(link, space)


async def test_the_database_of_the_url_is_used(own_server: RedisServer, space: KeySpace) -> None:
    async with opened(f"{own_server.url}?db=3") as link:
        await link.wait_up()
        await TenantStore(link).create(tenant=space.place("tenant"), tenant_id="a", record=b"")
    assert set(own_server.command("INFO", "keyspace")) == {"db3"}


async def test_a_wrong_password_keeps_the_link_down_and_is_never_logged(
    own_server: RedisServer, space: KeySpace, caplog: pytest.LogCaptureFixture
) -> None:
    own_server.command("CONFIG", "SET", "requirepass", "right")
    own_server.admin.auth("right")
    async with opened(own_server.url.replace("unix://", "unix://:hunter2@")) as link:
        await wait_until_async(lambda: "WRONGPASS" in caplog.text)
        assert not link.is_up
        assert "hunter2" not in caplog.text
        own_server.command("CONFIG", "SET", "requirepass", "hunter2")
        assert await serves(link, space)
    assert "hunter2" not in caplog.text


async def test_failed_attempts_are_logged_once_until_the_link_was_up(
    own_server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    own_server.kill()
    async with opened(own_server.url) as link:
        await wait_until_async(lambda: "no link to Redis" in caplog.text)
        own_server.start()
        await wait_until_async(lambda: link.is_up)
        own_server.kill()
        await wait_until_async(lambda: caplog.text.count("no link to Redis") == 2)
    assert [record.getMessage().partition(":")[0] for record in caplog.records] == [
        "no link to Redis",
        "linked to Redis",
        "the link to Redis is lost",
        "no link to Redis",
    ]


async def test_a_server_that_loads_its_data_is_waited_for(
    space: KeySpace, caplog: pytest.LogCaptureFixture
) -> None:
    slow = ("--key-load-delay", "1000", "--loading-process-events-interval-bytes", "1024")
    with RedisServer(server_binaries()[0], *slow) as server:
        server.admin.mset({f"{number}": "value" for number in range(1000)})
        server.command("SAVE")
        server.kill()
        server.start(until_it_answers=False)
        await wait_until_async(lambda: is_loading(server))
        async with opened(server.url) as link:
            assert await serves(link, space)
        assert "LOADING" in caplog.text


async def test_a_server_with_no_room_for_another_client_is_tried_until_it_has(
    own_server: RedisServer, space: KeySpace, caplog: pytest.LogCaptureFixture
) -> None:
    own_server.command("CONFIG", "SET", "maxclients", 1)
    async with opened(own_server.url) as link:
        await wait_until_async(lambda: "max number of clients reached" in caplog.text)
        own_server.command("CONFIG", "SET", "maxclients", 100)
        async with asyncio.timeout(2):
            assert await serves(link, space)


@pytest.mark.parametrize("replies", [0, 1, HANDSHAKE_REPLIES, HANDSHAKE_REPLIES + 1])
async def test_a_connection_that_dies_in_or_right_after_its_handshake_is_replaced_at_once(
    own_server: RedisServer, space: KeySpace, replies: int
) -> None:
    deaths = 0

    async def die_young(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal deaths
        await reader.read(1)
        writer.write(b"+OK\r\n" * replies)
        writer.close()
        deaths += 1

    own_server.kill()
    own_server.socket.unlink()
    async with opened(own_server.url) as link:
        async with await asyncio.start_unix_server(die_young, own_server.socket):
            # A handshake that nobody answers would last 2 s each time.
            await wait_until_async(lambda: deaths >= 3)
        own_server.start()
        assert await serves(link, space)


# Addresses


def test_an_address_is_read_from_a_url() -> None:
    address = Address.parse("redis://ada:p%40ss%2Fword@redis.example:7000/3")
    assert (address.host, address.port, address.socket, address.database) == ("redis.example", 7000, None, 3)
    assert address.hello() == ["HELLO", "3", "AUTH", "ada", "p@ss/word"]
    assert Address.parse("unix:///run/redis.sock").socket == "/run/redis.sock"
    assert Address.parse("redis://:secret@localhost").hello() == ["HELLO", "3", "AUTH", "default", "secret"]
    assert Address.parse("redis://localhost").hello() == ["HELLO", "3"]


@pytest.mark.parametrize(
    "url",
    [
        "http://ada:hunter2@redis.example",
        "redis://ada:hunter2/@redis.example",
        "redis://ada:hunter2#@redis.example:6379",
        "redis://ada:hunter2@redis..example",
        "redis://ada:hunter2@redis.example:99999",
        "redis://ada:hunter2@redis.example?db=first",
        "rediss://ada:hunter2@redis.example?ssl_ca_certs=/nowhere",
    ],
)
def test_a_url_that_cannot_be_used_is_refused_and_its_password_not_repeated(url: str) -> None:
    with pytest.raises(AddressError) as refusal:
        Address.parse(url)
    assert "hunter2" not in str(refusal.value)
    assert refusal.value.__cause__ is None
    assert refusal.value.__suppress_context__


def test_a_printed_address_does_not_show_its_password() -> None:
    assert "hunter2" not in repr(Address.parse("redis://ada:hunter2@redis.example"))
