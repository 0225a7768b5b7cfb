"""Every decoder that there is: what reads bytes or text of somebody else's, and how it may say no."""

from collections.abc import Callable, Iterator
from functools import partial
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from edge.addresses import ClientAddresses
from edge.authenticator import patches, rsql
from edge.authenticator.searches import ChallengeSearch, FactorSearch, is_oldest_first
from edge.courier.signing import SigningKey, webhook_headers
from edge.courier.target import Target, UrlRefused
from edge.errors import BodyTooLarge, HeaderRefused, MalformedBody
from edge.http import Request, path_segments
from edge.identity.wire import SUBMIT, Submit, speaks_key
from edge.pages.languages import language_of
from edge.pages.sessions import cookie
from edge.wire import Body
from engine import challenge_records, factor_records, usage
from engine.admins import Admin
from engine.agents import Agent
from engine.audit_events import Filter, Position, parse_line
from engine.challenge_records import Due
from engine.clients import Grant
from engine.deliveries import Event
from engine.errors import CannotUnseal, Invalid, Misconfigured
from engine.factor_names import Claim
from engine.ids import is_uuid
from engine.pass_keys import normalise
from engine.phones import e164
from engine.rates import Rate
from engine.reading import readable
from engine.sealing import Keyring
from engine.store.address import Address, AddressError
from engine.store.keys import KeySpace
from engine.store.topology import parse_topology
from engine.tenants import Tenant
from engine.tokens import Kind, parse
from tests.attacks import inputs
from tests.attacks.census import bodies
from watchword.settings import read_settings, settings_table

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

Reads = Callable[[Any], object]


class Decoder(NamedTuple):
    """`refusals` are all that it may raise. `places` are the calls of the census that it is tried for. `of` is
    what it reads, bytes or text.
    """

    name: str
    reads: Reads
    inputs: "SearchStrategy[Any]"
    refusals: tuple[type[Exception], ...] = ()
    places: tuple[str, ...] = ()
    of: type = bytes


def of_header(name: bytes, reads: Callable[[Request], object]) -> Reads:
    return lambda value: reads(request([(name, value)]))


def request(headers: list[tuple[bytes, bytes]], body: bytes = b"") -> Request:
    async def receive() -> dict[str, object]:  # as servers do
        return {"type": "http.request", "body": body}

    scope = {"type": "http", "method": "POST", "headers": headers, "scheme": "http", "client": ("127.0.0.1", 1)}
    return Request(scope, receive, {}, b"1")


def form(content: bytes) -> object:
    """All of it has come: so there is nothing to wait for."""
    reading = request([], content).form()
    try:
        reading.send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("it waits for what has come")


def patched(content: bytes) -> object:
    """A patch that can be applied is looked at once more."""
    document = patches.apply({"configuration": {"authenticator": {"issuer_name": "x"}}}, content)
    return document, patches.touches(content, "/configuration/authenticator")


def spoken(content: bytes) -> object:
    """Asked of what was refused as a submit, and yet is an object."""
    try:
        return SUBMIT.read(content)
    except Invalid:
        return speaks_key(content)


def placed(text: str) -> object:
    """What has the form of an id has a place, and so has whatever a good token names."""
    space = KeySpace(partitions=64, index_key=bytes(32))
    of_ids = [space.place_of_new(text, "factor", "tenant")] if is_uuid(text) else []
    of_tokens = [space.place_of_id(token.subject) for kind in Kind if (token := parse(kind, text))]
    return of_ids + of_tokens


def sought(text: str) -> object:
    return Filter(frozenset({text}), text, text).checked()


def signed(secret: str) -> object:
    return webhook_headers(b"", message_id="m", now_s=0, secrets=[secret])


_RING = Keyring.parse(Keyring.generate())
_PROXIES = ClientAddresses([ip_network("127.0.0.0/8"), ip_network("::1")])
_REFUSED = (Invalid, MalformedBody)
_STORED = (msgspec.MsgspecError, ValueError, RecursionError)


def _of_bodies() -> Iterator[Decoder]:
    for name, reader in bodies().items():
        if isinstance(reader, Body):
            places = ("edge.wire:Body.__init__", "edge.wire:_explained")
            yield Decoder(name, reader.read, inputs.json_of(reader.kind), _REFUSED, places)
        else:
            places = ("edge.wire:Query.read", "edge.wire:Query.read_fields", "edge.wire:Query._problems")
            yield Decoder(name, reader.read, inputs.QUERIES, (Invalid,), places)
    places = tuple(f"edge.authenticator.patches:{name}" for name in ("", "_array", "touches"))
    for name, reads in (
        ("factor", patches.factor_changes),
        ("challenge", patches.challenge_code),
        ("project", patched),
    ):
        yield Decoder(f"patch of a {name}", reads, inputs.PATCHES | inputs.BYTES, _REFUSED, places)
    places = ("edge.identity.wire:speaks_key",)
    yield Decoder("spelling", spoken, inputs.json_of(Submit), (MalformedBody,), places)


