"""Answers that are held back until replicas have what they tell of.

WAIT blocks the connection that it is sent on, so it has one of its own, beside the one of the calls. There a fence
key is written once the answers are in: replicas that have the fence have everything before it. One fence serves
all answers that came while the one before it was waited for.
"""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeAlias

from engine.store import keys
from engine.store.connection import Connection
from engine.store.errors import NotReplicated
from engine.store.sweeps import Sweeps

Held: TypeAlias = tuple[asyncio.Future[Any], Any]

_FENCE_LIFE_MS = 60_000


class Fence:
    """Holds answers of one connection to one server.

    Args:
        connection: to the same server, used by nobody else.
        replicas: how many must confirm.
        wait_ms: how long they have.
        partitions: those of the server; their fence keys may be written there.
        sweeps: the clock of the link.
        on_unconfirmed: told how many answers were not confirmed.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        replicas: int,
        wait_ms: int,
        partitions: Sequence[int],
        sweeps: Sweeps,
        on_unconfirmed: Callable[[int], None],
    ) -> None:
        self.connection = connection
        self._replicas = replicas
        self._wait_ms = wait_ms
        self._partitions = partitions
        self._sweeps = sweeps
        self._turn = 0
        self._on_unconfirmed = on_unconfirmed
        self._held: list[Held] = []
        self._is_asking = False
        self._loop = asyncio.get_running_loop()

    def hold(self, answer: asyncio.Future[Any], reply: Any) -> None:  # noqa: ANN401  # whatever a script replies
        """Give the answer this reply once enough replicas have confirmed; else NotReplicated."""
        self._held.append((answer, reply))
        if not self._is_asking:
            self._is_asking = True
            self._loop.call_soon(self._ask)  # with all answers of this tick

    def _ask(self) -> None:
        held, self._held = self._held, []
        now = self._sweeps.now
        written = self.connection.ask("SET", self._key(), "", "PX", _FENCE_LIFE_MS, sweep=now)
        waited = self.connection.ask("WAIT", self._replicas, self._wait_ms, sweep=now)
        waited.add_done_callback(partial(self._settle, held, written))

    def _settle(self, held: list[Held], written: asyncio.Future[Any], waited: asyncio.Future[int]) -> None:
        """Redis answers in order, so the write is done or failed by now."""
        if _was_elsewhere(written):  # its partition moves to another node
            self._turn += 1
            self._held[:0] = held
            self._ask()
            return
        answered = all([_is_answered(written), _is_answered(waited)])  # all: whoever has an error has it read
        confirmed = answered and waited.result() >= self._replicas
        for answer, reply in held:
            if answer.done():
                continue
            if confirmed:
                answer.set_result(reply)
            else:
                answer.set_exception(NotReplicated())
        if not confirmed:
            self._on_unconfirmed(len(held))
        if self._held:
            self._ask()
        else:
            self._is_asking = False

    def _key(self) -> bytes:
        return keys.fence(self._partitions[self._turn % len(self._partitions)])


def _is_answered(answer: asyncio.Future[Any]) -> bool:
    return answer.done() and not answer.cancelled() and answer.exception() is None


def _was_elsewhere(answer: asyncio.Future[Any]) -> bool:
    error = None if answer.cancelled() else answer.exception()
    return error is not None and str(error).startswith(("ASK", "MOVED", "TRYAGAIN"))
