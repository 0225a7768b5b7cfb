"""A port of its own for Prometheus: the parent serves /metrics there, so a scrape takes no time of a worker."""

import logging
import socket
import socketserver
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from threading import Thread

from edge.exposition import CONTENT_TYPE, exposition
from engine.errors import Misconfigured

_PATIENCE_SECONDS = 10

_logger = logging.getLogger(__name__)


@contextmanager
def metrics_port(host: str, port: int, directory: Path) -> Generator[None]:
    """Serve the metrics of the workers that share a directory.

    Raises:
        Misconfigured: the port cannot be had.
    """
    try:
        server = _Server(host, port, directory)
    except OSError as error:
        raise Misconfigured(f"WATCHWORD_METRICS_PORT: {error.strerror or error}") from None
    with server:
        Thread(target=server.serve_forever, daemon=True, name="metrics").start()
        try:
            yield
        finally:
            server.shutdown()


class _Server(socketserver.ThreadingTCPServer):
    """http.server.HTTPServer would ask the resolver for this host's name before it listens."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, host: str, port: int, directory: Path) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.directory = directory
        super().__init__((host, port), _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        _logger.warning("a scrape failed", exc_info=True)  # noqa: LOG014  # called while it is handled


class _Handler(BaseHTTPRequestHandler):
    timeout = _PATIENCE_SECONDS

    def do_GET(self) -> None:
        assert isinstance(self.server, _Server)  # noqa: S101
        match self.path.partition("?")[0]:
            case "/metrics":
                self._answer(200, exposition(self.server.directory), CONTENT_TYPE)
            case "/livez":
                self._answer(200, b"ok\n")
            case _:
                self._answer(404, b"there is /metrics and /livez\n")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Requests of Prometheus are not worth a line."""

    def version_string(self) -> str:
        return "watchword"

    def _answer(self, status: int, text: bytes, content_type: bytes = b"text/plain; charset=utf-8") -> None:
        self.send_response(status)
        self.send_header("content-type", content_type.decode())
        self.send_header("content-length", str(len(text)))
        self.send_header("cache-control", "no-store")
        self.end_headers()
        self.wfile.write(text)
