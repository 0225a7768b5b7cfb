"""A link for whatever a URL names. Above it nobody knows which it is."""

from collections.abc import Sequence
from typing import TypeAlias

from engine.store.cluster import ClusterLink
from engine.store.durability import Durability
from engine.store.link import Link
from engine.store.scripts import Script
from engine.store.topology import Cluster, Topology

AnyLink: TypeAlias = Link | ClusterLink


def link_to(
    topology: Topology,
    *,
    scripts: Sequence[Script],
    deadline_ms: int,
    max_in_flight: int,
    durability: Durability,
) -> AnyLink:
    """A link, to be entered. See Link for what it is made with."""
    if isinstance(topology, Cluster):
        return ClusterLink(
            topology,
            scripts=scripts,
            deadline_ms=deadline_ms,
            max_in_flight=max_in_flight,
            durability=durability,
        )
    return Link(
        topology,
        scripts=scripts,
        deadline_ms=deadline_ms,
        max_in_flight=max_in_flight,
        durability=durability,
    )
