"""How a surface says no. The default is problem details (RFC 9457)."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import NamedTuple, Protocol

import msgspec

from edge.calls import HeaderField
from edge.errors import MethodNotAllowed, Row, Rows, find_row
from edge.http import NO_STORE, Headers, Reply, Request
from edge.limits import RATE_LIMIT_FIELDS, RETRY_AFTER, rate_limit_headers, retry_after
from engine import errors as engine


class Body(NamedTuple):
    media_type: bytes
    content: bytes


class Dialect(Protocol):
    """A surface's own rows, and the shape of its error bodies; `bodies` are all those shapes by media type.

    A body that is `made_once` depends on nothing but the error's class and what the request has spoken. Others may
    have addresses in them: `base` is where the caller reaches this edge.
    """

    rows: Rows
    bodies: Mapping[str, tuple[type[msgspec.Struct], ...]]
    made_once: bool

    def shape(self, request: Request, error: Exception, row: Row, *, base: str) -> Body: ...

    def headers(self, request: Request, error: Exception) -> Headers: ...


class Problem(msgspec.Struct):
    status: int
    title: str
    detail: str
    type: str = "about:blank"


class ProblemDetails:
    """For what belongs to no surface."""

    rows: Rows = MappingProxyType({})
    bodies: Mapping[str, tuple[type[msgspec.Struct], ...]] = MappingProxyType(
        {"application/problem+json": (Problem,)}
    )
    made_once = True

    def headers(self, request: Request, error: Exception) -> Headers:
        return refusal_headers(error)

    def shape(self, request: Request, error: Exception, row: Row, *, base: str) -> Body:
        problem = Problem(row.status, HTTPStatus(row.status).phrase, row.sentence)
        return Body(b"application/problem+json", msgspec.json.encode(problem))


class Refusals:
    """What errors become on one route, in the dialect of its surface.

    `base_url` tells where a caller reaches this edge.
    """

    def __init__(self, dialect: Dialect, route_rows: Rows, base_url: Callable[[Request], str]) -> None:
        self._dialect = dialect
        self._route_rows = route_rows
        self._base_url = base_url
        self._made: dict[tuple[type[Exception], str], Reply] = {}

    def reply(self, request: Request, error: Exception) -> Reply:
        """The reply to a refusal. Only Invalid has a body that depends on more than its class."""
        if isinstance(error, engine.Invalid) or not self._dialect.made_once:
            return self._complete(self._make(request, error), request, error)
        kind = (type(error), request.spoken)
        made = self._made.get(kind)
        if made is None:
            made = self._made[kind] = self._make(request, error)
        return self._complete(made, request, error)

    def _complete(self, made: Reply, request: Request, error: Exception) -> Reply:
        return Reply(made.status, made.body, (*made.headers, *self._dialect.headers(request, error)))

    def _make(self, request: Request, error: Exception) -> Reply:
        row = find_row(type(error), self._route_rows, self._dialect.rows)
        body = self._dialect.shape(request, error, row, base=self._base_url(request))
        return Reply(row.status, body.content, ((b"content-type", body.media_type), NO_STORE))


# What `refusal_headers` makes, for the document.
FIELDS: Mapping[type[Exception], tuple[HeaderField, ...]] = {
    engine.LimitExceeded: (*RATE_LIMIT_FIELDS, RETRY_AFTER),
    engine.Busy: (RETRY_AFTER,),
    engine.KeyMissing: (RETRY_AFTER,),
    engine.FactorLocked: (RETRY_AFTER,),
    engine.TooManyChallenges: (RETRY_AFTER,),
    engine.Unavailable: (RETRY_AFTER,),
    engine.Unauthenticated: (HeaderField("WWW-Authenticate", "The scheme (RFC 9110 11.6.1)."),),
    MethodNotAllowed: (HeaderField("Allow", "The methods that there are."),),
}


def refusal_headers(error: Exception) -> Headers:
    """What every dialect says of a refusal beside its body."""
    match error:
        case engine.LimitExceeded():
            return (*rate_limit_headers((error.state,)), retry_after(error.retry_after_ms))
        case (
            engine.Busy()
            | engine.FactorLocked()
            | engine.KeyMissing()
            | engine.TooManyChallenges()
            | engine.Unavailable()
        ):
            return (retry_after(error.retry_after_ms),)
        case engine.Unauthenticated():
            return ((b"www-authenticate", b"Bearer"),)
        case MethodNotAllowed():
            return ((b"allow", error.allowed.encode()),)
        case _:
            return ()
