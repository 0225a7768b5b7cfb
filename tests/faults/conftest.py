"""One stage for all faults of a single server; a summary of what they did."""

from typing import TYPE_CHECKING

import pytest

from tests.engine.permissions import CREDENTIALS
from tests.engine.servers import RedisServer
from tests.faults.invariants import CALL_DEADLINE_SECONDS, Terms
from tests.faults.proxy import Proxy
from tests.faults.stage import staged

if TYPE_CHECKING:
    from collections.abc import Generator

    from tests.engine.kinds import ServerKind
    from tests.faults.stage import Reports, Stage

LAG_SECONDS = 1.0
REPORTS: "pytest.StashKey[Reports]" = pytest.StashKey()


@pytest.fixture(scope="session")
def reports(pytestconfig: pytest.Config) -> "Reports":
    """What is shown after all tests."""
    return pytestconfig.stash.setdefault(REPORTS, [])


@pytest.fixture(scope="package")
def redis(server_kind: "ServerKind") -> "Generator[RedisServer]":
    """A server that answers when it has written, and finds again what it has answered."""
    with RedisServer(server_kind.binary, "--appendonly", "yes", "--appendfsync", "always") as redis:
        yield redis


@pytest.fixture(scope="package")
def proxy(redis: RedisServer) -> "Generator[Proxy]":
    """The network between the edge and Redis."""
    with Proxy(redis.socket) as proxy:
        yield proxy


@pytest.fixture(scope="package")
def stage(redis: RedisServer, proxy: Proxy, reports: "Reports") -> "Generator[Stage]":
    url = f"redis://{CREDENTIALS}@127.0.0.1:{proxy.port}"
    with staged(redis, reports, operator_url=redis.url_of_user(), redis_url=url, durability="aof") as stage:
        yield stage


@pytest.fixture(scope="module", params=["replicas:1", pytest.param("none", marks=pytest.mark.thorough)])
def durability(request: pytest.FixtureRequest) -> str:
    """Of edges on servers that have replicas."""
    return request.param


@pytest.fixture
def terms(durability: str) -> Terms:
    """Where nobody waits for replicas, what was acknowledged last may be lost, and be asked for in vain.

    Where somebody waits, refusals may be later by what replicas have to confirm: a third of the deadline.
    """
    if durability == "none":
        return Terms(loses_s=LAG_SECONDS, statuses=Terms().statuses | {404})
    return Terms(refusal_s=Terms().refusal_s + CALL_DEADLINE_SECONDS / 3)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """What was lost where losses are allowed, and how fast refusals and recoveries were."""
    if REPORTS in config.stash:
        terminalreporter.section("faults under load")
        for name, report in config.stash[REPORTS]:
            terminalreporter.write_line(f"{name}: {report}")
