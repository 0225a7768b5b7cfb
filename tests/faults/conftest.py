"""One stage for all faults of a single server; a summary of what they did."""

from typing import TYPE_CHECKING

import httpx
import pytest

from tests.courier.receiver import Receiver
from tests.edge.program import NO_LIMITS, Edge
from tests.edge.tenants import Operator
from tests.edge.test_callbacks import LOOPBACK, QUICK
from tests.engine.servers import RedisServer, server_binaries
from tests.faults.proxy import Proxy
from tests.faults.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Generator

    from tests.faults.invariants import Report

REPORTS: "pytest.StashKey[list[tuple[str, Report]]]" = pytest.StashKey()


@pytest.fixture(scope="package")
def redis() -> "Generator[RedisServer]":
    """A server that answers when it has written, and finds again what it has answered."""
    with RedisServer(server_binaries()[0], "--appendonly", "yes", "--appendfsync", "always") as redis:
        yield redis


@pytest.fixture(scope="package")
def proxy(redis: RedisServer) -> "Generator[Proxy]":
    """The network between the edge and Redis."""
    with Proxy(redis.socket) as proxy:
        yield proxy


@pytest.fixture(scope="package")
def stage(redis: RedisServer, proxy: Proxy, pytestconfig: pytest.Config) -> "Generator[Stage]":
    # The user who may do only what an edge needs does not survive a restart of Redis.
    with (
        Edge(redis, **NO_LIMITS | QUICK | LOOPBACK, redis_url=proxy.url) as edge,
        Operator(edge, redis_url=redis.url) as operator,
        httpx.Client(base_url=edge.url) as http,
        Receiver() as receiver,
    ):
        yield Stage(edge, operator, http, receiver, pytestconfig.stash.setdefault(REPORTS, []))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """What was lost where losses are allowed, and how fast refusals and recoveries were."""
    if REPORTS in config.stash:
        terminalreporter.section("faults under load")
        for name, report in config.stash[REPORTS]:
            terminalreporter.write_line(f"{name}: {report}")
