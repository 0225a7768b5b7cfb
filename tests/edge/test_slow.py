"""Clients that begin a request and do not end it."""

import socket
from typing import TYPE_CHECKING

from tests.edge.sockets import request

if TYPE_CHECKING:
    from tests.edge.program import Edge

PATIENCE_SECONDS = 20


def test_half_a_request_is_given_up_and_the_connection_closed(edge: "Edge") -> None:
    """Half a head after ten seconds, half a body after five."""
    half_a_head = socket.create_connection(edge.address, timeout=PATIENCE_SECONDS)
    half_a_body = socket.create_connection(edge.address, timeout=PATIENCE_SECONDS)
    headers = [("content-type", "application/json"), ("content-length", "100")]
    with half_a_head, half_a_body:
        half_a_head.sendall(b"GET /livez HTT")
        half_a_body.sendall(request("POST", "/api/v2/login", headers))

        assert half_a_body.recv(65536).startswith(b"HTTP/1.1 408 ")
        assert b"".join(iter(lambda: half_a_head.recv(65536), b"")).startswith(b"HTTP/1.1 400 ")
