"""A company's own web site, of another origin than the edge."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Self

_PAGE = """<!doctype html>
<html lang="{language}"><head><meta charset="utf-8"><title>Acme</title>
<script type="module" src="{edge}/assets/{widget}.js"></script></head>
<body><main><h1>Acme</h1><watchword-{widget} tenant="{tenant}"></watchword-{widget}></main></body></html>"""


class Site:
    """Serves one page, which has the widget by two lines."""

    def __init__(self) -> None:
        self._content = b""
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200 if self.path == "/" else 404)
                self.send_header("content-type", "text/html")
                self.end_headers()
                self.wfile.write(site._content if self.path == "/" else b"")

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Tests have no use for it."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = Thread(target=self._server.serve_forever)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def embed(self, *, edge: str, tenant: str, language: str = "en", widget: str = "customer") -> None:
        self._content = _PAGE.format(widget=widget, edge=edge, tenant=tenant, language=language).encode()
