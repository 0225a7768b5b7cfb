"""Clients of the edge, which are patient for a while only and note whatever they are told."""

import asyncio
import time
from typing import TYPE_CHECKING

from tests.edge.sockets import Answer
from tests.faults.history import CUT, HALF, LATE, History, Kind
from tests.faults.invariants import Terms

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from tests.edge.program import Edge

PATIENCE_SECONDS = Terms().client_s
_HANDS = 8
_HEAD_ENDS = b"\r\n\r\n"


class Client:
    """Keeps its connection between requests, and opens another one when that is gone."""

    def __init__(self, edge: "Edge", history: History) -> None:
        self._address = edge.address
        self._history = history
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._is_in_answer = False

    async def ask(self, kind: Kind, key: str, sent: bytes, *, code: str = "") -> "Answer | int":
        """Send a request and note what came of it: see History.note."""
        asked = time.monotonic()
        answer = await self.exchange(sent)
        self._history.note(kind, key, asked, answer, told=_told(answer), code=code)
        return answer

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].transport.abort()
            self._streams = None

    async def exchange(self, sent: bytes) -> "Answer | int":
        """Send a request of which no note is taken."""
        self._is_in_answer = False
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                return await self._converse(sent)
        except TimeoutError:
            instead = LATE
        except (OSError, EOFError):  # asyncio's incomplete read is an end of file
            instead = HALF if self._is_in_answer else CUT
        self.close()
        return instead

    async def _converse(self, sent: bytes) -> Answer:
        if self._streams is None:
            self._streams = await asyncio.open_connection(*self._address)
        reader, writer = self._streams
        writer.write(sent)
        first = await reader.readexactly(1)
        self._is_in_answer = True
        head = Answer.parse(first + await reader.readuntil(_HEAD_ENDS), b"")
        return head._replace(body=await reader.readexactly(int(head.headers["content-length"])))


class Crew:
    """All clients that are at work on one edge, until it is over."""

    def __init__(self, edge: "Edge") -> None:
        self.history = History()
        self.is_over = False
        self._edge = edge
        self._clients: list[Client] = []

    def hire(self, size: int) -> list[Client]:
        clients = [Client(self._edge, self.history) for _ in range(size)]
        self._clients += clients
        return clients

    async def share(self, work: "Callable[[Client, str], Awaitable[None]]", keys: "Iterable[str]") -> None:
        """Do the work for each key, by several clients at once."""
        left = iter([*keys])

        async def take(client: Client) -> None:
            for key in left:
                await work(client, key)

        await asyncio.gather(*map(take, self.hire(_HANDS)))

    async def close(self) -> None:
        for client in self._clients:
            client.close()


def _told(answer: "Answer | int") -> str:
    """The passcode, or the state of a challenge."""
    if isinstance(answer, int) or answer.status not in {200, 201}:
        return ""
    said = answer.json()
    if "data" in said:
        return said["data"]["pass_phrase"]
    return said.get("pass_phrase") or said["status"]
