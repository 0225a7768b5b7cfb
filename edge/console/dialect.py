"""How the console says no: with the form that was sent, with the log-in, or with a page."""

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from edge.console.forms import Filled, Form
from edge.console.views import draw, guards
from edge.dialect import Body, refusal_headers
from edge.errors import NotFound, Row, Rows
from edge.http import NO_STORE, Headers, Request
from engine import errors as engine


class ConsoleDialect:
    made_once = False  # pages have in them what was filled in
    rows: Rows = MappingProxyType(
        {
            NotFound: Row(404, "There is nothing at this address."),
            engine.Unauthenticated: Row(401, "Please log in."),
            engine.WrongPassword: Row(401, "The e-mail address or the password is wrong."),
            engine.UnknownTenant: Row(404, "There is nothing at this address."),
            engine.OriginRefused: Row(403, "This form was not sent by a page of this address."),
            engine.TenantInactive: Row(403, "The operator has not activated this tenant, or has suspended it."),
            engine.EmailTaken: Row(409, "This e-mail address is taken.", "email"),
            engine.TenantNameTaken: Row(409, "This name is taken.", "tenant_name"),
            engine.AgentTaken: Row(409, "An agent has this e-mail address already.", "email"),
            engine.UnknownAgent: Row(404, "There is no such agent any more."),
            engine.LimitExceeded: Row(429, "Too many attempts. Please try again later."),
            engine.Busy: Row(503, "Too much is going on. Please try again in a moment."),
        }
    )
    bodies: Mapping[str, tuple[type[msgspec.Struct], ...]] = MappingProxyType({})

    def shape(self, request: Request, error: Exception, row: Row, *, base: str) -> Body:
        return Body(b"text/html; charset=utf-8", _drawn(request, error, row))

    def headers(self, request: Request, error: Exception) -> Headers:
        return (*(header for header in guards() if header != NO_STORE), *refusal_headers(error))


def _drawn(request: Request, error: Exception, row: Row) -> bytes:
    if isinstance(request.filled, Filled):
        filled = request.filled
        filled.form.note(error, row)
        return filled.draw(filled.form)
    if isinstance(error, engine.Unauthenticated):
        return draw(request, "log_in", None, form=Form())
    return draw(request, "refused", None, sentence=row.sentence)
