"""Where a sender does not go. Receivers that must hear nothing are real, and listen."""

import asyncio
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

import pytest

from edge.courier.guard import Guard
from edge.courier.sender import Answer, Callback, Outcome, Sender
from tests.courier.receiver import Receiver

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge.courier.guard import Address

pytestmark = pytest.mark.anyio

FORBIDDEN = Answer(Outcome.FORBIDDEN, None, None, 0)
ONE_ALLOWED = Guard([ip_network("127.0.0.1/32")])  # stands for what is public


class Names:
    """A name server that gives its answers in turn, and counts the questions."""

    def __init__(self, *answers: "Sequence[str]") -> None:
        self.asked: list[str] = []
        self._answers = list(answers)

    async def resolve(self, host: str) -> "list[Address]":
        self.asked.append(host)
        return [ip_address(address) for address in self._answers.pop(0)]


def sender(guard: Guard, names: Names | None = None) -> Sender:
    if names is None:
        return Sender(guard, timeout_s=10, max_connections=4)
    return Sender(guard, timeout_s=10, max_connections=4, resolve=names.resolve)


async def send(sender: Sender, url: str) -> Answer:
    async with sender:
        return (await sender.send(Callback(url, (), b"")))._replace(seconds=0)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0177.0.0.1",
        "0x7f.0.0.1",
        "0x7f000001",
        "localhost",
        "LOCALHOST",
        "0.0.0.0",  # noqa: S104
        "0",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::127.0.0.1]",
        "[64:ff9b::127.0.0.1]",
        "[0:0:0:0:0:ffff:7f00:1]",
        "[2002:7f00:1::]",
        "[2001:0:7f00:1::80ff:fffe]",
        "[64:ff9b:1::127.0.0.1]",
        "017700000001",
        "0177.1",
        "0x7f.1",
        "127.0.1",
    ],
)
async def test_this_host_is_not_called_in_any_spelling(receiver: Receiver, host: str) -> None:
    assert await send(sender(Guard([])), receiver.url(host=host)) == FORBIDDEN
    assert receiver.connections == 0


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://[fd00:ec2::254]/",
        "http://10.0.0.1/",
        "http://192.168.1.1:8080/",
        "https://100.64.0.1/",
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "unix:///run/redis.sock",
        "http://a:b@127.0.0.1/",
        "http://[fe80::1%25lo]/",
        "",
    ],
)
async def test_what_no_callback_may_go_to_is_forbidden(url: str) -> None:
    assert await send(sender(ONE_ALLOWED), url) == FORBIDDEN


async def test_a_name_with_an_inner_address_among_public_ones_is_not_called_at_all(receiver: Receiver) -> None:
    with Receiver(address="127.0.0.2", port=receiver.port) as inner:
        for answer in (["127.0.0.1", "127.0.0.2"], ["127.0.0.2", "127.0.0.1"], ["127.0.0.1"] * 9 + ["10.0.0.1"]):
            names = Names(answer)
            assert await send(sender(ONE_ALLOWED, names), receiver.url(host="a.example")) == FORBIDDEN
            assert names.asked == ["a.example"]

        assert (receiver.connections, inner.connections) == (0, 0)


async def test_a_name_server_that_changes_its_mind_is_not_asked_again(receiver: Receiver) -> None:
    names = Names(["127.0.0.1"], ["127.0.0.2"])
    with Receiver(address="127.0.0.2", port=receiver.port) as inner:
        answer = await send(sender(ONE_ALLOWED, names), receiver.url(host="a.example"))

        assert (answer.outcome, names.asked) == (Outcome.DELIVERED, ["a.example"])
        assert (receiver.connections, inner.connections) == (1, 0)


async def test_a_name_that_turns_to_an_inner_address_is_refused_from_then_on(receiver: Receiver) -> None:
    names = Names(["127.0.0.1"], ["127.0.0.2"])

    first = await send(sender(ONE_ALLOWED, names), receiver.url(host="a.example"))
    second = await send(sender(ONE_ALLOWED, names), receiver.url(host="a.example"))

    assert (first.outcome, second.outcome) == (Outcome.DELIVERED, Outcome.FORBIDDEN)


async def test_the_host_header_has_the_name_and_not_its_address(receiver: Receiver) -> None:
    await send(sender(ONE_ALLOWED, Names(["127.0.0.1"])), receiver.url(host="A.example"))

    assert receiver.requests[0].header("host") == f"a.example:{receiver.port}"


async def test_an_address_needs_no_name_server(receiver: Receiver) -> None:
    names = Names()

    assert (await send(sender(ONE_ALLOWED, names), receiver.url())).outcome is Outcome.DELIVERED
    assert names.asked == []


async def test_an_ipv6_address_is_called_where_it_is_allowed() -> None:
    try:
        receiver = Receiver(address="::1")
    except OSError:
        pytest.skip("this machine has no IPv6")
    with receiver:
        answer = await send(sender(Guard([ip_network("::1")])), receiver.url(host="[::1]"))

    assert answer.outcome is Outcome.DELIVERED
    assert receiver.requests[0].header("host") == f"[::1]:{receiver.port}"


async def test_the_next_address_is_tried_when_one_does_not_answer(receiver: Receiver) -> None:
    everywhere = Guard([ip_network("127.0.0.0/8")])

    answer = await send(sender(everywhere, Names(["127.0.0.3", "127.0.0.1"])), receiver.url(host="a.example"))

    assert answer.outcome is Outcome.DELIVERED


async def test_not_every_address_of_a_name_is_tried(receiver: Receiver) -> None:
    everywhere = Guard([ip_network("127.0.0.0/8")])

    answer = await send(
        sender(everywhere, Names(["127.0.0.3"] * 3 + ["127.0.0.1"])), receiver.url(host="a.example")
    )

    assert answer.outcome is Outcome.UNREACHABLE


async def test_a_name_server_that_does_not_answer_is_given_up_in_time() -> None:
    async def resolve(_: str) -> "list[Address]":
        await asyncio.Event().wait()
        return []

    mute = Sender(ONE_ALLOWED, timeout_s=0.2, max_connections=1, resolve=resolve)
    assert (await send(mute, "http://a.example/")).outcome is Outcome.TIMEOUT


async def test_a_name_without_an_address_is_unreachable() -> None:
    assert (await send(sender(ONE_ALLOWED, Names([])), "http://a.example/")).outcome is Outcome.UNREACHABLE
