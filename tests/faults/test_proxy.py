"""The proxy itself, by a plain socket that asks a real Redis."""

import socket
import time
from typing import TYPE_CHECKING

import pytest

from tests.faults.proxy import DOWN, UP, Proxy
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Generator

    import redis

    from tests.engine.servers import RedisServer

pytestmark = pytest.mark.one_node

KEY = "{1}:proxied"
PONG = b"+PONG\r\n"
SOON = 0.05


@pytest.fixture
def proxy(redis_server: "RedisServer", admin_redis: "redis.Redis") -> "Generator[Proxy]":
    with Proxy(redis_server.socket) as proxy:
        yield proxy
    admin_redis.delete(KEY)


def connect(proxy: Proxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=5)


@pytest.fixture
def line(proxy: Proxy) -> "Generator[socket.socket]":
    """A connection that has been used."""
    with connect(proxy) as line:
        assert ask(line, "PING") == PONG
        yield line


def ask(line: socket.socket, command: str) -> bytes:
    line.sendall(command.encode() + b"\r\n")
    return line.recv(65536)


def is_silent(line: socket.socket) -> bool:
    line.settimeout(SOON)
    try:
        return not line.recv(1)
    except TimeoutError:
        return True
    finally:
        line.settimeout(5)


def test_a_reset_is_told_and_the_next_connection_is_good(proxy: Proxy, line: socket.socket) -> None:
    proxy.reset()
    with pytest.raises(ConnectionResetError):
        line.recv(1)
    with connect(proxy) as other:
        assert ask(other, "PING") == PONG


def test_what_is_held_arrives_in_the_end(proxy: Proxy, line: socket.socket) -> None:
    with proxy.holding():
        line.sendall(b"PING\r\n")
        assert is_silent(line)
        with connect(proxy) as other:
            other.sendall(b"PING\r\n")
            assert is_silent(other)
    assert line.recv(64) == PONG


@pytest.mark.parametrize(("direction", "done"), [(UP, None), (DOWN, b"1")])
def test_one_direction_may_be_held_alone(
    proxy: Proxy, line: socket.socket, admin_redis: "redis.Redis", direction: str, done: bytes | None
) -> None:
    with proxy.holding(frozenset({direction})):
        line.sendall(f"INCR {KEY}\r\n".encode())
        assert is_silent(line)
        assert admin_redis.get(KEY) == done
    assert line.recv(64) == b":1\r\n"


def test_what_was_held_arrives_though_its_sender_is_gone(
    proxy: Proxy, line: socket.socket, admin_redis: "redis.Redis"
) -> None:
    with proxy.holding():
        line.sendall(f"INCR {KEY}\r\n".encode())
        assert is_silent(line)
        line.close()
    wait_until(lambda: admin_redis.get(KEY) == b"1")


def test_orphans_hang_for_good_and_others_do_not(proxy: Proxy, line: socket.socket) -> None:
    proxy.orphan()
    line.sendall(b"PING\r\n")
    with connect(proxy) as other:
        assert ask(other, "PING") == PONG
    assert is_silent(line)


def test_answers_may_be_late_and_slow(proxy: Proxy, line: socket.socket) -> None:
    for slow in (proxy.slow(delay_s=SOON), proxy.slow(bytes_per_s=int(len(PONG) / SOON))):
        began = time.monotonic()
        with slow:
            assert ask(line, "PING") == PONG
        assert time.monotonic() - began > SOON * 0.9


def test_a_connection_may_be_cut_in_the_midst_of_an_answer(proxy: Proxy, line: socket.socket) -> None:
    with proxy.cutting(after=3):
        assert ask(line, "PING") == PONG[:3]
        with pytest.raises(ConnectionResetError):
            line.recv(64)
        with connect(proxy) as other:
            assert ask(other, "PING") == PONG[:3]


def test_connections_are_refused_for_a_while(proxy: Proxy, line: socket.socket) -> None:
    with proxy.refusing():
        with pytest.raises(ConnectionResetError):
            line.recv(1)
        with pytest.raises(ConnectionRefusedError):
            connect(proxy)
    with connect(proxy) as other:
        assert ask(other, "PING") == PONG
