"""The servers that the scripts must run on: fakeredis, and every real one that there is."""

from contextlib import AsyncExitStack, ExitStack
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import fakeredis
import pytest

from engine.store.durability import Durability
from engine.store.keys import KeySpace
from engine.store.opening import AnyLink, link_to
from engine.store.runner import Runner
from engine.store.scripts import Script, load_all
from engine.store.topology import parse_topology
from tests.engine.kinds import ServerKind, all_kinds
from tests.engine.servers import RedisServer, clear, scan

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator, Sequence

    from engine.store.connection import Argument
    from tests.engine.kinds import AnyServer
    from tests.engine.servers import Admin

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
    admin: "Admin"

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
def server_of() -> "Generator[Callable[[ServerKind], AnyServer]]":
    """Start a server of each kind when it is first asked for."""
    with ExitStack() as stack:
        started: dict[ServerKind, AnyServer] = {}

        def start(kind: ServerKind) -> "AnyServer":
            if kind not in started:
                started[kind] = stack.enter_context(kind.start())
            return started[kind]

        yield start


def link_of(url: str, *, deadline_ms: int, max_in_flight: int = 1000) -> AnyLink:
    return link_to(
        parse_topology(url),
        scripts=load_all(),
        deadline_ms=deadline_ms,
        max_in_flight=max_in_flight,
        durability=Durability(),
    )


@pytest.fixture(params=[FAKE, *all_kinds()], ids=lambda param: param if param == FAKE else param.name)
async def backend(
    request: pytest.FixtureRequest, server_of: "Callable[[ServerKind], AnyServer]"
) -> "AsyncGenerator[Backend]":
    """Each server in turn. The keys that a test leaves are checked as those of `admin_redis` are."""
    if request.param == FAKE:
        admin = fakeredis.FakeRedis(version=(7,))
        yield Backend(FakeRunner(admin), admin)
    else:
        server = server_of(request.param)
        async with link_of(server.url_of_user(), deadline_ms=5000) as link:
            await link.wait_up()
            yield Backend(link, server.admin)
        admin = server.admin
    clear(admin)


real_servers = pytest.mark.parametrize("backend", all_kinds(), indirect=True, ids=lambda kind: kind.name)
"""For scripts that fakeredis does not run as Redis does."""


@pytest.fixture
async def links(redis_url: str) -> "AsyncGenerator[list[AnyLink]]":
    """Links of several processes to the one server of all tests."""
    async with AsyncExitStack() as stack:
        links: list[AnyLink] = []
        for _ in range(LINKS):
            link = await stack.enter_async_context(link_of(redis_url, deadline_ms=10_000))
            await link.wait_up()
            links.append(link)
        yield links


@pytest.fixture
def own_server(server_kind: ServerKind) -> "Generator[RedisServer]":
    """A server for this test alone, to be paused, killed and misconfigured."""
    with RedisServer(server_kind.binary) as server:
        yield server


@pytest.fixture(scope="session")
def space() -> KeySpace:
    return KeySpace(partitions=8, index_key=bytes(32))
