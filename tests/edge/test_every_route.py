"""What no client should send, on every route that there is: refused in the surface's dialect, and nothing stored.

The routes are those that the edge declares, so that a new one is tested with the others.
"""

from typing import TYPE_CHECKING

import pytest

from edge.app import SURFACES
from edge.pages.rendering import ASSETS
from tests.edge.agents import Agent, new_agent
from tests.edge.apps import App, new_app
from tests.edge.consoles import SAME_SITE
from tests.edge.declared import Called, assert_refused, every_path
from tests.edge.sockets import Answer, ask, request
from tests.edge.stored import nothing_new

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from edge.routes import Surface
    from tests.edge.program import Edge
    from tests.edge.tenants import Admin, Operator

CLOSE = ("connection", "close")
JSON, FORM = "application/json", "application/x-www-form-urlencoded"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE")
MOST_BYTES = 16 * 1024
DEEP = b"[" * 5000 + b"]" * 5000
# These read no body: there is nothing to be wrong with one.
WITHOUT_BODY = {"/api/v2/tenant/{tenant_id}/api_key/refresh", "/console/log-out"}
OPTIONAL_BODY = "/factors/{factor_id}/challenge"


PATHS = [*every_path()]
BODIES = [
    (called, method)
    for called in PATHS
    for method in called.route.methods
    if method not in {"GET", "DELETE"} and called.path not in WITHOUT_BODY
]
every_route = pytest.mark.parametrize("called", PATHS, ids=lambda called: called.path)
every_surface = pytest.mark.parametrize("surface", SURFACES, ids=lambda surface: surface.prefix or "/")
every_body = pytest.mark.parametrize(
    ("called", "method"), BODIES, ids=[f"{method} {called.path}" for called, method in BODIES]
)


class Caller:
    """Somebody who may call everything, and knows an id for every parameter of a path."""

    def __init__(self, edge: "Edge", app: App, agent: Agent, operators_session: str) -> None:
        self.edge = edge
        self._operators_session = operators_session
        factor = app.active_factor()
        challenge = app.challenge(factor)
        workspace_id, project_id = app.project.split("/")[4::2]
        self.ids = {
            "tenant_id": app.tenant.id,
            "key": "23456",
            "factor_id": factor.path.rpartition("/")[2],
            "challenge_id": challenge.rpartition("/")[2],
            "workspace_id": workspace_id,
            "project_id": project_id,
            "version": ASSETS.version,
            "name": "customer.js",
        }
        self._app = app
        self._agent = agent

    def path(self, called: Called, **others: str) -> str:
        return called.path.format(**self.ids | others)

    def ask(
        self, called: Called, method: str, path: str, *headers: tuple[str, str], body: bytes | None = None
    ) -> Answer:
        authorization = self._authorization(called)
        known = [CLOSE, ("authorization", authorization), *self._app.tenant.key_header.items(), *headers]
        if called.surface.name == "console_pages":
            known += [("cookie", f"watchword-console={self._session(called)}"), *SAME_SITE.items()]
        if called.surface.prefix == "/agent-api":
            known += self._agent.headers.items()
        return ask(self.edge, request(method, path, known, body))

    def send(self, called: Called, method: str, body: bytes, media_type: str | None = None) -> Answer:
        """A body, declared as what the route reads if nothing else is said."""
        declared = media_type if media_type is not None else FORM if called.is_form else JSON
        return self.ask(called, method, self.path(called), ("content-type", declared), body=body)

    def _session(self, called: Called) -> str:
        return self._operators_session if "/operator" in called.path else self._app.tenant.admin.token

    def _authorization(self, called: Called) -> str:
        if called.surface.name == "oauth":
            return self._app.basic["authorization"]
        is_identity = type(called.surface.dialect).__name__ == "IdentityDialect"
        return (self._app.tenant if is_identity else self._app).bearer["authorization"]


@pytest.fixture(scope="module")
def caller(edge: "Edge", operator: "Operator", admin: "Admin", http: "httpx.Client") -> Caller:
    tenant = operator.new_tenant(admin, http)
    agent = new_agent(operator, tenant).signed_in()
    return Caller(edge, new_app(operator, tenant), agent, operator.new_operator().token)


@pytest.fixture(scope="module", autouse=True)
def _nothing_stored(edge: "Edge", caller: Caller) -> "Iterator[None]":
    del caller  # made before
    with nothing_new(edge.redis):
        yield


