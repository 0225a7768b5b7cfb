"""What is sent, and what is made of every answer. The receiver is a real one."""

import socket
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.courier.sender import Answer, Callback, Outcome, Sender, retry_after_s
from tests.courier.conftest import LOOPBACK_ALLOWED, PATIENT_SECONDS
from tests.courier.receiver import drip, drip_body, hang, raw, raw_and_close, redirect, reset, status
from tests.engine.servers import free_port

if TYPE_CHECKING:
    from edge.courier.guard import Address
    from tests.courier.receiver import Receiver, Way

pytestmark = pytest.mark.anyio

SHORT_SECONDS = 0.8
LATE_SECONDS = 2.0  # on a busy machine, and still far from never
DAY = 24 * 60 * 60


def callback(url: str, *headers: tuple[str, str], body: bytes = b"{}") -> Callback:
    return Callback(url, headers, body)


async def answer_to(sender: Sender, receiver: "Receiver", *ways: "Way") -> Answer:
    receiver.behave("/hook", *ways)
    return await sender.send(callback(receiver.url("/hook")))


async def test_a_callback_arrives_as_it_was_given(sender: Sender, receiver: "Receiver") -> None:
    given = (("Webhook-Id", "msg_1"), ("x-tru-CALLBACK", "authenticator"), ("Content-Type", "application/json"))

    answer = await sender.send(callback(receiver.url("/a/%2F?b=c%20d"), *given, body=b'{"e": 1}'))

    assert answer.outcome is Outcome.DELIVERED
    (request,) = receiver.requests
    assert (request.method, request.target, request.body) == ("POST", "/a/%2F?b=c%20d", b'{"e": 1}')
    host = ("Host", f"127.0.0.1:{receiver.port}")
    assert request.headers == (host, ("User-Agent", "Watchword"), *given, ("Content-Length", "8"))


@pytest.mark.parametrize("body", [b"", b"x" * 1_000_000])
async def test_a_body_may_be_empty_or_large(sender: Sender, receiver: "Receiver", body: bytes) -> None:
    assert (await sender.send(callback(receiver.url(), body=body))).outcome is Outcome.DELIVERED
    assert receiver.requests[0].body == body


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        (200, Outcome.DELIVERED),
        (204, Outcome.DELIVERED),
        (299, Outcome.DELIVERED),
        (304, Outcome.REFUSED),
        (400, Outcome.REFUSED),
        (404, Outcome.REFUSED),
        (410, Outcome.GONE),
        (429, Outcome.REFUSED),
        (500, Outcome.REFUSED),
        (503, Outcome.REFUSED),
        (999, Outcome.REFUSED),
    ],
)
async def test_the_status_decides(sender: Sender, receiver: "Receiver", code: int, outcome: Outcome) -> None:
    answer = await answer_to(sender, receiver, status(code))

    assert (answer.outcome, answer.status) == (outcome, code)
    assert 0 < answer.seconds < LATE_SECONDS


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(sender: Sender, receiver: "Receiver", code: int) -> None:
    answer = await answer_to(sender, receiver, status(code, ("Location", receiver.url("/elsewhere"))))

    assert (answer.outcome, answer.status) == (Outcome.REFUSED, code)
    assert receiver.of("/elsewhere") == []


@pytest.mark.parametrize(
    "to", ["http://169.254.169.254/latest/meta-data/", "http://xn--a.example/", "http://[", "//a:b@c:d", ""]
)
async def test_a_redirect_to_what_is_forbidden_or_nonsense_is_not_followed_either(
    sender: Sender, receiver: "Receiver", to: str
) -> None:
    answer = await answer_to(sender, receiver, redirect(to))

    assert (answer.outcome, answer.status) == (Outcome.REFUSED, 302)


async def test_cookies_are_not_kept(sender: Sender, receiver: "Receiver") -> None:
    for _ in range(2):
        await answer_to(sender, receiver, status(204, ("Set-Cookie", "a=b")))

    assert [request.header("cookie") for request in receiver.requests] == [None, None]


