"""The program as it is deployed, under its default settings but for callbacks to this machine."""

from typing import TYPE_CHECKING

import pytest

from tests.edge.program import Edge
from tests.engine.servers import leaks

if TYPE_CHECKING:
    from collections.abc import Generator

    from tests.engine.kinds import ServerKind


@pytest.fixture(scope="session")
def edge(server_kind: "ServerKind") -> "Generator[Edge]":
    with server_kind.start() as redis, Edge(redis, callback_networks="127.0.0.1/32") as edge:
        yield edge
        assert not leaks(redis.admin)
