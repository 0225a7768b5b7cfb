"""Pages of the console: in one frame, with one set of headers, never kept by a cache."""

from edge.console.visitors import Visitor
from edge.http import Header, Headers, Reply, Request
from edge.pages import rendering

# Of other sites it tells nothing; and without it browsers would not say where a form of ours comes from.
_REFERRER: Header = (b"referrer-policy", b"same-origin")
_HTML: Header = (b"content-type", b"text/html; charset=utf-8")


def guards() -> Headers:
    return (*(header for header in rendering.guards() if header[0] != b"referrer-policy"), _REFERRER)


def draw(request: Request, template: str, visitor: Visitor | None, **content: object) -> bytes:
    """The text of a page. English is the language of the console."""
    return rendering.render(request, f"console/{template}.html", language="en", visitor=visitor, **content)


def page(body: bytes, *, status: int = 200, headers: Headers = ()) -> Reply:
    return Reply(status, body, (_HTML, *guards(), *headers))


def see_other(path: str, *headers: Header) -> Reply:
    """After a form was carried out: a reload shows the page, and does not send the form again."""
    return Reply(303, b"", ((b"location", path.encode()), *guards(), *headers))
