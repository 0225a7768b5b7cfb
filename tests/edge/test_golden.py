"""The documented calls, request by request and byte by byte: tests/golden/<surface>/*.http; and the examples.

A file is a story with a tenant of its own. `### title`, the request, `HTTP status`, the headers that matter, the
body. `$name` stands for a value: one that the story begins with, or one that an answer brings, which must then be
the same wherever the name comes again. `$time`, `$timestamp` and `$number` are any. Codes are those of the moment.
"""

import re
import uuid
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

import pytest

from edge.app import SURFACES
from edge.examples import SAMPLES, exchanges, story
from engine.tenants import State
from tests.edge.apps import Factor, new_app
from tests.edge.documented import Document, must_be_documented
from tests.edge.tenants import PASSWORD, Admin, Operator, Tenant, fresh

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from tests.edge.program import Edge

GOLDEN = Path(__file__).parents[1] / "golden"
UNKNOWN_ID = "3d598852-7280-11ea-9bd3-28d24448fe41"

TOKEN = "[A-Za-z0-9]{58,}"
UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
BROUGHT = {
    "time": r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d",
    "number": r"\d+",
    "passcode": r"\d{6}",
    "five_digits": r"\d{5}",
    "new_api_key": TOKEN,
    "new_token": TOKEN,
    "narrow_token": TOKEN,
    "new_tenant_id": UUID,
    "timestamp": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00",
    "factor_id": UUID,
    "next_factor_id": UUID,
    "challenge_id": UUID,
    "next_challenge_id": UUID,
    "secret": "[A-Z2-7]{32}",
    "next_secret": "[A-Z2-7]{32}",
    "picture": "data:image/png;base64,[A-Za-z0-9+/]+=*",
    "coordinate": "[A-Za-z0-9_-]{43}",
    "coordinate_y": "[A-Za-z0-9_-]{43}",
    "key_id": "[A-Za-z0-9_-]{43}",
    "exposition": "(?s:# .+)",
    "document": r"\{.+\}",
}
ANY = {"time", "number", "timestamp", "picture", "exposition", "document"}
EXAMPLES = [surface.name for surface in SURFACES if story(surface.name)]


def headers(text: str) -> dict[str, str]:
    return dict(line.split(": ", 1) for line in text.splitlines())


def pattern(expected: str, known: dict[str, str]) -> str:
    """A regular expression for text with `$name` in it."""
    seen: set[str] = set()

    def piece(part: str) -> str:
        if not part.startswith("$"):
            return re.escape(part)
        name = part[1:]
        if name in known:
            return re.escape(known[name])
        if name in ANY:
            return BROUGHT[name]
        again = name in seen
        seen.add(name)
        return f"(?P={name})" if again else f"(?P<{name}>{BROUGHT[name]})"

    return "".join(map(piece, re.split(r"(\$\w+)", expected)))


class Story(dict[str, str]):
    """What a story knows. Codes are made when they are needed: they are good for a moment."""

    def __init__(self, known: dict[str, str], active: Factor | None = None) -> None:
        super().__init__(known)
        self._active = active

    def __getitem__(self, name: str) -> str:
        match name:
            case "code_before":
                return self._pending.code(steps=-1)
            case "wrong_code":
                return self._pending.wrong_code
            case "active_code":
                return self._activated.code()
            case "wrong_active_code":
                return self._activated.wrong_code
            case _:
                return super().__getitem__(name)

    @property
    def _pending(self) -> Factor:
        return Factor("", self["secret"])

    @property
    def _activated(self) -> Factor:
        assert self._active is not None
        return self._active


@pytest.fixture
def identity(operator: Operator, admin: Admin, new_tenant: "Callable[..., Tenant]") -> Story:
    tenant, suspended = new_tenant(), new_tenant(state=State.SUSPENDED)
    other = operator.new_tenant(operator.new_admin(), tenant.http)
    known = {
        "tenant_id": tenant.id,
        "api_key": tenant.api_key,
        "token": tenant.admin.token,
        "email": admin.email,
        "password": PASSWORD,
        "other_tenant_id": other.id,
        "other_api_key": other.api_key,
        "suspended_tenant_id": suspended.id,
        "suspended_api_key": suspended.api_key,
        "unknown_tenant_id": UNKNOWN_ID,
        "new_email": fresh("golden").replace(" ", "") + "@example.com",
        "new_name": fresh("Golden"),
    }
    return Story(known)


@pytest.fixture
def authenticator(edge: "Edge", operator: Operator, new_tenant: "Callable[..., Tenant]") -> Story:
    app, other, challenger = (new_app(operator, new_tenant()) for _ in range(3))
    bare = new_app(operator, new_tenant(), setup=None)
    active = challenger.active_factor()
    known = {
        "base": edge.url,
        "basic": app.basic["authorization"].removeprefix("Basic "),
        "client_token": app.token,
        "other_client_token": other.token,
        "challenger_token": challenger.token,
        "bare_client_token": bare.token,
        "tenant_id": app.tenant.id,
        "tenant_name": operator.run(lambda engine: engine.tenants.read(app.tenant.id)).name,
        "workspace_id": str(uuid.UUID(hex=app.tenant.admin.id)),
        "other_tenant_id": other.tenant.id,
        "unknown_id": UNKNOWN_ID,
        "active_factor_id": active.path.rpartition("/")[2],
    }
    return Story(known, active)


