"""The link over TLS, with a certificate authority made for the test."""

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from engine.store.keys import KeySpace
from tests.certificates import Authority, make_authority
from tests.engine.calls import opened, serves
from tests.engine.servers import RedisServer, free_port, has_tls, server_binaries
from tests.waiting import wait_until_async

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

pytestmark = pytest.mark.anyio


@pytest.fixture
def authority(tmp_path: "Path") -> Authority:
    return make_authority(tmp_path / "authority")


@contextmanager
def tls_server(authority: Authority, *options: str) -> "Generator[tuple[RedisServer, int]]":
    """A server that speaks TLS, on a port, and asks clients for a certificate of the authority."""
    binary = next(filter(has_tls, server_binaries()), None)
    if binary is None:
        pytest.skip("no server of this machine was built with TLS")
    port = free_port()
    files = ("--tls-cert-file", authority.certificate, "--tls-key-file", authority.key)
    words = ("--tls-port", port, "--bind", "127.0.0.1", *files, "--tls-ca-cert-file", authority.ca, *options)
    with RedisServer(binary, *map(str, words)) as server:
        yield server, port


def certified(authority: Authority) -> str:
    return f"ssl_ca_certs={authority.ca}&ssl_certfile={authority.certificate}&ssl_keyfile={authority.key}"


@pytest.fixture
def tls_port(authority: Authority) -> "Generator[int]":
    with tls_server(authority) as (_, port):
        yield port


async def test_a_server_of_the_given_authority_is_trusted_and_trusts_our_certificate(
    tls_port: int, authority: Authority, space: KeySpace
) -> None:
    async with opened(f"rediss://127.0.0.1:{tls_port}?{certified(authority)}") as link:
        assert await serves(link, space)


async def test_a_cluster_is_asked_for_its_map_and_served_by_tls(authority: Authority, space: KeySpace) -> None:
    with tls_server(authority, "--cluster-enabled", "yes", "--tls-cluster", "yes") as (server, port):
        server.command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
        async with opened(f"rediss+cluster://127.0.0.1:{port}/?{certified(authority)}") as link:
            assert await serves(link, space)


async def test_the_server_is_not_verified_only_where_the_url_says_so(
    tls_port: int, authority: Authority, space: KeySpace
) -> None:
    files = f"ssl_cert_reqs=none&ssl_certfile={authority.certificate}&ssl_keyfile={authority.key}"
    async with opened(f"rediss://127.0.0.1:{tls_port}?{files}") as link:
        assert await serves(link, space)


@pytest.mark.parametrize("query", ["", "?ssl_ca_certs={other}"])
async def test_a_server_of_another_authority_is_not_trusted(
    tls_port: int, tmp_path: "Path", query: str, caplog: pytest.LogCaptureFixture
) -> None:
    other = make_authority(tmp_path / "other")
    async with opened(f"rediss://127.0.0.1:{tls_port}{query.format(other=other.ca)}") as link:
        await wait_until_async(lambda: "CERTIFICATE_VERIFY_FAILED" in caplog.text)
        assert not link.is_up
