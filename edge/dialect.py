"""How a surface says no. The default is problem details (RFC 9457)."""

from http import HTTPStatus
from types import MappingProxyType
from typing import NamedTuple, Protocol

import msgspec

from edge.errors import MethodNotAllowed, Row, Rows, find_row
from edge.http import NO_STORE, Headers, Reply, Request
from edge.limits import rate_limit_headers, retry_after
from engine import errors as engine


class Body(NamedTuple):
    media_type: bytes
    content: bytes


class Dialect(Protocol):
    """A surface's own rows, and the shape of its error bodies."""

    rows: Rows

    def shape(self, request: Request, error: Exception, row: Row) -> Body: ...


class Problem(msgspec.Struct):
    status: int
    title: str
    detail: str
    type: str = "about:blank"


class ProblemDetails:
    """For what belongs to no surface."""

    rows: Rows = MappingProxyType({})

    def shape(self, request: Request, error: Exception, row: Row) -> Body:
        problem = Problem(row.status, HTTPStatus(row.status).phrase, row.sentence)
        return Body(b"application/problem+json", msgspec.json.encode(problem))


def refuse(dialect: Dialect, request: Request, error: Exception, route_rows: Rows) -> Reply:
    """The reply that an error becomes."""
    row = find_row(error, route_rows, dialect.rows)
    body = dialect.shape(request, error, row)
    return Reply(row.status, body.content, ((b"content-type", body.media_type), NO_STORE, *_headers(error)))


def _headers(error: Exception) -> Headers:
    match error:
        case engine.LimitExceeded():
            return (*rate_limit_headers([error.state]), retry_after(error.retry_after_ms))
        case engine.Busy() | engine.Unavailable():
            return (retry_after(error.retry_after_ms),)
        case engine.Unauthenticated():
            return ((b"www-authenticate", b"Bearer"),)
        case MethodNotAllowed():
            return ((b"allow", error.allowed.encode()),)
        case _:
            return ()
