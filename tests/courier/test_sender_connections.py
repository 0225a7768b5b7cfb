"""How connections are used again, bounded, and never leaked."""

import asyncio
from ipaddress import ip_address
from typing import TYPE_CHECKING

import pytest

from edge.courier.sender import Callback, Outcome, Sender
from tests.courier.conftest import LOOPBACK_ALLOWED, PATIENT_SECONDS
from tests.courier.receiver import Receiver, hang, huge, raw, raw_and_close, status
from tests.waiting import wait_until_async

if TYPE_CHECKING:
    from edge.courier.guard import Address
    from tests.courier.receiver import Way

pytestmark = pytest.mark.anyio

TOO_MUCH = 16 * 1024


async def delivered(sender: Sender, *urls: str) -> bool:
    answers = [await sender.send(Callback(url, (), b"{}")) for url in urls]
    return all(answer.outcome is Outcome.DELIVERED for answer in answers)


def by_connections(receiver: Receiver) -> list[int]:
    return [request.connection for request in receiver.requests]


@pytest.mark.parametrize(
    "way",
    [
        status(200, body=b"thank you"),
        status(200, body=b"x" * (TOO_MUCH - 100)),
        status(200, ("Content-Encoding", "gzip"), body=b"no gzip"),
        raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n"),
    ],
)
async def test_a_connection_is_used_again(sender: Sender, receiver: Receiver, way: "Way") -> None:
    receiver.behave("/hook", way)

    assert await delivered(sender, *[receiver.url("/hook")] * 3)
    assert by_connections(receiver) == [1, 1, 1]


@pytest.mark.parametrize(
    "way",
    [
        status(200, ("Connection", "close")),
        status(200, body=b"x" * TOO_MUCH),
        raw(b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"),
        raw_and_close(b"HTTP/1.1 200 OK\r\n\r\nuntil the end"),
        raw_and_close(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nbroken"),
        raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n"),
    ],
    ids=["close", "long", "HTTP/1.0", "until closed", "broken off", "bad chunk"],
)
async def test_a_connection_that_is_not_clean_is_not_used_again(
    sender: Sender, receiver: Receiver, way: "Way"
) -> None:
    receiver.behave("/hook", way)

    assert await delivered(sender, receiver.url("/hook"), receiver.url("/other"))
    assert by_connections(receiver) == [1, 2]
    await wait_until_async(lambda: receiver.open_connections == 1)


async def test_what_a_receiver_says_unasked_is_not_taken_for_an_answer(sender: Sender, receiver: Receiver) -> None:
    """Some say 408 before they hang up on an idle connection."""
    with Receiver() as other:
        assert await delivered(sender, receiver.url())
        receiver.say(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")
        assert await delivered(sender, other.url(), receiver.url())  # after the event loop has heard it

    assert by_connections(receiver) == [1, 2]


async def test_a_body_that_nobody_reads_is_given_up_in_time() -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
        await left.wait()
        writer.transport.abort()

    left = asyncio.Event()
    async with (
        await asyncio.start_server(refuse, "127.0.0.1", 0, limit=1024) as server,
        Sender(LOOPBACK_ALLOWED, timeout_s=0.3, max_connections=1) as sender,
    ):
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        answers = [await sender.send(Callback(url, (), b"x" * size)) for size in (50_000_000, 2000)]
        left.set()

    assert [answer.outcome for answer in answers] == [Outcome.TIMEOUT, Outcome.REFUSED]


async def loopback(_: str) -> "list[Address]":
    return [ip_address("127.0.0.1")]


async def test_hosts_do_not_share_connections(receiver: Receiver) -> None:
    async with Sender(LOOPBACK_ALLOWED, timeout_s=10, max_connections=4, resolve=loopback) as sender:
        assert await delivered(sender, *[receiver.url(host=host) for host in ("a.example", "b.example") * 2])

    assert by_connections(receiver) == [1, 2, 1, 2]


async def test_what_is_said_together_with_an_answer_is_never_taken_for_that_of_another_host(
    receiver: Receiver,
) -> None:
    receiver.behave("/hook", raw(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 410 Gone\r\n\r\n"))
    async with Sender(LOOPBACK_ALLOWED, timeout_s=10, max_connections=4, resolve=loopback) as sender:
        assert await delivered(
            sender, receiver.url("/hook", host="a.example"), receiver.url("/other", host="b.example")
        )


async def test_a_receiver_that_was_restarted_is_connected_to_anew(sender: Sender, receiver: Receiver) -> None:
    with Receiver() as first:
        assert await delivered(sender, first.url())
    with Receiver(port=first.port) as second:
        assert await delivered(sender, receiver.url(), second.url())  # after the event loop has seen the end


async def test_idle_connections_are_bounded(receiver: Receiver) -> None:
    with Receiver() as second, Receiver() as third:
        async with Sender(LOOPBACK_ALLOWED, timeout_s=10, max_connections=2) as sender:
            assert await delivered(sender, receiver.url(), second.url(), third.url(), second.url(), third.url())
            await wait_until_async(lambda: receiver.open_connections == 0)
            assert (second.open_connections, third.open_connections) == (1, 1)
            assert (by_connections(second), by_connections(third)) == ([1, 1], [1, 1])


@pytest.mark.slow
async def test_a_connection_that_has_long_been_idle_is_closed_by_the_next_callback(
    sender: Sender, receiver: Receiver
) -> None:
    async def is_closed() -> bool:
        assert await delivered(sender, other.url())
        return receiver.open_connections == 0

    with Receiver() as other:
        assert await delivered(sender, receiver.url())
        assert not await is_closed()
        await wait_until_async(is_closed, within=10)


async def test_a_sender_that_is_left_leaves_no_connection(receiver: Receiver) -> None:
    async with Sender(LOOPBACK_ALLOWED, timeout_s=10, max_connections=2) as sender:
        assert await delivered(sender, receiver.url())

    await wait_until_async(lambda: receiver.open_connections == 0)


async def test_no_more_connections_are_made_at_a_time_than_were_asked_for(receiver: Receiver) -> None:
    async with Sender(LOOPBACK_ALLOWED, timeout_s=PATIENT_SECONDS, max_connections=3) as sender:
        sends = [sender.send(Callback(receiver.url(f"/{n}"), (), b"{}")) for n in range(50)]
        answers = await asyncio.gather(*sends)

    assert {answer.outcome for answer in answers} == {Outcome.DELIVERED}
    assert len(receiver.requests) == 50
    assert receiver.connections <= 3


async def test_who_waits_for_a_connection_has_all_its_time_still_ahead(receiver: Receiver) -> None:
    receiver.behave("/hang", hang)
    async with Sender(LOOPBACK_ALLOWED, timeout_s=0.8, max_connections=1) as sender:
        slow = [sender.send(Callback(receiver.url("/hang"), (), b"{}")) for _ in range(2)]
        *hanging, quick = await asyncio.gather(*slow, sender.send(Callback(receiver.url(), (), b"{}")))

    assert [answer.outcome for answer in hanging] == [Outcome.TIMEOUT] * 2
    assert quick.outcome is Outcome.DELIVERED
    assert quick.seconds < 0.8


async def test_a_huge_body_is_not_read(sender: Sender, receiver: Receiver) -> None:
    receiver.behave("/huge", huge)

    answer = await sender.send(Callback(receiver.url("/huge"), (), b"{}"))

    assert (answer.outcome, answer.status) == (Outcome.DELIVERED, 200)
    await wait_until_async(lambda: receiver.open_connections == 0)
    assert receiver.sent < 20_000_000  # what fits between two sockets, of a terabyte
