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
from tests.engine.kinds import NEWEST, ServerKind, all_kinds, kinds_for
from tests.engine.servers import clear

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator

    from tests.engine.kinds import AnyServer
    from tests.engine.servers import Admin

OWNER = AdminId("0123456789abcdef" * 2)
NO_LIMITS = DefaultRates(*[NO_LIMIT] * len(DefaultRates._fields))


def pytest_addoption(parser: pytest.Parser) -> None:
    names = ", ".join(kind.name for kind in all_kinds())
    parser.addoption(
        "--servers", default=NEWEST, help=f"what runs under the tests: newest, all, or one of {names}"
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "server_kind" in metafunc.fixturenames:
        kinds = kinds_for(metafunc.definition, str(metafunc.config.getoption("--servers")))
        metafunc.parametrize("server_kind", kinds, indirect=True, scope="session", ids=lambda kind: kind.name)


@pytest.fixture(scope="session")
def server_kind(request: pytest.FixtureRequest) -> ServerKind:
    """What Redis a test runs on: see tests.engine.kinds. Most fixtures that have a Redis have it of this kind."""
    return request.param


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": True}


@pytest.fixture(scope="session")
def redis_server(server_kind: ServerKind) -> "Generator[AnyServer]":
    """A server for many tests. Those that pause or kill one start their own."""
    with server_kind.start() as server:
        yield server


@pytest.fixture
def admin_redis(redis_server: "AnyServer") -> "Generator[Admin]":
    """A client that may do everything. After the test, every key must be of the grammar and must expire."""
    yield redis_server.admin
    clear(redis_server.admin)


@pytest.fixture
def redis_url(redis_server: "AnyServer", admin_redis: "Admin") -> str:
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
