"""The link to one server: what every call to it goes through.

One multiplexed, pipelining connection. It keeps itself connected, bounds what is in flight, gives every call a
deadline, and is honest about a call whose answer never came. A Cluster has one link per master: see cluster.py.
"""

import asyncio
import logging
from collections.abc import Awaitable, Sequence
from random import SystemRandom
from typing import Self

from engine.store.address import Address
from engine.store.connection import Argument, Call, Connection, look_away, pack
from engine.store.durability import Durability, Mode
from engine.store.errors import LinkDown, Overloaded, ScriptFailed
from engine.store.fence import Fence
from engine.store.handshake import Demands, Server, shake_hands, sign_in
from engine.store.runner import LinkStats, Locator, Member, Reply, Watcher
from engine.store.scripts import Script
from engine.store.sweeps import Sweeps

_chance = SystemRandom()  # that of the module has a state, which others in the process may have set

_HANDSHAKE_SECONDS = 1.0
_FIRST_BACKOFF_SECONDS = 0.02
_LONGEST_BACKOFF_SECONDS = 0.5
_FENCE_SHARE = 3  # a third of the deadline: an answer may wait for the fence before it and for its own

DEFAULT_DURABILITY = Durability()

_logger = logging.getLogger(__name__)


class Link:
    """A link to one server.

    Args:
        locator: says where the server is and how to sign in.
        scripts: loaded on every connect.
        deadline_ms: a call that is not answered by then has failed, in the last fifth of it.
        max_in_flight: calls beyond it are refused at once.
        durability: what must be true of a write before its call is answered.
        member: what makes it the link to one node of a Cluster.
    """

    def __init__(
        self,
        locator: Locator,
        *,
        scripts: Sequence[Script],
        deadline_ms: int,
        max_in_flight: int,
        durability: Durability = DEFAULT_DURABILITY,
        member: Member | None = None,
    ) -> None:
        self.stats = LinkStats() if member is None else member.stats
        self.server: Server | None = None  # who answered last
        self.max_in_flight = max_in_flight
        self._locator = locator
        self._scripts = scripts
        self._sweeps = Sweeps(deadline_ms) if member is None else member.sweeps
        self._durability = durability
        self._fence_ms = deadline_ms // _FENCE_SHARE
        self._member = member
        self._demands = Demands(is_cluster=member is not None, durability=durability.mode)
        self._watchers: list[Watcher] = []
        self._connection: Connection | None = None
        self._fence: Fence | None = None
        self._up = asyncio.Event()
        self._lost = asyncio.Event()
        self._adrift: list[Call] = []
        self._loop = asyncio.get_running_loop()
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self._tasks = [asyncio.create_task(self._keep_connected(), name="link")]
        if self._member is None:
            self._tasks.append(asyncio.create_task(self._sweeps.keep(self.sweep), name="link-sweep"))
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        calls = self._adrift
        if self._connection is not None:
            calls = [*calls, *self._connection.waiting]
            self._connection.abort()
        if self._fence is not None:
            self._fence.connection.abort()
        for call in calls:
            call.fail_unanswered()

    @property
    def is_up(self) -> bool:
        return self._connection is not None

    @property
    def in_flight(self) -> int:
        """Calls that wait for their answer, without what the link asks on its own account."""
        waiting = self._connection.waiting if self._connection is not None else ()
        return sum(call.script is not None for call in waiting)

    @property
    def queued(self) -> int:
        """Calls that are repeated on the next connection, if that comes before their deadline."""
        return len(self._adrift)

    async def wait_up(self) -> None:
        """Wait, however long it takes, until there is a connection with all scripts loaded."""
        await self._up.wait()

    def on_invalidated(self, watcher: Watcher) -> None:
        """Call `watcher` with the names of watched keys once they are written, ahead of any answer given after it.

        What was told is watched no more, until it is read again. None means that writes may have been missed: the
        link is, or was, down, or the database was flushed.
        """
        self._watchers.append(watcher)

    async def ping(self) -> None:
        """Ask the server for a sign of life.

        Raises:
            LinkDown: none within the deadline.
        """
        if self._connection is None:
            raise LinkDown
        await self._connection.ask("PING", sweep=self._sweeps.now)

    def run(
        self,
        script: Script,
        partition: int,
        keys: Sequence[bytes],
        args: Sequence[Argument],
        *,
        watches: bool = False,
    ) -> Awaitable[Reply]:
        """See Runner. `partition` chooses the node; here there is one."""
        connection = self._connection
        if connection is None:
            raise LinkDown
        if len(connection.waiting) >= self.max_in_flight:
            self.stats.overloads += 1
            raise Overloaded
        answer: asyncio.Future[Reply] = self._loop.create_future()
        packed = pack((b"EVALSHA", script.sha, len(keys), *keys, *args))
        connection.send(Call(answer, packed, script, self._sweeps.now, watches, partition))
        self.stats.calls += 1
        return answer

    def take_over(self, call: Call, *, asking: bool = False) -> None:
        """Send a call that another node of the Cluster has pointed here."""
        if self._connection is None:
            call.fail(LinkDown())
        elif asking:
            self._connection.send_asking(call)
        else:
            self._connection.send(call)

    def sweep(self) -> None:
        """Fail what is overdue, and give a server up that does not answer."""
        overdue = self._sweeps.overdue
        while self._adrift and self._adrift[0].sweep < overdue:
            self._adrift.pop(0).fail_unanswered()
            self.stats.overdue += 1
        if self._connection is None:
            return
        failed, unknown = self._connection.fail_overdue(overdue)
        self.stats.overdue += failed
        self.stats.unanswered += unknown
        if self._fence is not None:
            self._fence.connection.fail_overdue(overdue)
        if self._connection.is_stalled(self._sweeps.stalled):
            self._connection.abort()
        elif self._sweeps.begins_deadline and not self._connection.waiting:
            # Nobody else would notice that the way to the server is dead, and invalidations would be missed.
            self._connection.ask("PING", sweep=self._sweeps.now).add_done_callback(look_away)

    async def _keep_connected(self) -> None:
        backoff = 0.0
        while True:
            try:
                async with asyncio.timeout(_HANDSHAKE_SECONDS):
                    await self._connect()
            except (OSError, LinkDown, ScriptFailed) as error:  # TimeoutError is an OSError
                self.stats.connect_failures += 1
                if not backoff:
                    _logger.warning("no link to Redis: %s", str(error) or type(error).__name__)
                # Full jitter: many edges that lost one server do not return in step.
                backoff = min(max(backoff * 2, _FIRST_BACKOFF_SECONDS), _LONGEST_BACKOFF_SECONDS)
                await asyncio.sleep(_chance.uniform(0, backoff))
            except Exception:  # a bug, of ours or of a library: without a link it is the worse
                self.stats.connect_failures += 1
                _logger.exception("no link to Redis")
                await asyncio.sleep(_LONGEST_BACKOFF_SECONDS)
            else:
                backoff = 0.0
                await self._lost.wait()
                _logger.warning("the link to Redis is lost")
                await asyncio.sleep(_chance.uniform(0, _FIRST_BACKOFF_SECONDS))

    async def _connect(self) -> None:
        address = await self._locator.locate()
        connection = Connection(
            on_lost=self._on_lost,
            on_reload=self._on_reload,
            on_invalidated=self._tell_watchers,
            on_elsewhere=self._member and self._member.on_elsewhere,
        )
        try:
            await address.connect(lambda: connection)
            server = await shake_hands(connection, address, self._scripts, self._demands)
            fence = await self._open_fence(address)
        except BaseException:
            connection.abort()
            raise
        if connection.is_lost:  # while the fence was built
            raise LinkDown
        self.server = server
        self._fence = connection.holder = fence
        self._lost.clear()
        self._connection = connection
        self._repeat_adrift(connection)
        self.stats.connects += 1
        self._up.set()
        if self._member is not None:
            self._member.on_up()
        _logger.info("linked to Redis")

    async def _open_fence(self, address: Address) -> Fence | None:
        if self._durability.mode is not Mode.REPLICAS:
            return None
        connection = Connection(
            on_lost=self._on_fence_lost, on_reload=self._on_reload, on_invalidated=self._tell_watchers
        )
        try:
            await address.connect(lambda: connection)
            await sign_in(connection, address, "watchword-fence")
        except BaseException:
            connection.abort()
            raise
        return Fence(
            connection,
            replicas=self._durability.replicas,
            wait_ms=self._fence_ms,
            partitions=(0,) if self._member is None else self._member.partitions,
            sweeps=self._sweeps,
            on_unconfirmed=self._on_unconfirmed,
        )

    def _repeat_adrift(self, connection: Connection) -> None:
        calls, self._adrift = self._adrift, []
        for call in calls:
            connection.send(call)

    def _on_lost(self, connection: Connection, unanswered: list[Call]) -> None:
        if connection is not self._connection:
            for call in unanswered:  # it died in its handshake
                call.fail_unanswered()
            return
        self._connection = None
        if self._fence is not None:
            self._fence.connection.abort()
            self._fence = None
        self.stats.losses += 1
        self._tell_watchers(None)
        self._up.clear()
        self._lost.set()
        for call in unanswered:
            if call.script is not None and call.script.repeatable:
                self._adrift.append(call)
            else:
                self.stats.unanswered += call.fail_unanswered()

    def _on_fence_lost(self, connection: Connection, unanswered: list[Call]) -> None:
        """Without it nothing can be acknowledged: begin anew with both."""
        for call in unanswered:
            call.fail_unanswered()
        if self._fence is not None and connection is self._fence.connection and self._connection is not None:
            self._connection.abort()

    def _on_unconfirmed(self, count: int) -> None:
        self.stats.unreplicated += count

    def _tell_watchers(self, keys: list[bytes] | None) -> None:
        for watcher in self._watchers:
            watcher(keys)

    def _on_reload(self) -> None:
        self.stats.script_reloads += 1