async def test_a_proxy_of_the_environment_is_not_used(
    sender: Sender, receiver: "Receiver", monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")

    assert (await answer_to(sender, receiver, status(204))).outcome is Outcome.DELIVERED


@pytest.mark.parametrize("way", [hang, drip])
async def test_a_receiver_that_does_not_come_to_an_end_is_given_up_in_time(
    receiver: "Receiver", way: "Way"
) -> None:
    async with Sender(LOOPBACK_ALLOWED, timeout_s=SHORT_SECONDS, max_connections=1) as sender:
        answer = await answer_to(sender, receiver, way)

        assert (answer.outcome, answer.status) == (Outcome.TIMEOUT, None)
        assert SHORT_SECONDS * 0.9 <= answer.seconds < SHORT_SECONDS + LATE_SECONDS
        assert (await answer_to(sender, receiver, status(204))).outcome is Outcome.DELIVERED


@pytest.mark.parametrize("timeout_s", [SHORT_SECONDS, PATIENT_SECONDS])
async def test_a_status_is_an_answer_whatever_becomes_of_the_body(receiver: "Receiver", timeout_s: float) -> None:
    async with Sender(LOOPBACK_ALLOWED, timeout_s=timeout_s, max_connections=1) as sender:
        answer = await answer_to(sender, receiver, drip_body)

    assert (answer.outcome, answer.status) == (Outcome.DELIVERED, 200)
    assert answer.seconds < min(timeout_s, 1) + LATE_SECONDS


@pytest.mark.parametrize(
    "way",
    [
        reset,
        raw_and_close(b""),
        raw_and_close(b"HTTP/1.1 200 OK\r\nContent-Le"),
        raw(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"),
        raw(b"\x15\x03\x01\x00\x02\x02\x46\r\n\r\n"),
        raw(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n"),
        raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"),
        raw(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 20_000 + b"\r\n\r\n"),
        raw(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 1000 + b"HTTP/1.1 200 OK\r\n\r\n"),
    ],
    ids=[
        "reset",
        "silence",
        "half a head",
        "SSH",
        "TLS alert",
        "upgrade",
        "two lengths",
        "long head",
        "early hints",
    ],
)
async def test_what_does_not_answer_in_http_is_unreachable(
    sender: Sender, receiver: "Receiver", way: "Way"
) -> None:
    answer = await answer_to(sender, receiver, way)

    assert (answer.outcome, answer.status) == (Outcome.UNREACHABLE, None)
    assert (await answer_to(sender, receiver, status(204))).outcome is Outcome.DELIVERED


async def test_informational_answers_are_passed_over(sender: Sender, receiver: "Receiver") -> None:
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 3

    answer = await answer_to(sender, receiver, raw(hints + b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n"))

    assert (answer.outcome, answer.status) == (Outcome.GONE, 410)


async def test_nobody_at_the_port_is_unreachable(sender: Sender) -> None:
    answer = await sender.send(callback(f"http://127.0.0.1:{free_port()}/"))

    assert answer._replace(seconds=0) == Answer(Outcome.UNREACHABLE, None, None, 0)


async def test_a_name_that_nobody_has_is_unreachable() -> None:
    async def resolve(host: str) -> "list[Address]":
        raise socket.gaierror(socket.EAI_NONAME, f"{host}: not known")

    async with Sender(LOOPBACK_ALLOWED, timeout_s=PATIENT_SECONDS, max_connections=1, resolve=resolve) as sender:
        assert (await sender.send(callback("http://a.example/"))).outcome is Outcome.UNREACHABLE


@pytest.mark.parametrize(
    "given", [("X", "a\r\nY: b"), ("X\n", "a"), ("X y", "a"), ("", "a"), ("X", "ü-secret"), ("ü", "")]
)
async def test_a_header_that_is_none_is_an_error_of_the_caller(
    sender: Sender, receiver: "Receiver", given: tuple[str, str]
) -> None:
    with pytest.raises(ValueError, match=r"^a header of the callback cannot be sent$") as error:
        await sender.send(callback(receiver.url(), given))
    assert error.value.__context__ is None
    assert receiver.connections == 0


@pytest.mark.parametrize(
    "name", ["Host", "content-length", "Transfer-Encoding", "CONNECTION", "Upgrade", "User-Agent"]
)
async def test_headers_that_are_the_senders_own_cannot_be_given(
    sender: Sender, receiver: "Receiver", name: str
) -> None:
    with pytest.raises(ValueError, match=r"the sender's own$"):
        await sender.send(callback(receiver.url(), (name, "1")))
    assert receiver.connections == 0


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("0", 0), ("1", 1), ("120", 120), ("86400", DAY), ("86401", DAY), ("9" * 20, DAY)],
)
@pytest.mark.parametrize("code", [429, 503])
async def test_retry_after_is_read_in_seconds_up_to_a_day(
    sender: Sender, receiver: "Receiver", code: int, value: str, seconds: float
) -> None:
    assert (await answer_to(sender, receiver, status(code, ("Retry-After", value)))).retry_after_s == seconds


@pytest.mark.parametrize(("ahead_s", "at_most"), [(-60, 0), (60, 60), (2 * DAY, DAY)])
async def test_retry_after_is_read_as_a_date(
    sender: Sender, receiver: "Receiver", ahead_s: float, at_most: float
) -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=ahead_s), usegmt=True)

    answer = await answer_to(sender, receiver, status(429, ("Retry-After", date)))

    assert answer.retry_after_s is not None
    assert max(at_most - 30, 0) <= answer.retry_after_s <= at_most


@pytest.mark.parametrize(
    "value", ["", "soon", "-1", "1.5", "1e3", "0x10", "1, 2", "٣", "Fri, 99 Foo 2030 00:00:00 GMT"]
)
async def test_a_retry_after_that_means_nothing_is_ignored(
    sender: Sender, receiver: "Receiver", value: str
) -> None:
    head = b"HTTP/1.1 429 Slow\r\nRetry-After: " + value.encode() + b"\r\nContent-Length: 0\r\n\r\n"

    answer = await answer_to(sender, receiver, raw(head))

    assert answer._replace(seconds=0) == Answer(Outcome.REFUSED, 429, None, 0)


dates = st.builds(
    "{}, {} {} {} {}:{}:{} {}".format,
    *[st.text("MonTue", max_size=3), st.integers(), st.sampled_from(["Jan", "Foo", "1"]), st.integers()],
    *[st.integers(-1, 99)] * 3,
    st.sampled_from(["GMT", "+9999", "-0000", "x", ""]),
)


@given(st.one_of(st.text(), st.text("0123456789+-:, GMT"), dates))
def test_a_retry_after_is_none_or_within_a_day(value: str) -> None:
    seconds = retry_after_s(value)

    assert seconds is None or 0 <= seconds <= DAY