def _of_requests() -> Iterator[Decoder]:
    def basic(value: bytes) -> object:
        read = request([(b"authorization", value)])
        return read.basic, read.bearer

    def segments(raw: bytes) -> object:
        return path_segments({"raw_path": raw, "path": "/"})

    yield Decoder("Authorization", basic, inputs.BASIC, (), ("edge.http:Request.basic",))
    chain = of_header(b"x-forwarded-for", _PROXIES.of)
    places = ("edge.addresses:_parse", "edge.addresses:_bucket")
    yield Decoder("X-Forwarded-For", chain, inputs.CHAINS, (), places)
    once = of_header(b"idempotency-key", lambda read: read.idempotency_key)
    yield Decoder("Idempotency-Key", once, inputs.BYTES, (HeaderRefused,))
    yield Decoder("Host", of_header(b"host", lambda read: read.origin), inputs.BYTES)
    yield Decoder("X-Request-Id", of_header(b"x-request-id", lambda read: read.id.decode("ascii")), inputs.BYTES)
    session = of_header(b"cookie", lambda read: cookie(read, "watchword-agent"))
    yield Decoder("Cookie", session, inputs.COOKIES)
    yield Decoder("Accept-Language", of_header(b"accept-language", language_of), inputs.LANGUAGES)
    yield Decoder("form", form, inputs.FORMS, (MalformedBody, BodyTooLarge), ("edge.http:Request.form",))
    yield Decoder("path", segments, inputs.PATHS, (), ("edge.http:path_segments",))
    for search in (rsql.parse, rsql.parse_sort, FactorSearch, ChallengeSearch, is_oldest_first):
        yield Decoder(f"search {search.__name__}", search, inputs.SEARCHES, (Invalid,), of=str)
    for kind in Kind:
        yield Decoder(f"token {kind.name}", partial(parse, kind), inputs.TOKENS, of=str)
    yield Decoder("ids", placed, inputs.TOKENS, (), ("engine.store.keys:KeySpace.place_of_id",), str)
    yield Decoder("pass key", normalise, inputs.PHONES, (Invalid,), of=str)
    yield Decoder("pass key of a country", partial(normalise, country_code=44), inputs.PHONES, (Invalid,), of=str)
    yield Decoder("phone number", partial(e164, field="phone"), inputs.PHONES, (Invalid,), of=str)
    yield Decoder("place in an audit trail", Position.parse, inputs.TOKENS, (Invalid,), of=str)
    yield Decoder("what is sought in one", sought, inputs.TOKENS, (Invalid,), of=str)
    yield Decoder("callback URL", Target.parse, inputs.URLS, (UrlRefused,), of=str)


def _of_operators() -> Iterator[Decoder]:
    def settings(given: tuple[str, str]) -> object:
        return read_settings({given[0]: given[1]})

    yield Decoder("rate", Rate.parse, inputs.RATES, (ValueError,), of=str)
    yield Decoder("keyring", Keyring.parse, inputs.KEYRINGS, (Misconfigured,), ("engine.sealing:_decode",), str)
    yield Decoder(
        "URL of Redis", Address.parse, inputs.URLS, (AddressError,), ("engine.store.address:Address.parse",), str
    )
    places = ("engine.store.topology:parse_topology",)
    yield Decoder("URL of several", parse_topology, inputs.TOPOLOGIES, (AddressError,), places, str)
    given = inputs.settings(sorted(settings_table()))
    yield Decoder("settings", settings, given, (Misconfigured,), ("watchword.settings:_networks",), tuple)


def _of_records() -> Iterator[Decoder]:
    of_json: dict[str, tuple[type[msgspec.Struct], str]] = {
        "tenant": (Tenant, "engine.tenants:"),
        "tenant that is rewritten": (Tenant, "engine.tenants:_rewritten"),
        "token": (Grant, "engine.clients:_read"),
        "agent": (Agent, "engine.agents:Agents.read"),
        "administrator": (Admin, "engine.admins:"),
    }
    for name, (kind, place) in of_json.items():
        reads = msgspec.json.Decoder(kind).decode
        yield Decoder(f"stored {name}", reads, inputs.json_of(kind), _STORED, (place,))
    of_msgpack: dict[str, tuple[Any, str]] = {
        "factor": (factor_records.Record, "engine.factors:Factors.unseal"),
        "challenge": (challenge_records.Record, "engine.challenge_records:ChallengeRecords.unseal"),
    }
    for name, (kind, place) in of_msgpack.items():
        yield Decoder(f"stored {name}", msgspec.msgpack.Decoder(kind).decode, inputs.BYTES, _STORED, (place,))
    secrets = msgspec.json.Decoder(tuple[str, ...]).decode
    places = ("engine.callback_secrets:CallbackSecrets.of",)
    yield Decoder("stored callback secrets", secrets, inputs.json_of(Grant), _STORED, places)
    yield Decoder("callback secret", signed, inputs.SECRETS, (ValueError,), ("edge.courier.signing:_secret",), str)
    places = ("edge.courier.signing:SigningKey.load",)
    yield Decoder("stored signing key", SigningKey.load, inputs.BYTES, (ValueError,), places)
    unseal = partial(_RING.unseal, scope="t", bound_to=b"")
    yield Decoder("sealed", unseal, inputs.BYTES | inputs.BYTES.map(b"k1.".__add__), (CannotUnseal,))
    yield Decoder("stored claim", Claim.parse, inputs.ROWS.map(_encoded) | inputs.BYTES, (ValueError,))
    yield Decoder("stored event", Event.parse, inputs.ROWS, (ValueError,), of=str)
    yield Decoder("stored due", Due.parse, inputs.ROWS, (ValueError,), of=str)
    yield Decoder("stored audit event", partial(parse_line, 0), inputs.ROWS, (ValueError,), of=str)
    yield Decoder("lines of audit events", partial(readable, parse=partial(parse_line, 0)), inputs.BYTES)
    yield Decoder("stored hour of usage", usage.hour_of, inputs.ROWS, (ValueError,), of=str)
    yield Decoder("lines of events", partial(readable, parse=Event.parse), inputs.BYTES)
    yield Decoder("lines of dues", partial(readable, parse=Due.parse), inputs.BYTES)


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


DECODERS = {one.name: one for part in (_of_bodies, _of_requests, _of_operators, _of_records) for one in part()}
