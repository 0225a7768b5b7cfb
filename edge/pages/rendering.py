"""Pages: templates rendered with everything escaped, and the headers that keep them to themselves.

A page runs the scripts of this edge and no other, none of them in its own text; it asks nobody else for anything;
and no page may show it in a frame unless it says which.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from jinja2 import Environment, PackageLoader, StrictUndefined

from edge.http import NO_STORE, Headers, Reply, Request
from edge.pages.assets import read_assets
from edge.pages.languages import language_of, read_words

ASSETS = read_assets("web")

NOWHERE = ("'none'",)
_WORDS = read_words("pages")
_templates = Environment(
    loader=PackageLoader("web"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)


def _instant(seconds: int) -> str:
    """For programs (RFC 3339)."""
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def _when(seconds: int) -> str:
    """For people."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


_templates.filters.update(instant=_instant, when=_when)

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; require-trusted-types-for 'script'; trusted-types 'none'"
)
_GUARDS: Headers = (
    NO_STORE,
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=()"),
    (b"referrer-policy", b"same-origin"),
    (b"vary", b"accept-language"),
    (b"x-content-type-options", b"nosniff"),
)
HTML = (b"content-type", b"text/html; charset=utf-8")


def guards(*, framed_by: Sequence[str] = NOWHERE, policy: str = _POLICY) -> Headers:
    """The headers of a page. `framed_by` are origins, or words of the Content Security Policy."""
    whole = f"{policy}; frame-ancestors {' '.join(framed_by)}"
    return ((b"content-security-policy", whole.encode("latin-1")), *_GUARDS)


def render(request: Request, template: str, **content: object) -> bytes:
    """The text of a page. Templates know `language`, `words` (of `pages.<language>.json`), and `asset(name)`."""
    language = language_of(request)
    known = {"asset": ASSETS.url, "language": language, "words": _WORDS[language], **content}
    return _templates.get_template(template).render(known).encode()


def page(
    request: Request, template: str, *, status: int = 200, framed_by: Sequence[str] = NOWHERE, **content: object
) -> Reply:
    """A page that is not kept by caches: it may be somebody's."""
    return Reply(status, render(request, template, **content), (HTML, *guards(framed_by=framed_by)))
