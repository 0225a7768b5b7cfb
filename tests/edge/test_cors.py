"""Use by web pages of other origins (the Fetch standard's CORS protocol)."""

from typing import TYPE_CHECKING

import httpx
import pytest

from tests.edge.program import NO_LIMITS, Edge
from tests.edge.stored import nothing_new

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.edge.tenants import Operator, Tenant

OURS, SECOND, FOREIGN = "https://www.acme.example", "https://app.acme.example", "https://evil.example"
WIDGET_HEADERS = "authorization,content-type,idempotency-key,x-api-key"
REFUSED = {"status": "Failed", "message": "Pages of this origin may not use this tenant."}
ROUTES = {
    "/api/v2/tenant/user": "POST",
    "/api/v2/login": "POST",
    "/api/v2/user/login": "POST",
    "/api/v2/tenant/user/login": "POST",
    "/api/v2/tenant": "POST",
    "/api/v2/tenant/{id}/api_key/refresh": "POST",
    "/api/v2/{id}/identity/passcode/config": "GET, POST, PUT",
    "/api/v2/tenant/{id}/config": "GET, POST, PUT",
    "/api/v2/{id}/identity/passcode": "POST",
    "/api/v2/tenant/{id}/trust": "POST",
    "/api/v2/{id}/identity/passcode/23456": "GET",
    "/api/v2/tenant/{id}/verify/23456": "GET",
    "/api/v2/{id}/verify/23456": "GET",
}
every_route = pytest.mark.parametrize(("path", "methods"), ROUTES.items(), ids=ROUTES)


@pytest.fixture
def choosy(new_tenant: "Callable[..., Tenant]") -> "Tenant":
    """A tenant that names the origins of its pages."""
    return new_tenant(allowed_origins=(OURS, SECOND))


def preflight(http: "httpx.Client", path: str, origin: str, method: str) -> "httpx.Response":
    headers = {
        "origin": origin,
        "access-control-request-method": method,
        "access-control-request-headers": WIDGET_HEADERS,
    }
    return http.options(path, headers=headers)


def said(answer: "httpx.Response", name: str) -> set[str]:
    return set(answer.headers[name].split(", "))


@every_route
def test_any_page_may_use_every_route_of_a_tenant_that_names_no_origins(
    tenant: "Tenant", path: str, methods: str
) -> None:
    for method in methods.split(", "):
        answer = preflight(tenant.http, path.format(id=tenant.id), FOREIGN, method)
        assert (answer.status_code, answer.content) == (204, b"")
        assert answer.headers["access-control-allow-origin"] == "*"
        assert method in said(answer, "access-control-allow-methods")
        assert said(answer, "access-control-allow-headers") >= set(WIDGET_HEADERS.split(","))
        assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize("path", [path for path in ROUTES if "{id}" in path])
def test_only_pages_of_the_named_origins_may_use_a_tenant(choosy: "Tenant", path: str) -> None:
    path = path.format(id=choosy.id)
    for origin in (OURS, SECOND):
        allowed = preflight(choosy.http, path, origin, "GET")
        assert allowed.status_code == 204
        assert allowed.headers["access-control-allow-origin"] == origin
        assert "origin" in said(allowed, "vary")
    refused = preflight(choosy.http, path, FOREIGN, "GET")
    assert (refused.status_code, refused.json()) == (403, REFUSED)
    assert "access-control-allow-origin" not in refused.headers
    assert "origin" in said(refused, "vary")


@pytest.mark.parametrize("origin", [FOREIGN, "null", OURS.upper(), f"{OURS}.evil.example", f"{OURS}:8443", ""])
def test_a_foreign_page_stores_nothing_by_a_request_that_needs_no_preflight(
    edge: "Edge", choosy: "Tenant", origin: str
) -> None:
    """A form or a `no-cors` fetch is sent before any question is asked."""
    page = {"origin": origin}
    simple = {**page, "content-type": "text/plain"}
    body = b'{"pass_key":"23456"}'
    with nothing_new(edge.redis):
        unasked = [
            choosy.submit("23456", headers=page),
            choosy.http.post(choosy.path, content=body, headers=simple),
            choosy.http.post(choosy.path, content=body, headers=page),
            choosy.http.post(f"/api/v2/tenant/{choosy.id}/trust", content=body, headers=page),
        ]
    for answer in unasked:
        assert answer.status_code == 403
        assert "access-control-allow-origin" not in answer.headers


