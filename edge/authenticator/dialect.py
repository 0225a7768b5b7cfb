"""How the Authenticator surface says no: problem details (RFC 9457) whose type ends in a documented word."""

from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType

import msgspec

from edge.dialect import Body, refusal_headers
from edge.errors import MalformedBody, Row, Rows, UnsupportedMediaType
from edge.http import Headers, Request
from edge.limits import x_rate_limit_headers
from engine import errors as engine

PHONE_FIELD = "phone_number"
SCOPE = "authenticator"
"""What tokens must be for."""

_SENTENCES = {
    "required": "{field} is required",
    "string": "{field} must be a string",
    "integer": "{field} must be an integer",
    "object": "{field} must be an object",
    "array": "{field} must be an array",
    "format": "{field} is malformed",
    "choice": "{field} is not one of the values that can be used",
    "conflict": "{field} is given twice",
    "alphabet": "{field} has characters that cannot be used",
    "min": "{field} must be at least {bound}",
    "max": "{field} must be at most {bound}",
    "min_length": "{field} must have at least {bound} characters",
    "max_length": "{field} must have at most {bound} characters",
    "min_items": "{field} must have at least {bound} items",
    "max_items": "{field} must have at most {bound} items",
    "unknown": "{field} is not known here",
    "max_depth": "{field} must not be nested deeper than {bound} levels",
}

_WORDS: dict[type[Exception], str] = {
    engine.UnknownFactor: "factor_not_found",
    engine.UnknownChallenge: "challenge_not_found",
    engine.UnknownTenant: "project_not_found",
}
# Whose names in Python depend on its version.
_WORDS_OF_STATUSES = {413: "content_too_large"}


class Problem(msgspec.Struct):
    type: str
    title: str
    detail: str
    status: int


class AuthenticatorDialect:
    made_once = False  # the type is an address of the host that the caller has named
    bodies: Mapping[str, tuple[type[msgspec.Struct], ...]] = MappingProxyType(
        {"application/problem+json": (Problem,)}
    )
    rows: Rows = MappingProxyType(
        {
            MalformedBody: Row(400, "The request body is not JSON as it is expected here."),
            UnsupportedMediaType: Row(415, "The request body must be JSON."),
            engine.Unauthenticated: Row(401, "The access token is missing, malformed, expired or revoked."),
            engine.ScopeRefused: Row(403, f"The access token does not have the scope `{SCOPE}`."),
            engine.TenantInactive: Row(403, "The project is not active."),
            engine.UnknownTenant: Row(404, "There is no such project."),
            engine.UserTaken: Row(400, "external_user_id is not unique"),
            engine.FactorNotActive: Row(400, "The factor is not active."),
            engine.FactorNotPending: Row(400, "The factor is not waiting for a code."),
            engine.WrongCode: Row(400, "The code is wrong."),
            engine.ChallengeClosed: Row(400, "The challenge can no longer be answered."),
            engine.ChallengesNotSetUp: Row(400, "Project has no authenticator config"),
            engine.LimitExceeded: Row(429, "Too many requests."),
        }
    )

    def shape(self, request: Request, error: Exception, row: Row, *, base: str) -> Body:
        word = _word(error, row)
        title = word.replace("_", " ").capitalize()
        problem = Problem(f"{base}/errors#{word}", title, _detail(error, row), row.status)
        return Body(b"application/problem+json", msgspec.json.encode(problem))

    def headers(self, request: Request, error: Exception) -> Headers:
        limits = (error.state,) if isinstance(error, engine.LimitExceeded) else request.limits
        return (*x_rate_limit_headers(limits), *_challenge(request, error))


def _challenge(request: Request, error: Exception) -> Headers:
    """What is wrong with the token, if one was sent (RFC 6750 3); and what is said of other refusals."""
    if isinstance(error, engine.ScopeRefused):
        return ((b"www-authenticate", b'Bearer error="insufficient_scope", scope="%s"' % SCOPE.encode()),)
    if isinstance(error, engine.Unauthenticated) and request.bearer:
        return ((b"www-authenticate", b'Bearer error="invalid_token"'),)
    return refusal_headers(error)


def _word(error: Exception, row: Row) -> str:
    if isinstance(error, engine.Invalid) and error.problems[0] == engine.Problem(PHONE_FIELD, "format"):
        return "phone_format_invalid"
    word = _WORDS.get(type(error)) or _WORDS_OF_STATUSES.get(row.status)
    return word or HTTPStatus(row.status).name.lower()


def _detail(error: Exception, row: Row) -> str:
    if not isinstance(error, engine.Invalid):
        return row.sentence
    return "; ".join(
        _SENTENCES[problem.rule].format(field=problem.field or "the request body", bound=problem.bound)
        for problem in error.problems
    )
