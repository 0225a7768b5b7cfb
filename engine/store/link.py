"""The link: what every call to Redis goes through.

One multiplexed, pipelining connection per node. It keeps itself connected, bounds what is in flight, gives
every call a deadline, and is honest about a call whose answer never came.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self, TypeAlias

from engine.store.address import Address
from engine.store.connection import Argument, Call, Connection, pack
from engine.store.errors import LinkDown, Overloaded, ScriptFailed
from engine.store.scripts import Script

Reply: TypeAlias = list[Any]
Watcher: TypeAlias = Callable[[list[bytes] | None], None]

_SWEEPS_PER_DEADLINE = 5
_HANDSHAKE_SECONDS = 2.0
_FIRST_BACKOFF_SECONDS = 0.02
_LONGEST_BACKOFF_SECONDS = 0.5

_logger = logging.getLogger(__name__)


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

        With `watches`, the first write to a key that the script reads will be told: Link.on_invalidated.

        Raises:
            LinkDown: there is no connection, or the server refuses to work for now. Nothing was changed.
            Overloaded: too many calls are in flight. Nothing was sent.
            OutcomeUnknown: sent, but not answered within the deadline or before the connection died.
            ScriptFailed: the script raised.
        """
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


class Link:
    """A link to one Redis node.

    Args:
        address: where the node is and how to sign in.
        scripts: loaded on every connect.
        deadline_ms: a call that is not answered by then fails; noticed within a fifth of it.
        max_in_flight: calls beyond it are refused at once.
    """

    def __init__(
        self,
        address: Address,
        *,
        scripts: Sequence[Script],
        deadline_ms: int,
        max_in_flight: int,
    ) -> None:
        self.stats = LinkStats()
        self.server: tuple[str, str] | None = None  # name and version of who answered last
        self.max_in_flight = max_in_flight
        self._address = address
        self._scripts = scripts
        self._sweep_seconds = deadline_ms / 1000 / _SWEEPS_PER_DEADLINE
        self._watchers: list[Watcher] = []
        self._connection: Connection | None = None
        self._up = asyncio.Event()
        self._lost = asyncio.Event()
        self._adrift: list[Call] = []
        self._sweep = 0
        self._loop = asyncio.get_running_loop()
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self._tasks = [
            asyncio.create_task(self._keep_connected(), name="link"),
            asyncio.create_task(self._keep_sweeping(), name="link-sweep"),
        ]
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        calls = self._adrift
        if self._connection is not None:
            calls = [*calls, *self._connection.waiting]
            self._connection.abort()
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
        await self._connection.ask("PING", sweep=self._sweep)

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
        connection.send(Call(answer, packed, script, self._sweep, watches))
        self.stats.calls += 1
        return answer

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
                await asyncio.sleep(random.uniform(0, backoff))  # noqa: S311
            else:
                backoff = 0.0
                await self._lost.wait()
                _logger.warning("the link to Redis is lost")
                await asyncio.sleep(random.uniform(0, _FIRST_BACKOFF_SECONDS))  # noqa: S311

    async def _connect(self) -> None:
        connection = Connection(
            on_lost=self._on_lost, on_reload=self._on_reload, on_invalidated=self._tell_watchers
        )
        try:
            await self._address.connect(lambda: connection)
            await self._shake_hands(connection)
        except BaseException:
            connection.abort()
            raise
        self._lost.clear()
        self._connection = connection
        self._repeat_adrift(connection)
        self.stats.connects += 1
        self._up.set()
        _logger.info("linked to Redis")

    async def _shake_hands(self, connection: Connection) -> None:
        commands: list[tuple[Argument, ...]] = [
            tuple(self._address.hello()),
            ("CLIENT", "SETNAME", "watchword"),
            ("CLIENT", "TRACKING", "ON", "OPTIN"),
            ("CLIENT", "CACHING", "YES"),  # allowed? it matters only later
        ]
        if self._address.database:
            commands.append(("SELECT", self._address.database))
        commands.extend(("SCRIPT", "LOAD", script.source) for script in self._scripts)
        greeting, *_ = await asyncio.gather(*[connection.ask(*command) for command in commands])
        if connection.is_lost:
            raise LinkDown
        self.server = _who(greeting)

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
        self.stats.losses += 1
        self._tell_watchers(None)
        self._up.clear()
        self._lost.set()
        for call in unanswered:
            if call.script is not None and call.script.repeatable:
                self._adrift.append(call)
            else:
                self.stats.unanswered += call.fail_unanswered()

    def _tell_watchers(self, keys: list[bytes] | None) -> None:
        for watcher in self._watchers:
            watcher(keys)

    def _on_reload(self) -> None:
        self.stats.script_reloads += 1

    async def _keep_sweeping(self) -> None:
        while True:
            await asyncio.sleep(self._sweep_seconds)
            self._sweep += 1
            overdue = self._sweep - _SWEEPS_PER_DEADLINE
            while self._adrift and self._adrift[0].sweep < overdue:
                self._adrift.pop(0).fail_unanswered()
                self.stats.overdue += 1
            if self._connection is not None:
                failed, unknown = self._connection.fail_overdue(overdue)
                self.stats.overdue += failed
                self.stats.unanswered += unknown
                # So old a head of line means a stalled server or a dead path: start over.
                if self._connection.is_stalled(overdue - _SWEEPS_PER_DEADLINE):
                    self._connection.abort()


def _who(greeting: Any) -> tuple[str, str] | None:  # noqa: ANN401  # what HELLO was answered with
    """The server's name and version, if it says them as Redis and Valkey do."""
    match greeting:
        case {b"server": bytes(name), b"version": bytes(version)}:
            return name.decode(), version.decode()
        case _:
            return None
