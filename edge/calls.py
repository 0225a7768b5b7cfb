"""A call as data: what serves it, what its callers may send, and what they may be told.

The endpoint needs the operation only; the rest is for the OpenAPI document (edge/openapi.py).
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

import msgspec
from msgspec import Meta

from edge.http import Reply, Request
from edge.state import EdgeState

Operation = Callable[[EdgeState, Request], Awaitable[Reply]]

# Whatever msgspec has a schema for: a struct, a list of structs, an annotated string ...
Kind = Any


class Content(NamedTuple):
    """The body of a request."""

    kind: Kind
    media_type: str = "application/json"


class HeaderField(NamedTuple):
    """A header of a request or of an answer."""

    name: str
    description: str
    kind: Kind = str


IDEMPOTENCY_KEY = HeaderField(
    "Idempotency-Key",
    "A random UUID. The same request with the same key gets the same answer again.",
    Annotated[str, Meta(pattern=r"^[\x21-\x7e]{1,255}$")],
)
REQUEST_ID = HeaderField(
    "X-Request-Id",
    "The request's, if it brings one of 1 to 128 characters of `A-Za-z0-9._-`, else made for it. Logs have it.",
)


class Answer(NamedTuple):
    """What a call that was carried out is answered with. Without a kind it has no body."""

    kind: Kind = None
    status: int = 200
    media_type: str = "application/json"
    headers: tuple[HeaderField, ...] = ()
    description: str = "Done."


class Credential(NamedTuple):
    """How callers prove who they are: a security scheme of OpenAPI, by a name that no other scheme has.

    `scopes` are what a call needs of an OAuth token.
    """

    name: str
    scheme: Mapping[str, object]
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Call:
    """One method of a route.

    `refusals` are those of the engine and of the operation. What stands before them refuses by itself, and the
    document knows of it without (edge/openapi.py).

    Args:
        operation: what serves it.
        summary: what it is for, in a few words.
        answers: one for each status of success.
        body: what requests carry.
        query: a struct whose fields are the parameters of the query.
        headers: of requests, besides credentials.
        credentials: any one of them will do; None among them = it may be called without.
        refusals: classes of refusals.
        description: what the summary has no room for.
    """

    operation: Operation
    summary: str
    answers: tuple[Answer, ...] = ()
    body: Content | None = None
    query: type[msgspec.Struct] | None = None
    headers: tuple[HeaderField, ...] = ()
    credentials: tuple[Credential | None, ...] = ()
    refusals: tuple[type[Exception], ...] = ()
    description: str = ""
