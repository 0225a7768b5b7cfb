"""The routes that the edge declares, and how each surface says no."""

import re
from typing import TYPE_CHECKING, NamedTuple

from edge.app import SURFACES
from tests.edge.sockets import Answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from edge.routes import Route, Surface

JSON = "application/json"


class Called(NamedTuple):
    """A path of a route, under the prefix of its surface."""

    surface: "Surface"
    route: "Route"
    path: str

    @property
    def params(self) -> list[str]:
        return re.findall(r"\{(\w+)\}", self.path)

    @property
    def is_form(self) -> bool:
        return type(self.surface.dialect).__name__ in {"OAuthDialect", "ConsoleDialect"}


def every_path() -> "Iterator[Called]":
    for surface in SURFACES:
        for route in surface.routes:
            for path in route.paths:
                yield Called(surface, route, surface.prefix + path)


def identity(answer: Answer) -> None:
    assert answer.headers["content-type"] == JSON
    assert answer.json().keys() in ({"status", "message"}, {"errors"})


def oauth(answer: Answer) -> None:
    assert answer.headers["content-type"] == JSON
    assert answer.json().keys() == {"error", "error_description"}


def problem(answer: Answer) -> None:
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json().keys() == {"type", "title", "detail", "status"}
    assert answer.json()["status"] == answer.status


def pages(answer: Answer) -> None:
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert b"<h1>" in answer.body
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


def authenticator(answer: Answer) -> None:
    problem(answer)
    assert re.fullmatch(r"http://edge/errors#[a-z_]+", answer.json()["type"])


DIALECTS: "dict[str, Callable[[Answer], None]]" = {
    "IdentityDialect": identity,
    "OAuthDialect": oauth,
    "AuthenticatorDialect": authenticator,
    "AssetsDialect": problem,
    "PagesDialect": pages,
    "ConsoleDialect": pages,
    "ProblemDetails": problem,
}


def assert_refused(surface: "Surface", answer: Answer, *statuses: int) -> None:
    """With one of these, in the words of the surface."""
    assert answer.status in statuses, answer
    DIALECTS[type(surface.dialect).__name__](answer)
