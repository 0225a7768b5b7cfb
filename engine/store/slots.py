"""Which node of a Cluster has which partition."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from functools import cache
from random import SystemRandom
from typing import Any, NamedTuple, TypeAlias, cast

from redis.crc import key_slot

from engine.store.address import Address
from engine.store.asking import ask_once
from engine.store.errors import LinkDown
from engine.store.keys import MAX_PARTITIONS

_chance = SystemRandom()  # that of the module has a state, which others in the process may have set

Host: TypeAlias = tuple[str, int]


class SlotMap(NamedTuple):
    """What a node knows of its Cluster: who has each partition, and every node, replicas too."""

    masters: tuple[Host | None, ...]  # by partition; None = nobody has it
    nodes: frozenset[Host]


async def read_slots(nodes: Sequence[Address]) -> SlotMap:
    """Ask the first node that answers.

    Raises:
        LinkDown: none does.
    """
    why = "it has no node"
    for node in nodes:
        try:
            return parse_slots(await ask_once(node, "CLUSTER", "SLOTS"), asked=node.host)
        except LinkDown as error:
            why = str(error)
    raise LinkDown(f"no node tells the slots of this Cluster: {why}")


def in_random_order(hosts: Iterable[Host]) -> list[Host]:
    """Hosts in an order of their own for each asker, so that not all ask the same one."""
    shuffled = list(hosts)
    _chance.shuffle(shuffled)
    return shuffled


def parse_slots(told: Sequence[Any], *, asked: str) -> SlotMap:
    """Parse the answer of CLUSTER SLOTS. A node that does not know its own name is where it was asked."""
    shards = sorted((cast("int", shard[0]), cast("int", shard[1]), _hosts(shard[2:], asked)) for shard in told)
    starts = [first for first, _, _ in shards]

    def master(slot: int) -> Host | None:
        index = bisect_right(starts, slot) - 1
        if index < 0 or slot > shards[index][1]:
            return None
        return shards[index][2][0]

    return SlotMap(
        tuple(master(slot) for slot in slots_of_partitions()),
        frozenset(host for _, _, hosts in shards for host in hosts),
    )


def parse_endpoint(text: str, *, asked: str) -> Host:
    """Read where MOVED and ASK point to."""
    host, _, port = text.rpartition(":")
    return host or asked, int(port)


@cache
def slots_of_partitions() -> tuple[int, ...]:
    """The slot of each partition's tag."""
    return tuple(key_slot(b"%d" % partition) for partition in range(MAX_PARTITIONS))


def _hosts(members: Sequence[Sequence[Any]], asked: str) -> list[Host]:
    return [(bytes(member[0] or b"").decode() or asked, int(member[1])) for member in members]
