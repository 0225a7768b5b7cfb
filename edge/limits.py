"""Rate limits as headers: draft-ietf-httpapi-ratelimit-headers, and Retry-After (RFC 9110)."""

from collections.abc import Sequence
from functools import lru_cache

from edge.http import Headers
from engine.errors import LimitState


def rate_limit_headers(states: Sequence[LimitState]) -> Headers:
    """Where the caller stands, for every limit that was charged."""
    if not states:
        return ()
    policies = b", ".join([_policy(state.policy, state.quota, state.window_s) for state in states])
    standing = ", ".join(
        [f'"{state.policy}";r={state.remaining};t={_seconds(state.reset_ms)}' for state in states]
    )
    return ((b"ratelimit-policy", policies), (b"ratelimit", standing.encode()))


@lru_cache(maxsize=1024)
def _policy(name: str, quota: int, window_s: int) -> bytes:
    return f'"{name}";q={quota};w={window_s}'.encode()


def retry_after(milliseconds: int) -> tuple[bytes, bytes]:
    """Whole seconds, at least one."""
    return (b"retry-after", str(max(_seconds(milliseconds), 1)).encode())


def _seconds(milliseconds: int) -> int:
    return -(-milliseconds // 1000)
