"""What attackers find: an edge that logs all it ever would and believes its proxy, and what is kept of it all."""

from typing import TYPE_CHECKING

import pytest

from tests.edge.conftest import admin, http, new_tenant, operator, tenant
from tests.edge.program import NO_LIMITS, Edge
from tests.engine.servers import RedisServer, leaks, server_binaries

if TYPE_CHECKING:
    from collections.abc import Generator

__all__ = ["admin", "http", "new_tenant", "operator", "tenant"]

TALKATIVE = {"access_log": "all", "log_level": "debug"}


@pytest.fixture(scope="session")
def edge() -> "Generator[Edge]":
    """Two workers without rate limits. In the end every line of their log must be a JSON object, on one line."""
    with (
        # DEBUG is for who administers the server: tests stop it from removing by itself what has expired.
        RedisServer(server_binaries()[0], "--enable-debug-command", "yes") as redis,
        Edge(redis, **NO_LIMITS | TALKATIVE, courier="off") as edge,
    ):
        yield edge
        assert not leaks(redis.admin)
        assert edge.log_lines()
