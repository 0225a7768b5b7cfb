"""Rate limits as headers: draft-ietf-httpapi-ratelimit-headers, and Retry-After (RFC 9110)."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Annotated

from msgspec import Meta

from edge.calls import HeaderField
from edge.http import Header, Headers
from engine.errors import LimitState

# How the headers below are documented.
RATE_LIMIT_FIELDS = (
    HeaderField("RateLimit-Policy", "The limits: `q` requests in `w` seconds."),
    HeaderField("RateLimit", "At least `r` requests are left; all are free again in `t` seconds."),
)
X_RATE_LIMIT_FIELDS = (
    HeaderField("X-RateLimit-Limit", "How many calls there may be at once.", Annotated[int, Meta(ge=1)]),
    HeaderField("X-RateLimit-Remaining", "At least so many of them are left.", Annotated[int, Meta(ge=0)]),
    HeaderField("X-RateLimit-Reset", "Seconds until all of them are.", Annotated[int, Meta(ge=0)]),
)
RETRY_AFTER = HeaderField("Retry-After", "Seconds to wait.", Annotated[int, Meta(ge=1)])


def rate_limit_headers(states: tuple[LimitState, ...]) -> Headers:
    """Where the caller stands, for every limit that was charged."""
    if len(states) == 1:
        return _headers(states[0])
    if not states:
        return ()
    policies, standings = zip(*map(_headers, states), strict=True)
    return (_joined(policies), _joined(standings))


@lru_cache(maxsize=1024)  # under load many requests in a row stand where one lease left them
def _headers(state: LimitState) -> tuple[Header, Header]:
    name = state.policy
    policy = f'"{name}";q={state.quota};w={state.window_s}'
    standing = f'"{name}";r={state.remaining};t={_seconds(state.reset_ms)}'
    return (b"ratelimit-policy", policy.encode()), (b"ratelimit", standing.encode())


def x_rate_limit_headers(states: tuple[LimitState, ...]) -> Headers:
    """The same in the older spelling, whose reset is in seconds from now; of the limit that leaves least."""
    if not states:
        return ()
    return _x_headers(states[0] if len(states) == 1 else min(states, key=lambda state: state.remaining))


@lru_cache(maxsize=1024)
def _x_headers(state: LimitState) -> Headers:
    return (
        (b"x-ratelimit-limit", b"%d" % state.quota),
        (b"x-ratelimit-remaining", b"%d" % state.remaining),
        (b"x-ratelimit-reset", b"%d" % _seconds(state.reset_ms)),
    )


def _joined(headers: Sequence[Header]) -> Header:
    """One header for several of the same name (RFC 9110 5.3)."""
    return headers[0][0], b", ".join([value for _, value in headers])


def retry_after(milliseconds: int) -> tuple[bytes, bytes]:
    """Whole seconds, at least one."""
    return (b"retry-after", str(max(_seconds(milliseconds), 1)).encode())


def _seconds(milliseconds: int) -> int:
    return -(-milliseconds // 1000)
