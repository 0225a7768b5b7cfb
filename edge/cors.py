"""Cross-origin use by browsers (the Fetch standard's CORS protocol). No credentials, so * is safe to say."""

from edge.http import Headers, Reply

_ALLOWED_HEADERS = b"authorization, content-type, idempotency-key, x-api-key, x-request-id"
_EXPOSED_HEADERS = (
    b"ratelimit, ratelimit-policy, retry-after, x-ratelimit-limit, x-ratelimit-remaining, x-ratelimit-reset, "
    b"x-request-id"
)
_MAX_AGE_SECONDS = b"600"

# Pages are told not to guess at content; other clients do not.
_NOSNIFF = (b"x-content-type-options", b"nosniff")

ANYBODY: Headers = (
    _NOSNIFF,
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", _EXPOSED_HEADERS),
)
NOBODY: Headers = (_NOSNIFF, (b"vary", b"origin"))


def only(origin: str) -> Headers:
    """For a tenant that names its origins: this one is among them."""
    return (
        _NOSNIFF,
        (b"access-control-allow-origin", origin.encode("latin-1")),
        (b"access-control-expose-headers", _EXPOSED_HEADERS),
        (b"vary", b"origin"),
    )


def preflight(methods: str) -> Reply:
    """The answer to a preflight; who is allowed is said by the headers that every answer has."""
    return Reply(
        204,
        b"",
        (
            (b"access-control-allow-methods", methods.encode()),
            (b"access-control-allow-headers", _ALLOWED_HEADERS),
            (b"access-control-max-age", _MAX_AGE_SECONDS),
        ),
    )
