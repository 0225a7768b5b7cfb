"""The kinds of Redis that Watchword must run on: which of them a test sees is chosen here.

Most tests run on the newest server. Those that are marked `every_server` run on each kind, and with
`--servers all` (`make test-all`) all tests do that can.
"""

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from tests.engine.clusters import RedisCluster
from tests.engine.servers import RedisServer, server_binaries

if TYPE_CHECKING:
    from typing import TypeAlias

    import pytest

    from watchword.servers import ServerBinary

    AnyServer: TypeAlias = RedisServer | RedisCluster

NEWEST = "newest"
ALL = "all"


class ServerKind(NamedTuple):
    """A server, alone or as a Cluster of six."""

    name: str
    binary: "ServerBinary"
    is_cluster: bool = False

    def start(self, *options: str) -> "AnyServer":
        return RedisCluster(self.binary, *options) if self.is_cluster else RedisServer(self.binary, *options)


@cache
def all_kinds() -> "tuple[ServerKind, ...]":
    """Every one, the newest server first."""
    alone = [ServerKind(label(binary), binary) for binary in server_binaries()]
    return (*alone, ServerKind("cluster", server_binaries()[0], is_cluster=True))


def label(binary: "ServerBinary") -> str:
    return f"{binary.name}-{'.'.join(map(str, binary.version))}"


def kinds_for(test: "pytest.Function | pytest.Item", wanted: str) -> "list[ServerKind]":
    """The kinds that a test is to be run on, when `--servers` says this.

    Raises:
        LookupError: there is none of that name.
    """
    possible = [kind for kind in all_kinds() if not (kind.is_cluster and test.get_closest_marker("one_node"))]
    if wanted == ALL or (wanted == NEWEST and test.get_closest_marker("every_server")):
        return possible
    if wanted == NEWEST:
        return possible[:1]
    if not any(kind.name.startswith(wanted) for kind in all_kinds()):
        raise LookupError(f"no server is called {wanted}, but {', '.join(kind.name for kind in all_kinds())}")
    return [kind for kind in possible if kind.name.startswith(wanted)]
