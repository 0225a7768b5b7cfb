"""Keyholders: the processes that have sealing keys. Each says again and again which it has.

So a key seals only while every living process can open what it seals, and is known to be out of use.
"""

import asyncio
import logging
import os
import re
import secrets
import socket
from contextlib import suppress
from typing import NamedTuple, Self

from engine.errors import Misconfigured, ScriptFailed, Unavailable
from engine.sealing import Keyring
from engine.store.keyholders import JoinReply, JoinStatus, KeyholderStore

_NOTE_SECONDS = 10.0
_LIFE_MS = 30_000

_SENTENCES = {
    JoinStatus.FORGED: "another key was used before under the id {subject} of WATCHWORD_KEYS: "
    "give that key, or the new one an id of its own",
    JoinStatus.LACKING: "a running process seals with the key {subject}, which WATCHWORD_KEYS lacks here",
    JoinStatus.AHEAD: "{subject} runs and lacks the key {first}, so it must not be first in WATCHWORD_KEYS yet: "
    "restart all with it last, then with it first. One that was killed is forgotten after 30 s",
}

_logger = logging.getLogger(__name__)


class Key(NamedTuple):
    """A key that was used here. `sealed_ms`: when a process was last seen that seals with it, 0 = never."""

    id: str
    sealed_ms: int


class Holder(NamedTuple):
    """A living process, and the ids of its keys: the first one seals."""

    name: str
    ids: tuple[str, ...]


class Known(NamedTuple):
    now_ms: int
    keys: dict[str, Key]
    holders: tuple[Holder, ...]


class Keyholders:
    def __init__(self, store: KeyholderStore, keyring: Keyring, *, note_seconds: float = _NOTE_SECONDS) -> None:
        """`note_seconds` is how often it says what it has."""
        self._store = store
        self._keyring = keyring
        self._note_seconds = note_seconds
        self._name = _process_name()
        self._noting: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Join.

        Raises:
            Misconfigured: this ring does not go with what is stored, or with what other processes have.
        """
        reply = await self._join()
        if reply.status is not JoinStatus.JOINED:
            raise Misconfigured(self._sentence(reply))
        self._noting = asyncio.create_task(self._keep_noting(), name="keyholder")
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        if self._noting is not None:
            self._noting.cancel()
            await asyncio.gather(self._noting, return_exceptions=True)
        with suppress(Unavailable, ScriptFailed):  # it is forgotten all the same, a little later
            await self._store.leave(holder=" ".join((self._name, *self._keyring.ids)))

    async def read(self) -> Known:
        reply = await self._store.read(life_ms=_LIFE_MS)
        lines = [line.split(" ") for line in reply.keys.decode().splitlines()]
        holders = [line.split(" ") for line in reply.holders.decode().splitlines()]
        return Known(
            reply.now_ms,
            {key_id: Key(key_id, int(sealed_ms)) for key_id, _, sealed_ms in lines},
            tuple(Holder(name, tuple(ids)) for name, *ids in holders if name != self._name),
        )

    async def _keep_noting(self) -> None:
        while True:
            await asyncio.sleep(self._note_seconds)
            try:
                reply = await self._join()
            except (Unavailable, ScriptFailed):
                continue
            if reply.status is not JoinStatus.JOINED:
                _logger.error("this process must be restarted: %s", self._sentence(reply))

    async def _join(self) -> JoinReply:
        ring = " ".join(f"{key_id}={check}" for key_id, check in self._keyring.check_values().items())
        return await self._store.join(holder=self._name, ring=ring, life_ms=_LIFE_MS)

    def _sentence(self, reply: JoinReply) -> str:
        return _SENTENCES[reply.status].format(subject=reply.subject.decode(), first=self._keyring.first)


def _process_name() -> str:
    """Host and number of this process, so that an operator finds it, and something that no other has."""
    host = re.sub(r"[^A-Za-z0-9.-]", "-", socket.gethostname())
    return f"{host}:{os.getpid()}:{secrets.token_hex(4)}"
