"""A server that keeps nothing, or too little: what is lost is counted, and nobody is told anything wrong."""

from typing import TYPE_CHECKING

import httpx
import pytest

from tests.edge.program import NO_LIMITS, Edge
from tests.edge.tenants import Operator
from tests.edge.test_callbacks import LOOPBACK, QUICK
from tests.engine.servers import RedisServer, server_binaries
from tests.faults.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Generator

EVERYTHING = float("inf")
# What a server of the everysec kind may lose: it writes at the latest when the last sync took two seconds.
EVERYSEC = 2.0


@pytest.fixture(params=["no", "everysec"])
def redis(request: pytest.FixtureRequest) -> "Generator[RedisServer]":
    """A server that keeps nothing but snapshots; or one that answers before it has synced what it writes."""
    options = ("--appendonly", "yes", "--appendfsync", "everysec") if request.param == "everysec" else ()
    with RedisServer(server_binaries()[0], *options) as redis:
        yield redis


@pytest.fixture
def forgetful(redis: RedisServer, stage: Stage) -> "Generator[Stage]":
    with (
        Edge(redis, **NO_LIMITS | QUICK | LOOPBACK, redis_url=redis.url) as edge,
        Operator(edge) as operator,
        httpx.Client(base_url=edge.url) as http,
    ):
        yield Stage(edge, operator, http, stage.receiver, stage.reports)
