"""What travels on the Authenticator surface: hal+json out, JSON and JSON Patch in."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, Generic, Literal, TypeVar
from urllib.parse import urlencode

import msgspec
from msgspec import UNSET, Meta, UnsetType

from edge.wire import Body, Query
from engine import challenge_records as challenges
from engine import factor_records
from engine.totp import otpauth_uri, qr_data_uri

T = TypeVar("T")

MAX_SIZE = 100
DEEPEST = 10_000  # how many of a collection can be left out before a page

# What names a user: anything but control characters.
ExternalUserId = Annotated[str, Meta(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f\x7f-\x9f]*\Z")]
Reference = Annotated[str, Meta(max_length=255, pattern=r"^[^\x00-\x1f\x7f]*\Z")]


class NewFactor(msgspec.Struct):
    phone_number: Annotated[str, Meta(min_length=1, max_length=32)]
    external_user_id: ExternalUserId


class NewChallenge(msgspec.Struct):
    reference_id: Reference | None = None


class PageQuery(msgspec.Struct):
    """`search` is RSQL, `sort` is `created_at,desc` or `created_at,asc`."""

    page: Annotated[int, Meta(ge=1)] = 1
    size: Annotated[int, Meta(ge=1, le=MAX_SIZE)] = 10
    search: str = ""
    sort: str = "created_at,desc"


class FactorOperation(msgspec.Struct):
    """An operation of a JSON Patch (RFC 6902): a code activates, a name renames, INACTIVE ends."""

    op: Literal["add", "replace"]
    path: Literal["/code", "/external_user_id", "/status"]
    value: Annotated[str, Meta(min_length=1, max_length=255)]


class CodeOperation(msgspec.Struct):
    op: Literal["add", "replace"]
    path: Literal["/code"]
    value: Annotated[str, Meta(pattern=r"^[0-9]{6,8}\Z")]


# As they are documented; how they are read is in edge/authenticator/patches.py.
FactorPatch = Annotated[list[FactorOperation], Meta(min_length=1, max_length=10)]
ChallengePatch = Annotated[list[CodeOperation], Meta(min_length=1, max_length=1)]

NEW_FACTOR = Body(NewFactor)
NEW_CHALLENGE = Body(NewChallenge)
PAGE_QUERY = Query(PageQuery)


class Link(msgspec.Struct):
    href: str


class SelfLink(msgspec.Struct, rename={"itself": "self"}):
    itself: Link


class PageLinks(msgspec.Struct, rename={"itself": "self"}, kw_only=True):
    first: Link
    last: Link
    next: Link | UnsetType = UNSET
    prev: Link | UnsetType = UNSET
    itself: Link


class Factor(msgspec.Struct, rename={"links": "_links"}):
    """`url` and `data_url` hold the secret: they are null once a factor is no longer pending. In collections
    `data_url`, a picture, is always null: it is to be had with the factor alone.
    """

    factor_id: str
    status: factor_records.State
    type: factor_records.Kind
    external_user_id: str
    url: str | None
    data_url: str | None
    created_at: str
    updated_at: str
    links: SelfLink


class Challenge(msgspec.Struct, rename={"links": "_links"}, kw_only=True):
    """`expired_at` is there once it is EXPIRED, and says when its time was up."""

    challenge_id: str
    status: challenges.State
    reference_id: str | UnsetType = UNSET
    created_at: str
    updated_at: str
    expired_at: str | UnsetType = UNSET
    links: SelfLink


class Page(msgspec.Struct):
    size: int
    number: int
    total_pages: int
    total_elements: int


class Factors(msgspec.Struct):
    factors: list[Factor]


class Challenges(msgspec.Struct):
    """Clients in the field read the same list under `factors`."""

    challenges: list[Challenge]
    factors: list[Challenge]


E = TypeVar("E", Factors, Challenges)


class Collection(msgspec.Struct, Generic[E], rename={"links": "_links", "embedded": "_embedded"}):
    page: Page
    links: PageLinks
    embedded: E


def timestamp(milliseconds: int) -> str:
    return _second(milliseconds // 1000)


@lru_cache(maxsize=1024)  # under load many answers in a row name the same seconds
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def factor(given: factor_records.Factor, *, issuer: str, home: str, is_alone: bool) -> Factor:
    """A factor as it goes out. `home` is the address of all factors.

    Only one that is alone has its picture. It takes milliseconds to draw: a page of them would hold up everybody.
    """
    url = None
    record = given.record
    if given.state is factor_records.State.PENDING:
        url = otpauth_uri(record.policy, record.secret, account=record.user, issuer=issuer)
    return Factor(
        given.id,
        given.state,
        record.kind,
        record.user,
        url,
        qr_data_uri(url) if url and is_alone else None,
        timestamp(given.created_ms),
        timestamp(given.updated_ms),
        SelfLink(Link(f"{home}/{given.id}")),
    )


def challenge(given: challenges.Challenge, *, home: str) -> Challenge:
    """A challenge as it goes out. `home` is the address of all challenges of its factor."""
    return Challenge(
        challenge_id=given.id,
        status=given.state,
        reference_id=UNSET if given.record.reference is None else given.record.reference,
        created_at=timestamp(given.created_ms),
        updated_at=timestamp(given.updated_ms),
        expired_at=timestamp(given.expires_ms) if given.state is challenges.State.EXPIRED else UNSET,
        links=SelfLink(Link(f"{home}/{given.id}")),
    )


def collection(query: PageQuery, total: int, embedded: E, *, home: str) -> Collection[E]:
    """A page of what is at `home`, with the way to the others."""
    pages = max(-(-total // query.size), 1)

    def link(page: int) -> Link:
        asked = {"page": page, "size": query.size, "sort": query.sort}
        return Link(f"{home}?{urlencode(asked | ({'search': query.search} if query.search else {}))}")

    links = PageLinks(first=link(1), last=link(pages), itself=link(query.page))
    if query.page < pages:
        links.next = link(query.page + 1)
    if query.page > 1:
        links.prev = link(min(query.page - 1, pages))
    return Collection(Page(query.size, query.page, -(-total // query.size), total), links, embedded)
