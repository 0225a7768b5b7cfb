"""The operator's pages over real HTTP: who gets at them, and what they do."""

from typing import TYPE_CHECKING

import pytest

from engine.ids import TenantId
from engine.tenants import State
from tests.edge.consoles import Browser
from tests.edge.declared import Called, every_path

if TYPE_CHECKING:
    from collections.abc import Generator

    from tests.edge.program import Edge
    from tests.edge.tenants import Operator, Tenant

OPERATORS = [called for called in every_path() if called.path.startswith("/console/operator")]


@pytest.fixture(scope="module")
def browser(edge: "Edge", operator: "Operator") -> "Generator[Browser]":
    """Of an operator."""
    with Browser(edge) as browser:
        browser.http.cookies.set("watchword-console", operator.new_operator().token)
        yield browser


@pytest.fixture
def administrator(edge: "Edge") -> "Generator[Browser]":
    with Browser(edge) as browser:
        browser.sign_up()
        yield browser


def path_of(tenant: "Tenant") -> str:
    return f"/console/operator/tenants/{tenant.id}"


@pytest.mark.parametrize("called", OPERATORS, ids=lambda called: called.path)
def test_to_an_administrator_and_to_nobody_there_are_no_such_pages(
    edge: "Edge", administrator: Browser, tenant: "Tenant", operator: "Operator", called: Called
) -> None:
    path, route = called.path.format(tenant_id=tenant.id), called.route
    with Browser(edge) as nobody:
        for method in route.methods:
            form = {"state": "suspended", "submit_limit": "1", "fetch_limit": "1"} if method == "POST" else None
            headers = {"sec-fetch-site": "same-origin"}
            for browser, status in ((administrator, 404), (nobody, 401)):
                assert browser.http.request(method, path, data=form, headers=headers).status_code == status
    kept = operator.run(lambda engine: engine.tenants.read(tenant.id))
    assert (kept.state, kept.submit_limit, kept.fetch_limit) == (State.ACTIVE, None, None)


def test_an_operator_sees_the_way_to_all_tenants_and_an_administrator_does_not(
    browser: Browser, administrator: Browser
) -> None:
    assert "All tenants" in browser.show("/console").text
    assert "All tenants" not in administrator.show("/console").text


def test_a_demoted_operator_is_none_with_the_next_request(edge: "Edge", operator: "Operator") -> None:
    admin = operator.new_operator()
    with Browser(edge) as browser:
        browser.http.cookies.set("watchword-console", admin.token)
        assert browser.show("/console/operator").status == 200
        operator.run(lambda engine: engine.admins.demote(email=admin.email))
        assert browser.show("/console/operator").status == 404
        assert browser.show("/console").status == 200


def test_a_session_that_was_open_before_the_promotion_is_no_operators(edge: "Edge", operator: "Operator") -> None:
    """Whoever took the address at sign-up may not be who is promoted."""
    admin = operator.new_admin()
    operator.run(lambda engine: engine.admins.promote(email=admin.email))
    with Browser(edge) as browser:
        browser.http.cookies.set("watchword-console", admin.token)
        assert browser.show("/console/operator").status == 401
        assert browser.log_in(admin.email).status == 401


def test_every_tenant_is_on_one_of_the_pages(browser: Browser, tenant: "Tenant") -> None:
    page = browser.show("/console/operator")
    found = set[str]()
    while True:
        links = [given["href"] or "" for tag, given in page.elements if tag == "a"]
        found |= {link for link in links if "/operator/tenants/" in link}
        following = [link for link in links if "?part=" in link]
        if not following:
            break
        page = browser.show(following[0])
    assert path_of(tenant) in found


def test_a_tenant_is_looked_up_by_its_id(browser: Browser, tenant: "Tenant") -> None:
    page = browser.follow(browser.show(f"/console/operator?tenant={tenant.id}"))
    assert str(tenant.id) in page.text
    for unknown in ("x", "//evil.example", "%0d%0aset-cookie:%20a=b"):
        assert browser.follow(browser.show(f"/console/operator?tenant={unknown}")).status == 404


def test_a_suspended_tenant_is_refused_at_once_and_an_activated_one_is_not(
    browser: Browser, tenant: "Tenant"
) -> None:
    path = path_of(tenant)
    page = browser.follow(browser.fill(path, f"{path}/state", state="suspended"))
    assert "suspended" in page.text
    assert tenant.submit("1").status_code == 403
    page = browser.follow(browser.fill(path, f"{path}/state", state="active"))
    assert "Saved" in page.text
    assert tenant.submit("1").status_code == 200


def test_limits_are_set_and_taken_away(browser: Browser, tenant: "Tenant", operator: "Operator") -> None:
    path = path_of(tenant)

    def limits() -> tuple[int | None, int | None]:
        kept = operator.run(lambda engine: engine.tenants.read(TenantId(tenant.id)))
        return kept.submit_limit, kept.fetch_limit

    browser.fill(path, f"{path}/limits", submit_limit="5", fetch_limit="0")
    assert limits() == (5, 0)
    assert browser.show(path).form(f"{path}/limits").fields == {"submit_limit": "5", "fetch_limit": "0"}
    browser.fill(path, f"{path}/limits", submit_limit="")
    assert limits() == (None, 0)
    page = browser.fill(path, f"{path}/limits", submit_limit="-1", fetch_limit="1234567")
    assert (page.status, page.errors()) == (400, ["submit_limit", "fetch_limit"])
    page = browser.send(f"{path}/state", {"state": "deleted"})
    assert page.status == 400
    assert limits() == (None, 0)


def test_the_operator_is_told_what_doctor_finds_and_what_the_worker_counts(browser: Browser) -> None:
    text = browser.show("/console/operator/health").text
    for said in ("redis", "scripts", "persistence", "Calls to Redis under way", "of at most"):
        assert said in text
