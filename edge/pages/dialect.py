"""How pages say no: with a page."""

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from edge.dialect import Body, refusal_headers
from edge.errors import Row, Rows
from edge.http import NO_STORE, Headers, Request
from edge.pages.rendering import guards, render


class PagesDialect:
    made_once = False  # it is in the reader's language
    rows: Rows = MappingProxyType({})
    bodies: Mapping[str, tuple[type[msgspec.Struct], ...]] = MappingProxyType({})

    def shape(self, request: Request, error: Exception, row: Row, *, base: str) -> Body:
        text = render(request, "refused.html", status=row.status, sentence=row.sentence)
        return Body(b"text/html; charset=utf-8", text)

    def headers(self, request: Request, error: Exception) -> Headers:
        return (*(header for header in guards() if header != NO_STORE), *refusal_headers(error))
