"""The link to a Redis Cluster: one link per master, and the map that says which partition is where.

A call goes to the master of its partition. The map may be old: then the node says where the keys are (MOVED), that
they are just moving (ASK), or that some have moved and some have not (TRYAGAIN). In none of these anything ran, so
the call is sent again, until it is overdue.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from random import SystemRandom
from typing import NamedTuple, Self

from engine.store.connection import Argument, Call
from engine.store.durability import Durability
from engine.store.errors import LinkDown
from engine.store.handshake import Server
from engine.store.keys import MAX_PARTITIONS
from engine.store.link import Link
from engine.store.runner import LinkStats, Member, Reply, Watcher
from engine.store.scripts import Script
from engine.store.slots import Host, SlotMap, in_random_order, parse_endpoint, read_slots
from engine.store.sweeps import Sweeps
from engine.store.topology import Cluster

_chance = SystemRandom()  # that of the module has a state, which others in the process may have set

_MAP_SECONDS = 10.0  # between two looks at the map when nothing seems wrong
_HURRIED_MAP_SECONDS = 0.1  # and while something does
_AGAIN_SECONDS = 0.01  # before a call that must wait is sent again
_OTHERS_SECONDS = 1.0  # that a start waits for masters, once the first partition has one

_logger = logging.getLogger(__name__)


class _Master(NamedTuple):
    link: Link
    partitions: list[int]


class ClusterLink:
    """Has the face of a Link.

    Args:
        cluster: where to ask first, and how to sign in.
        scripts: loaded on every connect to any master.
        deadline_ms: a call that is not answered by then has failed, in the last fifth of it.
        max_in_flight: calls to one master beyond it are refused at once.
        durability: what must be true of a write before its call is answered.
    """

    def __init__(
        self,
        cluster: Cluster,
        *,
        scripts: Sequence[Script],
        deadline_ms: int,
        max_in_flight: int,
        durability: Durability,
    ) -> None:
        self.stats = LinkStats()
        self.max_in_flight = max_in_flight
        self._cluster = cluster
        self._scripts = scripts
        self._deadline_ms = deadline_ms
        self._durability = durability
        self._sweeps = Sweeps(deadline_ms)
        self._masters: dict[Host, _Master] = {}
        self._links: list[Link | None] = [None] * MAX_PARTITIONS
        self._nodes: frozenset[Host] = frozenset((seed.host, seed.port) for seed in cluster.seeds)
        self._watchers: list[Watcher] = []
        self._waiting: list[Call] = []  # for their partition to have a master, or all of its keys in one place
        self._is_covered = False
        self._is_map_old = asyncio.Event()
        self._has_joined = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self._tasks = [
            asyncio.create_task(self._keep_mapped(), name="cluster-map"),
            asyncio.create_task(self._sweeps.keep(self._sweep), name="cluster-sweep"),
        ]
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for master in self._masters.values():
            await master.link.__aexit__(*exc_info)
        for call in self._waiting:
            call.fail(LinkDown())

    @property
    def is_up(self) -> bool:
        """Whether every partition can be served."""
        return self._is_covered and all(master.link.is_up for master in self._masters.values())

    @property
    def in_flight(self) -> int:
        return sum(master.link.in_flight for master in self._masters.values())

    @property
    def queued(self) -> int:
        return len(self._waiting) + sum(master.link.queued for master in self._masters.values())

    @property
    def server(self) -> Server | None:
        """The server of the first partition, for all."""
        link = self._links[0]
        return None if link is None else link.server

    async def wait_up(self) -> None:
        """Wait until the first partition is served, and a moment for the others: one may be down for long."""
        await self._wait_until(lambda: (first := self._links[0]) is not None and first.is_up)
        with suppress(TimeoutError):
            async with asyncio.timeout(_OTHERS_SECONDS):
                await self._wait_until(lambda: self.is_up)

    def on_invalidated(self, watcher: Watcher) -> None:
        """See Link. One master may tell of a write after another one has answered a call that was made later."""
        self._watchers.append(watcher)

    async def ping(self) -> None:
        """Ask all masters for a sign of life. One that answers is enough: its partitions are served.

        Raises:
            LinkDown: none within the deadline.
        """
        pings = [master.link.ping() for master in self._masters.values()]
        answers = await asyncio.gather(*pings, return_exceptions=True)
        if all(isinstance(answer, BaseException) for answer in answers):
            raise LinkDown

    def run(
        self,
        script: Script,
        partition: int,
        keys: Sequence[bytes],
        args: Sequence[Argument],
        *,
        watches: bool = False,
    ) -> Awaitable[Reply]:
        """See Runner."""
        link = self._links[partition]
        if link is None:
            raise LinkDown
        return link.run(script, partition, keys, args, watches=watches)

    def _on_elsewhere(self, host: Host, call: Call, said: str) -> None:
        """Send a call again that did not run at this host, by what the host said."""
        self.stats.redirects += 1
        if call.sweep < self._sweeps.overdue:
            call.fail(LinkDown(said))
            return
        match said.split(" "):
            case ["MOVED", _, endpoint]:
                self._is_map_old.set()
                self._send_again(call, parse_endpoint(endpoint, asked=host[0]), asking=False)
            case ["ASK", _, endpoint]:
                self._send_again(call, parse_endpoint(endpoint, asked=host[0]), asking=True)
            case ["TRYAGAIN", *_]:
                self._wait(call)
            case _:  # CLUSTERDOWN
                self._is_map_old.set()
                call.fail(LinkDown(said))

    def _send_again(self, call: Call, target: Host, *, asking: bool) -> None:
        master = self._masters.get(target)
        if master is None or not master.link.is_up:
            self._is_map_old.set()
            self._wait(call)
            return
        if asking and call.watches:  # which it cannot: nobody may take what it reads for watched
            self._tell_watchers(None)
        master.link.take_over(call, asking=asking)

    def _wait(self, call: Call) -> None:
        if not self._waiting:
            self._loop.call_later(_AGAIN_SECONDS, self._try_again)
        self._waiting.append(call)

    def _try_again(self) -> None:
        calls, self._waiting = self._waiting, []
        for call in calls:
            link = self._links[call.partition]
            if call.answer.done():
                continue
            if call.sweep < self._sweeps.overdue:
                call.fail(LinkDown())
            elif link is None or not link.is_up:
                self._wait(call)
            else:
                link.take_over(call)

    def _sweep(self) -> None:
        for master in self._masters.values():
            master.link.sweep()

    async def _keep_mapped(self) -> None:
        """Look at the map now and then, and at once when a node says that ours is old or a link is lost."""
        known = True
        while True:
            self._is_map_old.clear()
            try:
                await self._map(await read_slots([self._cluster.node(*host) for host in self._whom_to_ask()]))
            except LinkDown as error:
                if known:
                    _logger.warning("no link to Redis: %s", error)
                known = False
            except Exception:  # a bug, of ours or of a library: without a map it is the worse
                _logger.exception("no map of the Cluster")
            else:
                known = True
            pause = _MAP_SECONDS if self.is_up else _HURRIED_MAP_SECONDS
            with suppress(TimeoutError):
                async with asyncio.timeout(_chance.uniform(0.5, 1) * pause):
                    await self._is_map_old.wait()
                    await asyncio.sleep(_chance.uniform(0, _HURRIED_MAP_SECONDS))  # not all edges at once

    def _whom_to_ask(self) -> list[Host]:
        """Nodes that are linked first, then those that were told of, then those that the URL names."""
        linked = [host for host, master in self._masters.items() if master.link.is_up]
        seeds = [(seed.host, seed.port) for seed in self._cluster.seeds]
        return list(dict.fromkeys([*in_random_order(linked), *in_random_order(self._nodes), *seeds]))

    async def _map(self, slots: SlotMap) -> None:
        """Link to masters that are new, follow the partitions, and leave who is no longer a master."""
        masters = {host for host in slots.masters if host is not None}
        for host in masters - self._masters.keys():
            self._masters[host] = master = self._join(host)
            await master.link.__aenter__()
        moved = False
        for master in self._masters.values():
            master.partitions.clear()
        for partition, host in enumerate(slots.masters):
            link = None
            if host is not None:
                link = self._masters[host].link
                self._masters[host].partitions.append(partition)
            moved = moved or link is not self._links[partition]
            self._links[partition] = link
        if moved:  # what was read from one node is told by no other
            self._tell_watchers(None)
        self._nodes = slots.nodes
        self._is_covered = None not in slots.masters
        self._has_joined.set()
        for host in self._masters.keys() - masters:
            await self._masters.pop(host).link.__aexit__()

    async def _wait_until(self, is_so: Callable[[], bool]) -> None:
        while not is_so():
            self._has_joined.clear()
            await self._has_joined.wait()

    def _join(self, host: Host) -> _Master:
        partitions: list[int] = []
        member = Member(
            sweeps=self._sweeps,
            stats=self.stats,
            partitions=partitions,
            on_up=self._has_joined.set,
            on_elsewhere=partial(self._on_elsewhere, host),
        )
        link = Link(
            self._cluster.node(*host),
            scripts=self._scripts,
            deadline_ms=self._deadline_ms,
            max_in_flight=self.max_in_flight,
            durability=self._durability,
            member=member,
        )
        link.on_invalidated(self._on_invalidated)
        return _Master(link, partitions)

    def _on_invalidated(self, keys: list[bytes] | None) -> None:
        if keys is None:  # the link was lost: is it a master still?
            self._is_map_old.set()
        self._tell_watchers(keys)

    def _tell_watchers(self, keys: list[bytes] | None) -> None:
        for watcher in self._watchers:
            watcher(keys)
