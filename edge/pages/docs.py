"""/docs: the OpenAPI document to read and to try, by Swagger UI, from files of an installed package.

The package is optional. It is never imported: it would bring a web framework along.
"""

import asyncio
from functools import cache
from importlib.metadata import Distribution, PackageNotFoundError
from pathlib import Path

from edge.errors import NotFound
from edge.http import Reply, Request
from edge.pages.assets import Assets
from edge.pages.rendering import HTML, guards, render
from edge.state import EdgeState

_PACKAGE = "flask-swagger-ui"
_FILES = ("swagger-ui-bundle.js", "swagger-ui.css")
# Swagger UI writes HTML by itself, which trusted types would refuse, and draws with pictures in its style sheet.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'"
)


async def show_docs(state: EdgeState, request: Request) -> Reply:
    """Where there is no Swagger UI the page says so, and where the document is."""
    swagger = await _swagger_ui()
    urls = {name: f"/docs/{swagger.version}/{name}" for name in _FILES} if swagger else None
    return Reply(200, render(request, "docs.html", swagger=urls), (HTML, *guards(policy=_POLICY)))


async def serve_swagger_ui(state: EdgeState, request: Request) -> Reply:
    """Raises: NotFound."""
    swagger = await _swagger_ui()
    if swagger is None:
        raise NotFound
    return swagger.reply(request, request.params["name"], request.params["version"])


async def _swagger_ui() -> Assets | None:
    """In a thread: the first call packs two megabytes."""
    return await asyncio.to_thread(read_swagger_ui)


@cache
def read_swagger_ui(package: str = _PACKAGE) -> Assets | None:
    """What the page needs of the package; None where it is not installed."""
    try:
        installed = Distribution.from_name(package)
    except PackageNotFoundError:
        return None
    folder = Path(str(installed.locate_file("flask_swagger_ui/dist")))
    return Assets({name: (folder / name).read_bytes() for name in _FILES})
