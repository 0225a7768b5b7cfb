"""How the Identity surface says no.

Two documented shapes: {"status": "Failed", "message": "..."} and {"errors": {field: ["..."]}}; and the one that
the widget in the field reads when it said `key`: {"status": "Failed", "message": {"key": ["..."]}}.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

import msgspec

from edge.dialect import Body, refusal_headers
from edge.errors import NotFound, Row, Rows
from edge.http import Headers, Request
from engine import errors as engine

SPOKE_KEY = "key"

_SENTENCES = {
    "required": "The {field} field is required.",
    "string": "The {field} must be a string.",
    "integer": "The {field} must be an integer.",
    "object": "The {field} must be an object.",
    "array": "The {field} must be an array.",
    "format": "The {field} format is invalid.",
    "choice": "The selected {field} is invalid.",
    "conflict": "The selected {field} is invalid.",
    "alphabet": "The {field} may only contain the allowed characters.",
    "min": "The {field} must be at least {bound}.",
    "max": "The {field} may not be greater than {bound}.",
    "min_length": "The {field} must be at least {bound} characters.",
    "max_length": "The {field} may not be greater than {bound} characters.",
    "min_items": "The {field} must have at least {bound} items.",
    "max_items": "The {field} may not have more than {bound} items.",
    "unknown": "The {field} field is unknown.",
    "max_depth": "The {field} may not be nested deeper than {bound} levels.",
}


class Failed(msgspec.Struct, kw_only=True):
    status: Literal["Failed"] = "Failed"
    message: str | dict[str, list[str]]


class Errors(msgspec.Struct):
    errors: dict[str, list[str]]


class IdentityDialect:
    made_once = True
    rows: Rows = MappingProxyType(
        {
            NotFound: Row(404, "Not Found"),
            engine.UnknownTenant: Row(400, "The tenant id is invalid."),
            engine.EmailTaken: Row(400, "The email has already been taken.", "email"),
            engine.TenantNameTaken: Row(400, "The tenant name has already been taken.", "tenant_name"),
            # The blank at the end is the document's.
            engine.AlreadyConfigured: Row(400, "The tenant id has already been taken ", "tenant_id"),
            engine.PassKeyTaken: Row(409, "Key already taken by another user"),
            engine.PasscodeGone: Row(410, "Pass Key Expired"),
        }
    )

    bodies: Mapping[str, tuple[type[msgspec.Struct], ...]] = MappingProxyType(
        {"application/json": (Failed, Errors)}
    )

    def headers(self, request: Request, error: Exception) -> Headers:
        return refusal_headers(error)

    def shape(self, request: Request, error: Exception, row: Row, *, base: str) -> Body:
        errors = _errors(error, row)
        if request.spoken == SPOKE_KEY or SPOKE_KEY in errors:
            in_its_words = {SPOKE_KEY if field == "pass_key" else field: told for field, told in errors.items()}
            content = Failed(message=in_its_words or {SPOKE_KEY: [row.sentence]})
        elif errors:
            content = Errors(errors)
        else:
            content = Failed(message=row.sentence)
        return Body(b"application/json", msgspec.json.encode(content))


def _errors(error: Exception, row: Row) -> dict[str, list[str]]:
    """What is wrong by field; empty where the document has a single message."""
    if isinstance(error, engine.Invalid):
        told: dict[str, list[str]] = {}
        for problem in error.problems:
            told.setdefault(problem.field, []).append(_sentence(problem))
        return told
    return {} if row.field is None else {row.field: [row.sentence]}


def _sentence(problem: engine.Problem) -> str:
    field = problem.field.replace("_", " ")
    if problem.rule == "format" and problem.field == "email":
        return "The email must be a valid email address."
    return _SENTENCES[problem.rule].format(field=field, bound=problem.bound)
