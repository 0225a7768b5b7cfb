"""A real Redis Cluster on loopback, whose nodes a test may pause, kill and start again."""

from contextlib import ExitStack
from itertools import cycle, permutations
from typing import TYPE_CHECKING, Any, Self, cast

import redis
from redis.cluster import ClusterNode
from redis.crc import key_slot

from tests.engine.permissions import CREDENTIALS
from tests.engine.servers import RedisServer, free_ports
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Container

    from watchword.servers import ServerBinary

_ALL = range(16384)
NODE_TIMEOUT_MS = 1000
_MOVED_AT_ONCE = 100


class ClusterServer(RedisServer):
    """A node. It keeps its place in the cluster over a restart, and its data if it is told to."""

    def __init__(self, binary: "ServerBinary", *options: str, port: int, bus: int) -> None:
        cluster = {
            "cluster-enabled": "yes",
            "cluster-port": bus,
            "cluster-node-timeout": NODE_TIMEOUT_MS,
            "cluster-replica-validity-factor": 0,  # a replica may follow its master however old its data is
            "cluster-allow-replica-migration": "no",
            "repl-diskless-sync-delay": 0,
            "repl-ping-replica-period": 1,
        }
        words = [word for name, value in cluster.items() for word in (f"--{name}", f"{value}")]
        super().__init__(binary, *words, *options, port=port)
        self.bus = bus

    @property
    def id(self) -> str:
        return cast("bytes", self.command("CLUSTER", "MYID")).decode()

    def claim(self, slots: "Container[int]") -> int:
        """The epoch of its claim to any of these slots, by its own account; 0 if it claims none."""
        words = self.known_nodes()[self.id]
        ranges = (word.partition("-") for word in words[7:] if not word.startswith("["))
        claimed = any(
            slot in slots for first, _, last in ranges for slot in range(int(first), int(last or first) + 1)
        )
        return int(words[5]) if "master" in words[1] and claimed else 0

    def known_nodes(self) -> dict[str, list[str]]:
        """What it has to say of each node, by its id: see CLUSTER NODES."""
        lines = cast("bytes", self.command("CLUSTER", "NODES")).decode().splitlines()
        return {words[0]: words[1:] for line in lines if (words := line.split())}

    def is_content(self) -> bool:
        """It serves, and follows its master closely if it has one."""
        state = cast("bytes", self.command("CLUSTER", "INFO"))
        link = cast("dict[str, str]", self.admin.info("replication")).get("master_link_status", "up")
        return b"cluster_state:ok" in state and link == "up"


class Migration:
    """A slot on its way from one master to another, step by step."""

    def __init__(self, cluster: "RedisCluster", slot: int, source: ClusterServer, target: ClusterServer) -> None:
        self._cluster = cluster
        self._slot = slot
        self._source = source
        self._target = target

    def begin(self) -> None:
        """From here on the source answers ASK for keys that it does not have."""
        self._target.command("CLUSTER", "SETSLOT", self._slot, "IMPORTING", self._source.id)
        self._source.command("CLUSTER", "SETSLOT", self._slot, "MIGRATING", self._target.id)

    def keys(self) -> list[bytes]:
        """Some of those that have not moved yet."""
        return self._source.command("CLUSTER", "GETKEYSINSLOT", self._slot, _MOVED_AT_ONCE)

    def move(self, *keys: bytes) -> None:
        """A script that needs some that have moved and some that have not gets TRYAGAIN."""
        to = ("127.0.0.1", self._target.port, "", 0, 5000)
        self._source.command("MIGRATE", *to, "KEYS", *keys)

    def finish(self) -> None:
        """The target first, so that no key is ever without an owner; others then answer MOVED."""
        others = [node for node in self._cluster.masters() if node not in (self._source, self._target)]
        for node in (self._target, self._source, *others):
            node.command("CLUSTER", "SETSLOT", self._slot, "NODE", self._target.id)