@every_route
def test_another_method_is_refused_and_told_which_there_are(caller: Caller, called: Called) -> None:
    for method in {*METHODS} - {*called.route.methods}:
        answer = caller.ask(called, method, caller.path(called))
        assert (answer.status, answer.headers["allow"]) == (405, ", ".join((*called.route.methods, "OPTIONS")))
        if method == "HEAD":
            assert answer.body == b""
        else:
            assert_refused(called.surface, answer, 405)


@pytest.mark.parametrize(
    "called", [called for called in PATHS if called.surface.is_api], ids=lambda called: called.path
)
def test_a_page_may_ask_what_it_may_do(caller: Caller, called: Called) -> None:
    for method in called.route.methods:
        page = [("origin", "https://page.example"), ("access-control-request-method", method)]
        answer = ask(caller.edge, request("OPTIONS", caller.path(called), [CLOSE, *page]))
        assert (answer.status, answer.body) == (204, b"")
        assert answer.headers["access-control-allow-origin"] == "*"
        assert answer.headers["access-control-allow-methods"].split(", ") == [*called.route.methods, "OPTIONS"]
        assert "authorization" in answer.headers["access-control-allow-headers"]
        assert "access-control-allow-credentials" not in answer.headers


@every_surface
@pytest.mark.parametrize("path", ["/nothing", "/nothing/here/at/all", "/a%2Fb", "/%00", "/%ff", "/..", "//"])
def test_a_path_that_there_is_not_is_not_found_by_any_method(edge: "Edge", surface: "Surface", path: str) -> None:
    under = (
        surface.prefix if surface.is_api else f"{surface.prefix}/no/such/place"
    )  # a page's id is all of its path
    for method in (*METHODS, "OPTIONS"):
        answer = ask(edge, request(method, under + path, [CLOSE]))
        assert answer.status == 404
        if method == "HEAD":
            assert answer.body == b""
        else:
            assert_refused(surface, answer, 404)


STRANGE = (
    "%00",
    "%ff%fe",
    "%20",
    "x" * 4000,
    "%2e%2e",
    "a%2Fb",
    "%2F",
    "{id}%00",
    "{id}%2F",
    "{ID}",
    "{id}x",
    "%7B%7D",
)


@every_route
def test_an_id_that_is_none_is_no_fault_of_ours(caller: Caller, called: Called) -> None:
    for name in called.params:
        known = caller.ids[name]
        for strange in STRANGE:
            path = caller.path(
                called, **{name: strange.replace("{id}", known).replace("{ID}", known.upper() + "A")}
            )
            for method in called.route.methods:
                assert_refused(called.surface, caller.ask(called, method, path), 400, 401, 403, 404, 410)


@every_route
def test_an_encoded_slash_does_not_part_a_path(caller: Caller, called: Called) -> None:
    path = caller.path(called)
    head, _, last = path.rpartition("/")
    for method in called.route.methods:
        for encoded in ("%2F", "%2f"):
            answer = caller.ask(called, method, f"{head}{encoded}{last}")
            assert answer.status in {400, 404, 405, 410}


@every_body
def test_a_body_that_is_too_large_is_refused_whole(caller: Caller, called: Called, method: str) -> None:
    is_patch = method == "PATCH"  # of too many operations
    assert_refused(called.surface, caller.send(called, method, b" " * (MOST_BYTES + 1)), 400 if is_patch else 413)


@every_body
@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b'{"a":1}}',
        b"{'a':1}",
        b'{"a":NaN}',
        b'{"reference_id":"\xff"}',
        b'{"a":"\\ud800"}',
        b"null",
        b"7",
        b'"text"',
        b"\x00",
        DEEP,
        b'{"a":' * 2500,
        b'[{"op":"add","path":"/configuration","value":' + DEEP + b"}]",
        b"&&&",
        b"%",
    ],
    ids=lambda body: body[:20].decode("latin-1"),
)
def test_a_body_that_means_nothing_is_refused(caller: Caller, called: Called, method: str, body: bytes) -> None:
    assert_refused(called.surface, caller.send(called, method, body), 400)


@every_body
def test_a_body_of_another_kind_is_refused(caller: Caller, called: Called, method: str) -> None:
    others = [
        "text/plain",
        "multipart/form-data; boundary=x",
        "application/xml",
        "",
        "text/json",
        "application/jsonx",
    ]
    for media_type in (*others, JSON if called.is_form else FORM):
        answer = caller.send(called, method, b"{}", media_type)
        assert_refused(called.surface, answer, 400 if called.surface.name == "oauth" else 415)


@every_body
def test_an_empty_body_is_refused_where_one_is_needed(caller: Caller, called: Called, method: str) -> None:
    if OPTIONAL_BODY not in called.path or method != "POST":
        assert_refused(called.surface, caller.send(called, method, b""), 400)
