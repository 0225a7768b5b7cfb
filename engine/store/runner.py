"""What the store needs of Redis, and what all links to it have in common."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeAlias

from engine.store.address import Address
from engine.store.connection import Argument, Call
from engine.store.scripts import Script
from engine.store.sweeps import Sweeps

Reply: TypeAlias = list[Any]
Watcher: TypeAlias = Callable[[list[bytes] | None], None]


class Runner(Protocol):
    """What the store needs of a link. One node and a Cluster have the same face."""

    def run(
        self,
        script: Script,
        partition: int,
        keys: Sequence[bytes],
        args: Sequence[Argument],
        *,
        watches: bool = False,
    ) -> Awaitable[Reply]:
        """Run a script in the partition that all of its keys are in.

        With `watches`, the first write to a key that the script reads will be told: on_invalidated of a link.

        Raises:
            LinkDown: there is no connection, or the server refuses to work for now. Nothing was changed.
            Overloaded: too many calls are in flight. Nothing was sent.
            OutcomeUnknown: sent, but not answered within the deadline or before the connection died.
            ScriptFailed: the script raised.
        """
        ...


class Locator(Protocol):
    """Knows where a server is now. Asked anew before every attempt to connect."""

    async def locate(self) -> Address:
        """Raises: OSError, LinkDown: nobody knows."""
        ...


@dataclass(slots=True)
class LinkStats:
    """Counts since the link was opened, for the metrics."""

    calls: int = 0
    connects: int = 0
    connect_failures: int = 0
    losses: int = 0
    script_reloads: int = 0
    overloads: int = 0
    overdue: int = 0
    unanswered: int = 0
    redirects: int = 0
    unreplicated: int = 0


class Member(NamedTuple):
    """What the links to the nodes of one Cluster share, and what is told of calls that are wrong at a node."""

    sweeps: Sweeps
    stats: LinkStats
    partitions: Sequence[int]  # those of this node, as they come and go
    on_up: Callable[[], None]
    on_elsewhere: Callable[[Call, str], None]