class RedisCluster:
    """Masters that share the slots evenly, and replicas of them in turn."""

    def __init__(self, binary: "ServerBinary", *options: str, masters: int = 3, replicas: int = 3) -> None:
        ports = iter(free_ports(2 * (masters + replicas)))
        self.nodes = [
            ClusterServer(binary, *options, port=next(ports), bus=next(ports)) for _ in range(masters + replicas)
        ]
        self._masters = masters
        self._stack = ExitStack()
        self._admin: redis.RedisCluster | None = None

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            for node in self.nodes:
                stack.push(node)
                node.start(until_it_answers=False)
            self._unite()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._forget_roles()
        self._stack.close()

    @property
    def admin(self) -> redis.RedisCluster:
        """A client of all nodes that may do everything."""
        if self._admin is None:
            self._admin = redis.RedisCluster(
                startup_nodes=[ClusterNode("127.0.0.1", node.port) for node in self.nodes]
            )
        return self._admin

    def command(self, *words: str | bytes | int) -> Any:  # noqa: ANN401  # whatever Redis answers
        """Ask the node that has the keys in question, or each if there is no key in it."""
        return cast("Any", self.admin.execute_command(*words))

    def kill(self) -> None:
        """All at once, as RedisServer.kill()."""
        for node in self.nodes:
            node.kill()

    def start(self) -> None:
        """All that are killed, with what their disks kept."""
        for node in self.nodes:
            if not node.runs:
                node.start(until_it_answers=False)
        self.wait_until_content()

    def pause(self) -> None:
        for node in self.nodes:
            node.pause()

    def resume(self) -> None:
        for node in self.nodes:
            node.resume()

    @property
    def url(self) -> str:
        return f"redis+cluster://{self._hosts}"

    def url_of_user(self) -> str:
        """See RedisServer.url_of_user()."""
        return f"redis+cluster://{CREDENTIALS}@{self._hosts}"

    def running(self) -> list[ClusterServer]:
        return [node for node in self.nodes if node.runs]

    def masters(self) -> list[ClusterServer]:
        """Those that run and serve slots."""
        return [node for node in self.running() if node.claim(_ALL)]

    def replicas(self) -> list[ClusterServer]:
        masters = self.masters()
        return [node for node in self.running() if node not in masters]

    def master_of(self, partition: int) -> ClusterServer:
        """The node that runs and serves the keys of a partition.

        Raises:
            LookupError: none, as before an election.
        """
        claims = {node: node.claim({slot_of(partition)}) for node in self.running()}
        if not any(claims.values()):
            raise LookupError(partition)
        return max(claims, key=lambda node: claims[node])

    def migration(self, partition: int, to: ClusterServer) -> Migration:
        """A step at a time: tests look at what happens between two of them."""
        return Migration(self, slot_of(partition), self.master_of(partition), to)

    def migrate(self, partition: int, to: ClusterServer) -> None:
        """Move a partition, with all its keys."""
        migration = self.migration(partition, to)
        migration.begin()
        while keys := migration.keys():
            migration.move(*keys)
        migration.finish()

    def wait_until_content(self, within: float = 20) -> None:
        """Every node that runs serves, and follows its master closely if it has one."""
        for node in self.running():
            node.wait_until_it_answers()
        wait_until(lambda: all(node.is_content() for node in self.running()), within, message="the cluster")
        self._forget_roles()

    def _forget_roles(self) -> None:
        """The client of before sends what is for all masters to those that it knew."""
        if self._admin is not None:
            self._admin.close()
            self._admin = None

    @property
    def _hosts(self) -> str:
        return ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)

    def _unite(self) -> None:
        for node in self.nodes:
            node.wait_until_it_answers()
        masters, replicas = self.nodes[: self._masters], self.nodes[self._masters :]
        for number, node in enumerate(masters):
            first, end = (len(_ALL) * place // len(masters) for place in (number, number + 1))
            node.command("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
            node.command("CLUSTER", "ADDSLOTSRANGE", first, end - 1)
        for node, other in permutations(self.nodes, 2):
            node.command("CLUSTER", "MEET", "127.0.0.1", other.port, other.bus)
        for replica, master in zip(replicas, cycle(masters), strict=False):
            wait_until(lambda: master.id in replica.known_nodes())  # noqa: B023  # it is called here
            replica.command("CLUSTER", "REPLICATE", master.id)
        self.wait_until_content()


def slot_of(partition: int) -> int:
    return key_slot(b"{%d}" % partition)
