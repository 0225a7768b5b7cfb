"""Rate limits as headers: draft-ietf-httpapi-ratelimit-headers, and Retry-After (RFC 9110)."""

from functools import lru_cache

from edge.http import Headers
from engine.errors import LimitState


def rate_limit_headers(states: tuple[LimitState, ...]) -> Headers:
    """Where the caller stands, for every limit that was charged."""
    if not states:
        return ()
    told = [_told(state) for state in states]
    policies, standings = told[0] if len(told) == 1 else map(b", ".join, zip(*told, strict=True))
    return ((b"ratelimit-policy", policies), (b"ratelimit", standings))


@lru_cache(maxsize=1024)  # under load many requests in a row stand where one lease left them
def _told(state: LimitState) -> tuple[bytes, bytes]:
    name = state.policy
    policy = f'"{name}";q={state.quota};w={state.window_s}'
    return policy.encode(), f'"{name}";r={state.remaining};t={_seconds(state.reset_ms)}'.encode()


def retry_after(milliseconds: int) -> tuple[bytes, bytes]:
    """Whole seconds, at least one."""
    return (b"retry-after", str(max(_seconds(milliseconds), 1)).encode())


def _seconds(milliseconds: int) -> int:
    return -(-milliseconds // 1000)
