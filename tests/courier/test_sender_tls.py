"""Callbacks over TLS: who is believed to be the receiver."""

import asyncio
import socket
import ssl
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

import pytest
from cryptography.x509 import DNSName

from edge.courier.guard import Guard
from edge.courier.sender import Callback, Outcome, Sender
from tests.certificates import LOOPBACK, Authority, make_authority
from tests.courier.receiver import Receiver, drip_body, hang
from tests.waiting import wait_until_async

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from edge.courier.guard import Address

pytestmark = pytest.mark.anyio

NAME = "receiver.example"


@pytest.fixture
def authority(tmp_path: "Path") -> Authority:
    return make_authority(tmp_path / "authority", DNSName(NAME))


@pytest.fixture
def asked_for() -> list[str]:
    """Server names that clients asked for (RFC 6066 3)."""
    return []


@pytest.fixture
def secure_receiver(authority: Authority, asked_for: list[str]) -> "Generator[Receiver]":
    context = authority.server_context()
    context.set_alpn_protocols(["h2", "http/1.1"])
    context.sni_callback = lambda _socket, name, _context: asked_for.append(name)
    with Receiver(context) as receiver:
        yield receiver


@pytest.fixture
def trusted(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    """The authority is the system's: OpenSSL reads where they are from the environment."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca))


def sender(timeout_s: float = 10) -> Sender:
    async def resolve(_: str) -> "list[Address]":
        return [ip_address("127.0.0.1")]

    return Sender(Guard([ip_network("127.0.0.1")]), timeout_s=timeout_s, max_connections=1, resolve=resolve)


@pytest.mark.usefixtures("trusted")
async def test_a_receiver_with_a_trusted_certificate_gets_its_callbacks(
    secure_receiver: Receiver, asked_for: list[str]
) -> None:
    async with sender() as secure:
        for host in (NAME, NAME.upper(), NAME + "."):
            answer = await secure.send(Callback(secure_receiver.url(host=host), (), b"{}"))
            assert answer.outcome is Outcome.DELIVERED

    hosts = [request.header("host") for request in secure_receiver.requests]
    assert hosts == [f"{host}:{secure_receiver.port}" for host in (NAME, NAME, NAME + ".")]
    assert [request.connection for request in secure_receiver.requests] == [1, 1, 2]
    assert asked_for == [NAME] * 2


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("host", ["other.example", "127.0.0.1", "a.receiver.example", "xn--a.example", "a_b"])
async def test_a_certificate_for_another_name_is_not_believed(secure_receiver: Receiver, host: str) -> None:
    async with sender() as secure:
        answer = await secure.send(Callback(secure_receiver.url(host=host), (), b"{}"))

    assert answer._replace(seconds=0) == (Outcome.UNREACHABLE, None, None, 0)
    assert secure_receiver.requests == []


async def test_an_unknown_authority_is_not_believed(secure_receiver: Receiver) -> None:
    async with sender() as secure:
        answer = await secure.send(Callback(secure_receiver.url(host=NAME), (), b"{}"))

    assert answer.outcome is Outcome.UNREACHABLE
    assert secure_receiver.requests == []
    await wait_until_async(lambda: secure_receiver.open_connections == 0)


async def test_an_address_is_believed_by_a_certificate_for_the_address(
    tmp_path: "Path", monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = make_authority(tmp_path / "authority", LOOPBACK)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca))
    with Receiver(authority.server_context()) as receiver:
        async with sender() as secure:
            assert (await secure.send(Callback(receiver.url(), (), b"{}"))).outcome is Outcome.DELIVERED


async def test_a_receiver_that_wants_a_certificate_of_ours_is_unreachable(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With TLS 1.3 it says so after the handshake, where it should answer."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca))
    context = authority.server_context()
    context.verify_mode = ssl.CERT_REQUIRED
    with Receiver(context) as receiver:
        async with sender() as secure:
            answer = await secure.send(Callback(receiver.url(host=NAME), (), b"{}"))

    assert answer.outcome is Outcome.UNREACHABLE


async def test_who_does_not_speak_tls_is_unreachable() -> None:
    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example ESMTP\r\n")
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as server, sender() as secure:
        port = server.sockets[0].getsockname()[1]
        answer = await secure.send(Callback(f"https://{NAME}:{port}/", (), b"{}"))

    assert answer.outcome is Outcome.UNREACHABLE


async def test_a_handshake_that_does_not_end_is_given_up_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        async with sender(timeout_s=0.3) as secure:
            answer = await secure.send(Callback(f"https://{NAME}:{mute.getsockname()[1]}/", (), b"{}"))

    assert answer.outcome is Outcome.TIMEOUT
    assert answer.seconds < 3


@pytest.mark.usefixtures("trusted")
async def test_deadlines_hold_over_tls_too(secure_receiver: Receiver) -> None:
    secure_receiver.behave("/hang", hang)
    secure_receiver.behave("/drip", drip_body)
    async with sender(timeout_s=1) as secure:
        outcomes = [
            (await secure.send(Callback(secure_receiver.url(path, host=NAME), (), b"{}"))).outcome
            for path in ("/hang", "/drip", "/")
        ]

    assert outcomes == [Outcome.TIMEOUT, Outcome.DELIVERED, Outcome.DELIVERED]
