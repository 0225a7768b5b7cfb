"""Forms that another site sends, for every form of the console: refused, and nothing is changed.

Browsers would not even send the cookie with them (SameSite=Strict); here it comes all the same.
"""

from typing import TYPE_CHECKING

import pytest

from tests.edge.consoles import Browser
from tests.edge.declared import Called, every_path
from tests.edge.stored import nothing_new

if TYPE_CHECKING:
    from collections.abc import Generator

    from tests.edge.program import Edge
    from tests.edge.tenants import Admin, Operator, Tenant

FORMS = [
    called for called in every_path() if called.surface.name == "console_pages" and "POST" in called.route.methods
]
FILLED = {
    "name": "Eve",
    "email": "eve@example.com",
    "password": "a good password",
    "current": "correct horse battery staple",
    "again": "a good password",
    "tenant_name": "Of another site",
    "sure": "yes",
    "mode": "manual",
    "alphabet": "numeric",
    "length": "9",
    "expires_s": "77",
    "max_fetches": "7",
    "origins": "https://evil.example",
    "state": "suspended",
    "submit_limit": "1",
    "fetch_limit": "1",
    "pass_key": "555 0100",
}
FROM_ELSEWHERE = [
    {"sec-fetch-site": "cross-site", "origin": "https://evil.example"},
    {"sec-fetch-site": "same-site", "origin": "http://sibling.example"},
    {"sec-fetch-site": "none"},
    {"sec-fetch-site": "cross-site", "origin": "{own}"},
    {"sec-fetch-site": "same-origin, cross-site"},
    {"origin": "https://evil.example"},
    {"origin": "null"},
    {"origin": "{own}.evil.example"},
    {"origin": "http://["},
    {"origin": ""},
    {},
]


@pytest.fixture(scope="module")
def sessions(edge: "Edge", operator: "Operator", admin: "Admin") -> "Generator[dict[bool, Browser]]":
    """An operator's and that of the tenants' administrator, by whether it is an operator's."""
    with Browser(edge) as operators, Browser(edge) as administrators:
        operators.http.cookies.set("watchword-console", operator.new_operator().token)
        administrators.http.cookies.set("watchword-console", admin.token)
        yield {True: operators, False: administrators}


@pytest.mark.parametrize("called", FORMS, ids=lambda called: called.path)
def test_a_form_of_another_site_is_refused(
    edge: "Edge", sessions: dict[bool, Browser], tenant: "Tenant", called: Called
) -> None:
    browser = sessions["/operator" in called.path]
    path = called.path.format(tenant_id=tenant.id)
    with nothing_new(edge.redis):
        for headers in FROM_ELSEWHERE:
            sent = {name: value.format(own=edge.url) for name, value in headers.items()}
            answer = browser.send(path, FILLED, sent)
            assert (answer.status, answer.answer.headers.get("set-cookie")) == (403, None)


@pytest.mark.parametrize("headers", [{"sec-fetch-site": "same-origin"}, {"origin": "{own}"}], ids=str)
def test_a_form_of_our_own_page_is_carried_out(edge: "Edge", headers: dict[str, str]) -> None:
    """Browsers say Origin only where the edge is neither HTTPS nor loopback."""
    with Browser(edge) as browser:
        sent = {name: value.format(own=edge.url) for name, value in headers.items()}
        page = browser.send("/console/log-in", {"email": "nobody@example.com", "password": "x"}, sent)
        assert page.status == 401
