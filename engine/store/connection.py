"""One connection to Redis: calls leave once per loop tick, answers come back in order."""

import asyncio
from collections import deque
from collections.abc import Callable
from itertools import takewhile
from typing import Any, NamedTuple, Protocol, TypeAlias, cast

import hiredis

from engine.store.errors import LinkDown, OutcomeUnknown, ScriptFailed
from engine.store.scripts import Script

Argument: TypeAlias = str | bytes | int

# The library's stub takes a tuple of one.
pack: Callable[[tuple[Argument, ...]], bytes] = hiredis.pack_command  # pyright: ignore

_FULL = 128  # calls that are written at once, without waiting for the end of the loop's tick

# Error replies that mean: nothing ran, and it may run later (RULES, Redis).
_NOT_NOW = frozenset(
    {
        "BUSY",
        "CLUSTERDOWN",
        "LOADING",
        "MASTERDOWN",
        "MISCONF",
        "NOAUTH",
        "NOREPLICAS",
        "OOM",
        "READONLY",
        "TRYAGAIN",
    }
)

# Error replies of a Cluster's node that mean: nothing ran here, another node or a later moment is right.
_ELSEWHERE = frozenset({"ASK", "CLUSTERDOWN", "MOVED", "TRYAGAIN"})


class Call(NamedTuple):
    """A call on its way. Without a script it is a command of the handshake."""

    answer: asyncio.Future[Any]
    packed: bytes
    script: Script | None
    sweep: int  # when it was made: age is counted in sweeps of the link, not by reading a clock
    watches: bool = False  # whether the server is to tell of writes to the keys that are read
    partition: int = 0

    def fail(self, error: Exception) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)

    def fail_unanswered(self) -> bool:
        """Say what is true of a call that was sent: only a repeatable one certainly did no harm.

        True if its outcome is unknown, and this is the first time that it is said.
        """
        if self.answer.done():
            return False
        harmless = self.script is None or self.script.repeatable
        self.answer.set_exception(LinkDown() if harmless else OutcomeUnknown())
        return not harmless


class Holder(Protocol):
    """Keeps the replies of durable scripts back, until it is known how durable they are."""

    def hold(self, answer: asyncio.Future[Any], reply: Any) -> None: ...  # noqa: ANN401  # what a script replied