def test_a_foreign_page_fetches_nothing_and_uses_up_nothing(choosy: "Tenant") -> None:
    assert choosy.submit("23456", headers={"origin": OURS}).status_code == 200
    assert choosy.fetch("23456", headers={"origin": FOREIGN}).status_code == 403
    assert choosy.fetch("23456", headers={"origin": OURS}).status_code == 200


def test_pages_read_refusals_and_headers_too(choosy: "Tenant") -> None:
    page = {"origin": OURS}
    choosy.submit("23456", headers=page)
    config = choosy.http.get(f"{choosy.path}/config", headers=page)
    for answer in (config, choosy.submit("23456", headers=page), choosy.submit("", headers=page)):
        assert answer.headers["access-control-allow-origin"] == OURS
        assert said(answer, "access-control-expose-headers") >= {"retry-after", "ratelimit", "x-request-id"}
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert choosy.submit("23456", headers=page).status_code == 409


def test_a_page_of_the_edge_itself_need_not_be_named(edge: "Edge", choosy: "Tenant") -> None:
    """The customer's page: its browser says whose it is, by the origin or, where TLS ends before us, in a word."""
    pages = ({"origin": edge.url}, {"origin": "https://api.example", "sec-fetch-site": "same-origin"})
    for number, page in enumerate(pages):
        answer = choosy.submit(f"2345{number}", headers=page)
        assert (answer.status_code, "access-control-allow-origin" in answer.headers) == (200, False)
    for page in ({"origin": "null"}, {"origin": FOREIGN, "sec-fetch-site": "cross-site"}):
        assert choosy.submit("23459", headers=page).status_code == 403


def test_an_edge_that_knows_its_address_takes_no_other_for_its_own(edge: "Edge", choosy: "Tenant") -> None:
    """Whatever host a page names, as by DNS that points at us (rebinding)."""
    public = "https://api.example"
    settings = {"keys": edge.keys, "workers": 1, "courier": "off", "public_url": f"{public}/v"}
    with Edge(edge.redis, **NO_LIMITS, **settings) as told, httpx.Client(base_url=told.url) as http:
        tenant = choosy.through(http)
        rebound = {"origin": told.url, "sec-fetch-site": "same-origin"}
        assert tenant.submit("23456", headers=rebound).status_code == 403
        assert tenant.submit("23456", headers={"origin": public}).status_code == 200


def test_a_client_that_is_no_page_is_asked_for_no_origin(choosy: "Tenant") -> None:
    assert choosy.submit("23456").status_code == 200
    assert choosy.fetch("23456").status_code == 200


def test_origins_changed_by_the_operator_are_in_force_on_every_worker_at_once(
    operator: "Operator", tenant: "Tenant", each_worker: "list[httpx.Client]"
) -> None:
    workers = [tenant.through(client) for client in each_worker]
    page = {"origin": FOREIGN}
    for number in range(10):
        operator.change(tenant, allowed_origins=("*",))
        opened = [worker.submit(f"{number}-{at}", headers=page) for at, worker in enumerate(workers)]
        assert [answer.status_code for answer in opened] == [200, 200]
        operator.change(tenant, allowed_origins=(OURS,))
        assert [worker.submit("new", headers=page).status_code for worker in workers] == [403, 403]


def test_a_page_of_an_unknown_tenant_reads_that_it_is_unknown(http: "httpx.Client") -> None:
    path = "/api/v2/3d598852-7280-11ea-9bd3-28d24448fe41/identity/passcode"
    answer = http.post(path, json={"pass_key": "23456"}, headers={"origin": FOREIGN})
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (400, "*")
