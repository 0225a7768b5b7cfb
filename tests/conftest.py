"""One real Redis for all tests, clean before and checked for leaks after each; and an engine on it.

Coroutine tests are run by anyio's plugin: a module says `pytestmark = pytest.mark.anyio`.
"""

from typing import TYPE_CHECKING

import pytest

from edge.scopes import SCOPES
from engine.assembly import Engine, Options, open_engine
from engine.ids import AdminId
from engine.rates import NO_LIMIT, DefaultRates
from engine.sealing import Keyring
from engine.store.durability import Durability
from engine.store.topology import parse_topology
from engine.tenants import State, Tenant
from tests.engine.servers import RedisServer, clear, server_binaries

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator

    import redis

OWNER = AdminId("0123456789abcdef" * 2)
NO_LIMITS = DefaultRates(*[NO_LIMIT] * len(DefaultRates._fields))


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": True}


@pytest.fixture(scope="session")
def redis_server() -> "Generator[RedisServer]":
    """The newest server that there is. Tests that pause or kill one start their own."""
    with RedisServer(server_binaries()[0]) as server:
        yield server


@pytest.fixture
def admin_redis(redis_server: RedisServer) -> "Generator[redis.Redis]":
    """A client that may do everything. After the test, every key must be of the grammar and must expire."""
    yield redis_server.admin
    clear(redis_server.admin)


@pytest.fixture
def redis_url(redis_server: RedisServer, admin_redis: "redis.Redis") -> str:
    """Where the edge's user signs in; see tests.engine.servers for what it may do."""
    del admin_redis  # asked for only so that it cleans up
    return redis_server.url_of_user()


@pytest.fixture(scope="session")
def keyring() -> Keyring:
    return Keyring.parse(Keyring.generate())


@pytest.fixture
def engine_options(redis_url: str, keyring: Keyring) -> Options:
    """Options without any rate limit; tests replace what they are about."""
    return Options(
        redis=parse_topology(redis_url),
        durability=Durability(),
        keyring=keyring,
        rates=NO_LIMITS,
        partitions=16,
        deadline_ms=5000,
        max_in_flight=1000,
        password_threads=1,
        scopes=SCOPES,
    )


@pytest.fixture
async def engine(engine_options: Options) -> "AsyncGenerator[Engine]":
    async with open_engine(engine_options) as engine:
        yield engine


@pytest.fixture
async def tenant(engine: Engine) -> Tenant:
    """An active tenant of OWNER, under the deployment's defaults."""
    return await engine.tenants.create(name="Acme", owner=OWNER, state=State.ACTIVE)


@pytest.fixture
async def api_key(engine: Engine, tenant: Tenant) -> str:
    return await engine.api_keys.issue(tenant.id, name="dialer")