class Connection(asyncio.Protocol):
    """Writes calls, matches answers to them, and tells its owner when it is lost.

    Args:
        on_lost: called once, with the calls that were sent and never answered.
        on_reload: called when the server had forgotten a script and was given it again.
        on_invalidated: called with the names of keys that were read by a call that watches, and are written now;
            None = any of them may be.
        on_elsewhere: called with a call that did not run, since this node of a Cluster does not have its keys, or
            not all, or not now; and with what it said. It is out of line then.
    """

    def __init__(
        self,
        *,
        on_lost: Callable[["Connection", list[Call]], None],
        on_reload: Callable[[], None],
        on_invalidated: Callable[[list[bytes] | None], None],
        on_elsewhere: Callable[[Call, str], None] | None = None,
    ) -> None:
        self.holder: Holder | None = None
        self.waiting: deque[Call] = deque()
        self._unwritten: list[bytes] = []
        self._reader = hiredis.Reader()
        self._on_lost = on_lost
        self._on_reload = on_reload
        self._on_invalidated = on_invalidated
        self._on_elsewhere = on_elsewhere
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._last_words = ""

    @property
    def is_lost(self) -> bool:
        return self._transport is None

    def send(self, call: Call) -> None:
        if self._transport is None:
            call.fail(LinkDown(self._last_words))
            return
        if call.watches:
            self.ask("CLIENT", "CACHING", "YES", sweep=call.sweep).add_done_callback(self._must_watch)
        if not self._unwritten:
            self._loop.call_soon(self._flush)
        self._unwritten.append(call.packed)
        self.waiting.append(call)
        if len(self._unwritten) >= _FULL:  # a long tick: let the server begin
            self._flush()

    def send_asking(self, call: Call) -> None:
        """Send a call for keys that are on their way to this node of a Cluster.

        It cannot watch: both that and asking are said of the next command only.
        """
        self.ask("ASKING", sweep=call.sweep).add_done_callback(look_away)
        self.send(call._replace(watches=False))

    def ask(self, *command: Argument, sweep: int = 0) -> asyncio.Future[Any]:
        """Send a plain command, as the handshake does."""
        answer: asyncio.Future[Any] = self._loop.create_future()
        self.send(Call(answer, pack(command), None, sweep))
        return answer

    def is_stalled(self, before_sweep: int) -> bool:
        """Whether a call that was made before a sweep is still waiting."""
        return bool(self.waiting) and self.waiting[0].sweep < before_sweep

    def fail_overdue(self, before_sweep: int) -> tuple[int, int]:
        """Fail the calls that were made before a sweep: how many, and of how many of them the outcome is unknown.

        They stay in line: an answer may yet come, and must not be taken for the next call's.
        """
        old = takewhile(lambda call: call.sweep < before_sweep, self.waiting)
        overdue = [call for call in old if not call.answer.done()]
        return len(overdue), sum(call.fail_unanswered() for call in overdue)

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()
            self._transport = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # pyright: ignore[reportAttributeAccessIssue]  # streams get a Transport

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        try:
            while (reply := self._reader.gets()) is not False:
                if type(reply) is list:
                    call = self.waiting.popleft()
                    if self.holder is not None and call.script is not None and call.script.durable:
                        self.holder.hold(call.answer, reply)
                    elif not call.answer.done():
                        call.answer.set_result(reply)
                else:
                    self._unusual(reply)
        except hiredis.ProtocolError:
            self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        sent = len(self.waiting) - len(self._unwritten)
        calls = list(self.waiting)
        self.waiting.clear()
        self._unwritten.clear()
        for call in calls[sent:]:
            call.fail(LinkDown())
        self._on_lost(self, calls[:sent])

    def _flush(self) -> None:
        if self._unwritten and self._transport is not None:
            self._transport.write(b"".join(self._unwritten))
            self._unwritten.clear()

    def _must_watch(self, answer: asyncio.Future[Any]) -> None:
        """Without it, what was read would be taken for true for ever. A lost connection is the end of all that."""
        if not answer.cancelled() and answer.exception() is not None:
            self.abort()

    def _unusual(self, reply: Any) -> None:  # noqa: ANN401  # whatever RESP3 can carry
        if isinstance(reply, hiredis.PushNotification):
            if reply[0] == b"invalidate":
                self._on_invalidated(cast("list[bytes] | None", reply[1]))
            return
        if not self.waiting:  # turned away before anything was asked: too many clients, protected mode
            self._last_words = str(reply)
            self.abort()
            return
        call = self.waiting.popleft()
        if not isinstance(reply, hiredis.ReplyError):
            if not call.answer.done():
                call.answer.set_result(reply)
            return
        self._refused(call, str(reply))

    def _refused(self, call: Call, said: str) -> None:
        code = said.partition(" ")[0]
        if code == "NOSCRIPT" and call.script is not None:
            self._reload(call, call.script)
        elif code in _ELSEWHERE and call.script is not None and self._on_elsewhere is not None:
            if not call.answer.done():
                self._on_elsewhere(call, said)
        elif code in _NOT_NOW:
            call.fail(LinkDown(said))
            if code == "READONLY":  # no longer the primary: look where the name leads to now
                self.abort()
        else:
            call.fail(ScriptFailed(said))

    def _reload(self, call: Call, script: Script) -> None:
        """The server was restarted or flushed its scripts. Load again and repeat: nothing had run."""
        if call.answer.done():
            return  # overdue or given up
        self._on_reload()
        self.ask("SCRIPT", "LOAD", script.source, sweep=call.sweep).add_done_callback(look_away)
        self.send(call)


def look_away(answer: asyncio.Future[Any]) -> None:
    """For commands whose failure shows elsewhere: a failed load as NOSCRIPT on the call behind it, say."""
    if not answer.cancelled():
        answer.exception()