@pytest.mark.parametrize(
    "file", sorted(GOLDEN.glob("*/*.http")), ids=lambda file: f"{file.parent.name}-{file.stem}"
)
def test_documented_calls_are_answered_to_the_letter(
    file: Path, http: "httpx.Client", document: Document, request: pytest.FixtureRequest
) -> None:
    """And by what the OpenAPI document says of them."""
    play(file.read_text(), request.getfixturevalue(file.parent.name), http, document)


@pytest.mark.parametrize("surface", EXAMPLES)
def test_the_examples_of_the_document_work(
    surface: str, http: "httpx.Client", document: Document, request: pytest.FixtureRequest
) -> None:
    begins = "identity" if surface == "identity" else "authenticator"
    play(story(surface), request.getfixturevalue(begins), http, document)


def test_what_stands_in_the_document_for_a_value_is_one() -> None:
    for name in BROUGHT.keys() & SAMPLES.keys():
        assert re.fullmatch(BROUGHT[name], SAMPLES[name]), name


def play(text: str, story: Story, http: "httpx.Client", document: Document) -> None:
    for exchange in exchanges(text):
        path, sent_headers, body = (
            Template(text).substitute(story) for text in (exchange.path, exchange.headers, exchange.body or "")
        )
        answer = http.request(exchange.method, path, headers=headers(sent_headers), content=body.encode())
        where = f"{exchange.title}: {answer.text}"
        assert answer.status_code == int(exchange.status), where
        for name, value in headers(exchange.answer_headers).items():
            assert re.fullmatch(pattern(value, story), answer.headers.get(name, "")), (where, name)
        match = re.fullmatch(pattern(exchange.answer or "", story), answer.text.removesuffix("\n"))
        assert match, f"{where} is not {exchange.answer}"
        must_be_documented(document, exchange.method, path, answer)
        story |= match.groupdict()


def test_every_documented_call_and_alias_is_in_a_golden_file() -> None:
    told = [exchange for file in GOLDEN.glob("*/*.http") for exchange in exchanges(file.read_text())]
    called = {(exchange.method, re.sub(r"\$\w*tenant_id", "{id}", exchange.path)) for exchange in told}
    assert called >= {
        ("POST", "/api/v2/tenant/user"),
        ("POST", "/api/v2/login"),
        ("POST", "/api/v2/user/login"),
        ("POST", "/api/v2/tenant/user/login"),
        ("POST", "/api/v2/tenant"),
        ("POST", "/api/v2/tenant/{id}/api_key/refresh"),
        ("POST", "/api/v2/{id}/identity/passcode/config"),
        ("PUT", "/api/v2/{id}/identity/passcode/config"),
        ("GET", "/api/v2/{id}/identity/passcode/config"),
        ("POST", "/api/v2/tenant/{id}/config"),
        ("PUT", "/api/v2/tenant/{id}/config"),
        ("GET", "/api/v2/tenant/{id}/config"),
        ("POST", "/api/v2/{id}/identity/passcode"),
        ("POST", "/api/v2/tenant/{id}/trust"),
        ("GET", "/api/v2/{id}/identity/passcode/23456"),
        ("GET", "/api/v2/tenant/{id}/verify/23456"),
        ("GET", "/api/v2/{id}/verify/23456"),
        ("POST", "/oauth2/v1/token"),
        ("POST", "/oauth2/v1/revoke"),
        ("GET", "/authenticator/v0.1/factors"),
        ("POST", "/authenticator/v0.1/factors"),
        ("GET", "/authenticator/v0.1/factors/$factor_id"),
        ("PATCH", "/authenticator/v0.1/factors/$factor_id"),
        ("GET", "/authenticator/v0.1/factors/$active_factor_id/challenges"),
        ("POST", "/authenticator/v0.1/factors/$active_factor_id/challenges"),
        ("POST", "/authenticator/v0.1/factors/$active_factor_id/challenge"),
        ("GET", "/authenticator/v0.1/factors/$active_factor_id/challenges/$challenge_id"),
        ("PATCH", "/authenticator/v0.1/factors/$active_factor_id/challenges/$challenge_id"),
        ("GET", "/authenticator/v0.1/factors/$active_factor_id/challenge/$next_challenge_id"),
        ("PATCH", "/authenticator/v0.1/factors/$active_factor_id/challenge/$next_challenge_id"),
        ("PATCH", "/console/v0.2/workspaces/$workspace_id/projects/{id}"),
    }
