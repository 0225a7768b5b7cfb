"""Rate limits as headers: draft-ietf-httpapi-ratelimit-headers, and Retry-After (RFC 9110)."""

from functools import lru_cache

from edge.http import Headers
from engine.errors import LimitState


@lru_cache(maxsize=1024)  # under load many requests in a row stand where one lease left them
def rate_limit_headers(states: tuple[LimitState, ...]) -> Headers:
    """Where the caller stands, for every limit that was charged."""
    if not states:
        return ()
    policies = ", ".join([f'"{state.policy}";q={state.quota};w={state.window_s}' for state in states])
    standing = ", ".join(
        [f'"{state.policy}";r={state.remaining};t={_seconds(state.reset_ms)}' for state in states]
    )
    return ((b"ratelimit-policy", policies.encode()), (b"ratelimit", standing.encode()))


def retry_after(milliseconds: int) -> tuple[bytes, bytes]:
    """Whole seconds, at least one."""
    return (b"retry-after", str(max(_seconds(milliseconds), 1)).encode())


def _seconds(milliseconds: int) -> int:
    return -(-milliseconds // 1000)
