"""A send that is cancelled, wherever it is: its connection is gone, and its place is free."""

import asyncio
import ssl
from contextlib import asynccontextmanager
from threading import Event
from typing import TYPE_CHECKING, Self

import pytest

from edge.courier.sender import Callback, Outcome, Sender
from tests.certificates import make_authority
from tests.courier.conftest import LOOPBACK_ALLOWED, PATIENT_SECONDS
from tests.courier.receiver import Receiver, hang
from tests.waiting import wait_until_async

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from tests.courier.receiver import Line

pytestmark = pytest.mark.anyio

STEPS = 120  # of the event loop: more than an exchange takes
PLACES = 2


class Neighbour:
    """A receiver in the event loop of the sender, so that a step of the loop is a step of both."""

    def __init__(self) -> None:
        self.url = ""
        self.open: set[asyncio.StreamWriter] = set()

    @classmethod
    @asynccontextmanager
    async def serve(cls, tls: ssl.SSLContext | None) -> "AsyncGenerator[Self]":
        neighbour = cls()
        server = await asyncio.start_server(neighbour._talk, "127.0.0.1", 0, ssl=tls)
        neighbour.url = f"http{'s' if tls else ''}://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        async with server:
            yield neighbour
            await wait_until_async(lambda: not neighbour.open)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open.add(writer)
        try:
            while await reader.readuntil(b"\r\n\r\n{}"):
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        except (asyncio.IncompleteReadError, OSError):
            self.open.discard(writer)
            writer.close()


@pytest.fixture(params=["plain", "TLS"])
def tls(
    request: pytest.FixtureRequest, tmp_path: "Path", monkeypatch: pytest.MonkeyPatch
) -> ssl.SSLContext | None:
    if request.param == "plain":
        return None
    authority = make_authority(tmp_path / "authority")
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca))
    return authority.server_context()


@pytest.mark.parametrize("times", [1, pytest.param(2, marks=pytest.mark.thorough)])
async def test_a_cancelled_send_leaves_no_connection_and_no_place_taken(
    tls: ssl.SSLContext | None, times: int
) -> None:
    async with Neighbour.serve(tls) as neighbour:
        callback = Callback(neighbour.url, (), b"{}")
        ended = [await is_too_late(neighbour, callback, steps, times) for steps in range(STEPS)]

    assert not ended[0]
    assert ended[-1]


async def test_a_cancelled_send_leaves_the_others_alone(receiver: Receiver) -> None:
    released = Event()

    def answer_when_released(line: "Line") -> None:
        released.wait(PATIENT_SECONDS)
        line.send(b"HTTP/1.1 204 Done\r\n\r\n")

    receiver.behave("/slow", answer_when_released)
    receiver.behave("/hang", hang)
    async with Sender(LOOPBACK_ALLOWED, timeout_s=PATIENT_SECONDS, max_connections=PLACES) as sender:
        slow, hanging = [
            asyncio.ensure_future(sender.send(Callback(receiver.url(path), (), b"{}")))
            for path in ("/slow", "/hang")
        ]
        await wait_until_async(lambda: len(receiver.requests) == PLACES)
        hanging.cancel()
        assert (await sender.send(Callback(receiver.url(), (), b"{}"))).outcome is Outcome.DELIVERED
        released.set()
        assert (await slow).outcome is Outcome.DELIVERED
        await wait_until_async(lambda: receiver.open_connections == 1)


@pytest.mark.parametrize("steps", range(8))
async def test_a_send_that_is_cancelled_again_leaves_no_idle_connection_behind(
    receiver: Receiver, steps: int
) -> None:
    receiver.behave("/hang", hang)
    with Receiver() as second, Receiver() as third:
        async with Sender(LOOPBACK_ALLOWED, timeout_s=PATIENT_SECONDS, max_connections=3) as sender:
            for url in (second.url(), third.url()):
                assert (await sender.send(Callback(url, (), b"{}"))).outcome is Outcome.DELIVERED
            sending = asyncio.ensure_future(sender.send(Callback(receiver.url("/hang"), (), b"{}")))
            await wait_until_async(lambda: receiver.requests)
            sending.cancel()
            for _ in range(steps):
                await asyncio.sleep(0)
            sending.cancel()
            await asyncio.wait([sending])
            for left in (receiver, second, third):
                await wait_until_async(lambda left=left: left.open_connections == 0)


async def is_too_late(neighbour: Neighbour, callback: Callback, steps: int, times: int) -> bool:
    """Cancel after so many steps, more often than there are places. True if they had all ended by then."""
    async with Sender(LOOPBACK_ALLOWED, timeout_s=PATIENT_SECONDS, max_connections=PLACES) as sender:
        ended = [await ended_within(steps, sender, callback, times) for _ in range(PLACES + 1)]
        await wait_until_async(lambda: len(neighbour.open) <= any(ended))
        answers = await asyncio.gather(*[sender.send(callback) for _ in range(PLACES)])
        assert [answer.outcome for answer in answers] == [Outcome.DELIVERED] * PLACES
        return all(ended)


async def ended_within(steps: int, sender: Sender, callback: Callback, times: int) -> bool:
    sending = asyncio.ensure_future(sender.send(callback))
    for _ in range(steps):
        await asyncio.sleep(0)
    for _ in range(times):
        sending.cancel()
        await asyncio.sleep(0)
    await asyncio.wait([sending])
    return not sending.cancelled()
