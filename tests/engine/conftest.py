"""The servers that the scripts must run on: fakeredis, and every real one that there is."""

from contextlib import AsyncExitStack, ExitStack
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import fakeredis
import pytest

from engine.store.address import Address
from engine.store.keys import KeySpace
from engine.store.link import Link
from engine.store.runner import Runner
from engine.store.scripts import Script, load_all
from tests.engine.kinds import label
from tests.engine.servers import RedisServer, clear, scan, server_binaries

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator, Sequence

    import redis

    from engine.store.connection import Argument
    from watchword.servers import ServerBinary

FAKE = "fakeredis"
LINKS = 4


class FakeRunner:
    """What a link is to a real server, for fakeredis."""

    def __init__(self, server: "fakeredis.FakeRedis") -> None:
        self._server = server

    async def run(
        self,
        script: Script,
        partition: int,
        keys: "Sequence[bytes]",
        args: "Sequence[Argument]",
        *,
        watches: bool = False,
    ) -> list[Any]:
        del partition, watches
        reply = self._server.eval(script.source, len(keys), *keys, *args)
        return cast("list[Any]", reply)


class Backend(NamedTuple):
    """A server as the store sees it, and as its administrator sees it."""

    runner: Runner
    admin: "redis.Redis"

    def names(self) -> set[bytes]:
        return set(scan(self.admin))

    def remaining_ms(self, key: bytes) -> int:
        """How long a key has yet to live; -1 is for ever, -2 that there is none."""
        return self.admin.pttl(key)

    def age_to(self, key: bytes, remaining_ms: int) -> None:
        """Let a key be so old that only this is left of its life."""
        assert self.admin.pexpire(key, remaining_ms)

    def expire(self, key: bytes) -> None:
        """Let the life of a key be over."""
        assert self.admin.pexpireat(key, 1)


@pytest.fixture(scope="session")
def server_of() -> "Generator[Callable[[ServerBinary], RedisServer]]":
    """Start a server of each binary when it is first asked for."""
    with ExitStack() as stack:
        started: dict[ServerBinary, RedisServer] = {}

        def start(binary: "ServerBinary") -> RedisServer:
            if binary not in started:
                started[binary] = stack.enter_context(RedisServer(binary))
            return started[binary]

        yield start


@pytest.fixture(params=[FAKE, *server_binaries()], ids=lambda param: param if param == FAKE else label(param))
async def backend(
    request: pytest.FixtureRequest, server_of: "Callable[[ServerBinary], RedisServer]"
) -> "AsyncGenerator[Backend]":
    """Each server in turn. The keys that a test leaves are checked as those of `admin_redis` are."""
    if request.param == FAKE:
        admin = fakeredis.FakeRedis(version=(7,))
        yield Backend(FakeRunner(admin), admin)
    else:
        server = server_of(request.param)
        address = Address.parse(server.url_of_user())
        async with Link(address, scripts=load_all(), deadline_ms=5000, max_in_flight=1000) as link:
            await link.wait_up()
            yield Backend(link, server.admin)
        admin = server.admin
    clear(admin)


real_servers = pytest.mark.parametrize(
    "backend", server_binaries(), indirect=True, ids=lambda binary: label(binary)
)
"""For scripts that fakeredis does not run as Redis does."""


@pytest.fixture
async def links(redis_url: str) -> "AsyncGenerator[list[Link]]":
    """Links of several processes to the one server of all tests."""
    async with AsyncExitStack() as stack:
        links: list[Link] = []
        for _ in range(LINKS):
            link = Link(Address.parse(redis_url), scripts=load_all(), deadline_ms=10_000, max_in_flight=1000)
            links.append(await stack.enter_async_context(link))
            await link.wait_up()
        yield links


@pytest.fixture
def own_server() -> "Generator[RedisServer]":
    """A server for this test alone, to be paused, killed and misconfigured."""
    with RedisServer(server_binaries()[0]) as server:
        yield server


@pytest.fixture(scope="session")
def space() -> KeySpace:
    return KeySpace(partitions=8, index_key=bytes(32))
