"""How token endpoints say no (RFC 6749 5.2): {"error": "invalid_client", "error_description": "..."}."""

from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType

import msgspec

from edge.dialect import Body, refusal_headers
from edge.errors import EdgeRefusal, MalformedBody, Row, Rows, UnsupportedMediaType
from edge.http import Headers, Request
from engine import errors as engine


class GrantTypeUnsupported(EdgeRefusal):
    """Another grant than client_credentials was asked for."""

    reason = "grant_type"


class Refused(msgspec.Struct):
    error: str
    error_description: str


_CODES: dict[type[Exception], str] = {
    GrantTypeUnsupported: "unsupported_grant_type",
    engine.ScopeRefused: "invalid_scope",
    engine.TenantInactive: "unauthorized_client",
    engine.Unauthenticated: "invalid_client",
}


class OAuthDialect:
    made_once = True
    bodies: Mapping[str, tuple[type[msgspec.Struct], ...]] = MappingProxyType({"application/json": (Refused,)})
    rows: Rows = MappingProxyType(
        {
            GrantTypeUnsupported: Row(400, "The grant type must be client_credentials."),
            MalformedBody: Row(400, "The request body is not a form, or has a field twice."),
            UnsupportedMediaType: Row(400, "The request body must be application/x-www-form-urlencoded."),
            engine.ScopeRefused: Row(400, "A scope is unknown, or none of them is granted to this client."),
            engine.TenantInactive: Row(400, "The client's tenant is not active."),
            engine.Unauthenticated: Row(401, "The client is unknown, or its secret is wrong."),
        }
    )

    def shape(self, request: Request, error: Exception, row: Row, *, base: str) -> Body:
        return Body(b"application/json", msgspec.json.encode(Refused(_code(error, row), _description(error, row))))

    def headers(self, request: Request, error: Exception) -> Headers:
        if isinstance(error, engine.Unauthenticated):
            return ((b"www-authenticate", b'Basic realm="watchword"'),)
        return refusal_headers(error)


def _code(error: Exception, row: Row) -> str:
    if type(error) in _CODES:
        return _CODES[type(error)]
    if row.status < 500:
        return "invalid_request"
    return "temporarily_unavailable" if row.status == HTTPStatus.SERVICE_UNAVAILABLE else "server_error"


def _description(error: Exception, row: Row) -> str:
    if isinstance(error, engine.Invalid):
        return "Missing: " + ", ".join(problem.field for problem in error.problems)
    return row.sentence
