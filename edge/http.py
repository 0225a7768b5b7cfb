"""Requests and replies as operations see them."""

import asyncio
import re
from base64 import b64decode
from collections.abc import Awaitable
from itertools import count
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar
from urllib.parse import parse_qsl, unquote

from starlette.types import Message, Receive, Scope

from edge.errors import BodyTooLarge, BodyTooSlow, HeaderRefused, MalformedBody, UnsupportedMediaType
from engine.errors import Overloaded

if TYPE_CHECKING:
    from engine.errors import LimitState

T = TypeVar("T")

Header = tuple[bytes, bytes]
Headers = tuple[Header, ...]

# Answers hold passcodes and tokens: no cache on the way may keep one.
NO_STORE = (b"cache-control", b"no-store")
JSON: Headers = ((b"content-type", b"application/json"), NO_STORE)
TEXT: Headers = ((b"content-type", b"text/plain; charset=utf-8"), NO_STORE)

# An ASGI extension: a message of this type is an answer as a whole, with `status`, `headers` (content-length among
# them) and `body`. Servers that do not offer it get the two messages of the specification.
WHOLE_ANSWER = "watchword.answer"

MAX_BODY_BYTES = 16 * 1024
_BODY_SECONDS = 5

# A second one of these leaves open which is meant, and two parties may choose differently.
_ONCE = frozenset(
    {b"authorization", b"content-type", b"host", b"idempotency-key", b"origin", b"x-api-key", b"x-request-id"}
)
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")
_IDEMPOTENCY_KEY = re.compile(rb"[\x21-\x7e]{1,255}")
_JSON = re.compile(rb"application/([a-z0-9.+-]+\+)?json\s*(;.*)?", re.IGNORECASE)
_FORM = re.compile(rb"application/x-www-form-urlencoded\s*(;.*)?", re.IGNORECASE)
_HOST = re.compile(rb"[A-Za-z0-9._-]+(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?")
_MOST_FIELDS = 32


class Reply(NamedTuple):
    """What an operation answers. Its length and the request's id are added when it is sent."""

    status: int
    body: bytes
    headers: Headers = ()


class Crowd(Protocol):
    """The requests under way, and how many there may be."""

    in_flight: int
    max_in_flight: int


