"""A real primary with replicas and Sentinels on loopback, which a test may pause, kill and start again."""

import secrets
from contextlib import ExitStack, suppress
from statistics import mode
from typing import TYPE_CHECKING, Any, Self, cast

import redis

from tests.engine.permissions import CREDENTIALS
from tests.engine.servers import RedisServer, free_ports
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterable

    from watchword.servers import ServerBinary

SERVICE = "passcodes"
DOWN_AFTER_MS = 500
FAILOVER_MS = 2000
# Sentinels ask for roles, and tell each other of themselves, seldom: a test would wait for it.
_QUICK = ("INFO-PERIOD", 200, "PUBLISH-PERIOD", 200, "ASK-PERIOD", 100)


class SentinelServer(RedisServer):
    """A Sentinel that knows its peers from the start, which would take seconds otherwise."""

    def __init__(self, binary: "ServerBinary", *, port: int) -> None:
        super().__init__(binary, port=port)
        self.id = secrets.token_hex(20)
        self._file = self.directory / "sentinel.conf"
        self._command = [str(binary.path), str(self._file), "--sentinel"]

    def configure(self, primary: int, replicas: "Iterable[int]", peers: "Iterable[SentinelServer]") -> None:
        """Write its file, which it then keeps itself."""
        others = [peer for peer in peers if peer is not self]
        quorum = (len(others) + 1) // 2 + 1
        lines = [
            f"port {self.port}\nbind 127.0.0.1\ndir {self.directory}\nunixsocket {self.socket}",
            f"sentinel myid {self.id}",
            f"sentinel monitor {SERVICE} 127.0.0.1 {primary} {quorum}",
            f"sentinel down-after-milliseconds {SERVICE} {DOWN_AFTER_MS}",
            f"sentinel failover-timeout {SERVICE} {FAILOVER_MS}",
            *(f"sentinel known-replica {SERVICE} 127.0.0.1 {port}" for port in replicas),
            *(f"sentinel known-sentinel {SERVICE} 127.0.0.1 {peer.port} {peer.id}" for peer in others),
        ]
        self._file.write_text("\n".join(lines) + "\n")

    def start(self, *, until_it_answers: bool = True) -> None:
        super().start(until_it_answers=until_it_answers)
        if until_it_answers:
            self.hurry()

    def hurry(self) -> None:
        self.command("SENTINEL", "DEBUG", *_QUICK)

    def primary_port(self) -> int:
        """Where it sends clients."""
        return int(self.command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", SERVICE)[1])

    def is_content(self, replicas: int) -> bool:
        """It sees the primary, so many replicas and enough of its peers."""
        told = cast("dict[bytes, bytes]", self.command("SENTINEL", "MASTER", SERVICE))
        with suppress(redis.ResponseError):  # of CKQUORUM, which says which of its conditions is not met
            self.command("SENTINEL", "CKQUORUM", SERVICE)
            return (told[b"flags"], told[b"num-slaves"]) == (b"master", b"%d" % replicas)
        return False


class SentinelGroup:
    """One primary, its replicas, and Sentinels that replace it when it is gone."""

    def __init__(self, binary: "ServerBinary", *options: str, replicas: int = 2, sentinels: int = 3) -> None:
        ports = iter(free_ports(1 + replicas + sentinels))
        follows = ("--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1", *options)
        self.nodes = [RedisServer(binary, *follows, port=next(ports)) for _ in range(1 + replicas)]
        self.sentinels = [SentinelServer(binary, port=next(ports)) for _ in range(sentinels)]
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            for server in (*self.nodes, *self.sentinels):
                stack.push(server)
            self._start()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def url_of_user(self) -> str:
        """See RedisServer.url_of_user(). The Sentinels themselves ask for no password."""
        hosts = ",".join(f"127.0.0.1:{sentinel.port}" for sentinel in self.sentinels)
        return f"redis+sentinel://{CREDENTIALS}@{hosts}/{SERVICE}/0"

    def running(self) -> list[RedisServer]:
        return [node for node in self.nodes if node.runs]

    def primary(self) -> RedisServer:
        """Whom most of the Sentinels that run send clients to, whether it is up or not."""
        told = [sentinel.primary_port() for sentinel in self.sentinels if sentinel.runs]
        return next(node for node in self.nodes if node.port == mode(told))

    def replicas(self) -> list[RedisServer]:
        primary = self.primary()
        return [node for node in self.running() if node is not primary]

    def wait_until_elected(self, instead_of: RedisServer, within: float = 20) -> RedisServer:
        """Return the new primary as soon as every Sentinel sends clients there and it takes writes."""
        wait_until(lambda: self._elected() not in (None, instead_of), within, message="an election")
        return self.primary()

    def wait_until_content(self, within: float = 20) -> None:
        """Every node that runs has its role, replicas follow closely, and the Sentinels see all of it."""
        wait_until(lambda: self._elected() and self._is_content(), within, message="the Sentinels")

    def _start(self) -> None:
        primary, *replicas = self.nodes
        for node in self.nodes:
            node.start(until_it_answers=False)
        for sentinel in self.sentinels:
            sentinel.configure(primary.port, [node.port for node in replicas], self.sentinels)
        for node in self.nodes:
            node.wait_until_it_answers()
        for replica in replicas:
            replica.command("REPLICAOF", "127.0.0.1", primary.port)
        for sentinel in self.sentinels:
            sentinel.start()
        self.wait_until_content()

    def _elected(self) -> RedisServer | None:
        """The node that is a primary by its own account and by that of all Sentinels that run."""
        told = {sentinel.primary_port() for sentinel in self.sentinels if sentinel.runs}
        agreed = [node for node in self.running() if told == {node.port}]
        return next((node for node in agreed if _replication(node).get("role") == "master"), None)

    def _is_content(self) -> bool:
        links = [_replication(replica).get("master_link_status") for replica in self.replicas()]
        seen = [sentinel.is_content(len(self.nodes) - 1) for sentinel in self.sentinels if sentinel.runs]
        return all(link == "up" for link in links) and all(seen)


def _replication(node: RedisServer) -> "dict[str, Any]":
    try:
        return node.admin.info("replication")
    except redis.ConnectionError:  # a Sentinel ends all connections to a node that it gives another role
        return {}