class Request:
    """One HTTP request. `crowd` are all that are under way, if it is one of them.

    `spoken` is room for a surface to note which of its spellings the client uses, `limits` for where the caller
    stands, if every answer is to say so, and `filled` for what has been filled in, to be shown with a refusal.
    """

    __slots__ = (
        "_receive",
        "crowd",
        "filled",
        "headers",
        "id",
        "limits",
        "method",
        "params",
        "repeated",
        "scope",
        "spoken",
    )

    def __init__(self, scope: Scope, receive: Receive, params: dict[str, str], request_id: bytes) -> None:
        pairs: list[tuple[bytes, bytes]] = scope["headers"]
        self.scope = scope
        self.method: str = scope["method"]
        self.headers: dict[bytes, bytes] = dict(pairs)
        self.repeated = len(pairs) != len(self.headers)
        self.params = params
        self.spoken = ""
        self.limits: tuple[LimitState, ...] = ()
        self.filled: object = None
        self.crowd: Crowd | None = None
        self._receive = receive
        self.id = request_id
        if b"x-request-id" in self.headers:
            given = self.headers[b"x-request-id"]
            self.id = given if _REQUEST_ID.fullmatch(given) else request_id

    def refuse_ambiguous_headers(self) -> None:
        """Raises: HeaderRefused: a header that may come once came twice."""
        if self.repeated:
            names = [name for name, _ in self.scope["headers"]]
            for name in _ONCE:
                if names.count(name) > 1:
                    raise HeaderRefused(name.decode())

    @property
    def is_from_browser(self) -> bool:
        """Browsers say so on every request that matters here (Fetch Metadata, Origin)."""
        return b"origin" in self.headers or b"sec-fetch-site" in self.headers

    def header(self, name: bytes) -> str | None:
        value = self.headers.get(name)
        return None if value is None else value.decode("latin-1")

    @property
    def idempotency_key(self) -> str | None:
        """Raises: HeaderRefused: longer than 255 characters, empty, or not printable ASCII."""
        value = self.headers.get(b"idempotency-key")
        if value is None:
            return None
        if not _IDEMPOTENCY_KEY.fullmatch(value):
            raise HeaderRefused("idempotency-key")
        return value.decode()

    @property
    def bearer(self) -> str | None:
        """The token of an `Authorization: Bearer` header (RFC 6750)."""
        scheme, _, token = (self.header(b"authorization") or "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else None

    @property
    def basic(self) -> tuple[str, str] | None:
        """Name and password of an `Authorization: Basic` header (RFC 7617)."""
        scheme, _, encoded = (self.header(b"authorization") or "").partition(" ")
        if scheme.lower() != "basic":
            return None
        try:
            name, _, password = b64decode(encoded.strip(), validate=True).decode().partition(":")
        except ValueError:
            return None
        return name, password

    @property
    def origin(self) -> str:
        """Scheme and host that the caller has named; empty if it named no host that could be one."""
        host = self.headers.get(b"host", b"")
        return f"{self.scope['scheme']}://{host.decode()}" if _HOST.fullmatch(host) else ""

    async def json(self) -> bytes:
        """The body, which must be declared as JSON if it is declared at all.

        Raises:
            UnsupportedMediaType, BodyTooLarge, BodyTooSlow
            Overloaded: while it was waited for, others came.
            MalformedBody: the client was gone before it had sent the whole of it.
        """
        return await self._declared_as(_JSON)

    async def form(self) -> dict[str, str]:
        """The fields of a form, each of which may come once.

        Raises:
            UnsupportedMediaType, BodyTooLarge, BodyTooSlow, Overloaded
            MalformedBody: no form, or a field came twice.
        """
        content = await self._declared_as(_FORM)
        try:
            pairs = parse_qsl(
                content.decode(), keep_blank_values=True, strict_parsing=bool(content), max_num_fields=_MOST_FIELDS
            )
        except ValueError as error:
            raise MalformedBody from error
        fields = dict(pairs)
        if len(fields) != len(pairs):
            raise MalformedBody
        return fields

    async def _declared_as(self, media: "re.Pattern[bytes]") -> bytes:
        media_type = self.headers.get(b"content-type")
        if media_type is not None and not media.fullmatch(media_type):
            raise UnsupportedMediaType
        length = self.headers.get(b"content-length", b"0")
        if not length.isdigit() or int(length) > MAX_BODY_BYTES:
            raise BodyTooLarge
        message = at_once(self._receive())
        if message is not None and not message.get("more_body"):
            return _whole(message.get("body", b""), message)
        return await self._aside(message)

    async def _aside(self, message: Message | None) -> bytes:
        """Wait for a body without being one of the crowd: or few clients that send none would be all of it."""
        if self.crowd is not None:
            self.crowd.in_flight -= 1
        try:
            async with asyncio.timeout(_BODY_SECONDS):
                body = await self._body(message or await self._receive())
        except TimeoutError:
            raise BodyTooSlow from None
        finally:
            if self.crowd is not None:
                self.crowd.in_flight += 1
        if self.crowd is not None and self.crowd.in_flight > self.crowd.max_in_flight:
            raise Overloaded
        return body

    async def _body(self, message: Message) -> bytes:
        body: bytes = message.get("body", b"")
        while message.get("more_body"):
            if len(body) > MAX_BODY_BYTES:
                raise BodyTooLarge
            message = await self._receive()
            body += message.get("body", b"")
        return _whole(body, message)


def _whole(body: bytes, last: Message) -> bytes:
    """The body, if the client stayed for the whole of it and it is not too large."""
    if last["type"] == "http.disconnect":
        raise MalformedBody
    if len(body) > MAX_BODY_BYTES:
        raise BodyTooLarge
    return body


def at_once(awaitable: Awaitable[T]) -> T | None:
    """The result of what need not wait; None, and it is given up, if it must.

    A body usually comes with its head. A timer for every one of those would cost 5 us.
    """
    steps = awaitable.__await__()
    try:
        next(steps)
    except StopIteration as done:
        return done.value
    steps.close()
    return None


class RequestIds:
    """Makes an id for every request that brings none: unique over workers, cheap, and telling nothing."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix.encode() + b"-"
        self._numbers = count(1)

    def next(self) -> bytes:
        return self._prefix + b"%x" % next(self._numbers)


def path_segments(scope: Scope) -> list[str]:
    """The segments of the path, decoded one by one: an encoded slash stays within its segment."""
    raw: bytes | None = scope.get("raw_path")
    if raw is None or b"%" not in raw:
        path: str = scope["path"]
        return path.split("/")
    return [unquote(segment, errors="replace") for segment in raw.decode("ascii").split("/")]
