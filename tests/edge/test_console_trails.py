"""Usage and audit trails at the console: what is shown, looked for, and taken along."""

import csv
import io
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.edge.consoles import Browser
from tests.edge.tenants import PASSWORD
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Generator

    from tests.edge.program import Edge
    from tests.edge.tenants import Operator, Tenant

NUMBER = "+44 7700 900123"


@pytest.fixture
def browser(edge: "Edge", tenant: "Tenant") -> "Generator[Browser]":
    """Of the tenant's administrator."""
    with Browser(edge) as browser:
        browser.http.cookies.set("watchword-console", tenant.admin.token)
        yield browser


@pytest.fixture(scope="module")
def operators(edge: "Edge", operator: "Operator") -> "Generator[Browser]":
    with Browser(edge) as browser:
        browser.http.cookies.set("watchword-console", operator.new_operator().token)
        yield browser


def path_of(tenant: "Tenant") -> str:
    return f"/console/tenants/{tenant.id}"


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


@pytest.mark.parametrize(("span", "bars"), [("day", 24), ("week", 28)])
def test_what_was_done_is_drawn_and_told_as_a_table(
    browser: Browser, tenant: "Tenant", span: str, bars: int
) -> None:
    for number in range(3):
        tenant.submit(f"555 01{number:02}")
    tenant.submit("555 0100")
    tenant.fetch("555 0101")
    tenant.fetch("555 0199")
    path = f"{path_of(tenant)}/usage?span={span}"
    wait_until(lambda: "Submits: 3" in browser.show(path).text, within=10)  # written every few seconds
    page = browser.show(path)
    for told in ("Fetches: 1", "Conflicts: 1", "Gone: 1"):
        assert told in page.text
    assert sum(tag == "tr" for tag, _ in page.elements) == bars + 1
    assert sum(tag == "svg" for tag, _ in page.elements) == 4
    assert not [tag for tag, given in page.elements if "style" in given]


def test_who_fetched_what_is_found_by_the_number_which_is_in_no_address_and_no_page(
    browser: Browser, tenant: "Tenant"
) -> None:
    tenant.submit(NUMBER)
    tenant.fetch(NUMBER)
    tenant.submit("555 0100")
    path = f"{path_of(tenant)}/audit"
    found = browser.fill(path, pass_key="+447700900123")
    location = found.answer.headers["location"]
    assert parse_qs(urlsplit(location).query).keys() == {"subject"}
    page = browser.follow(found)
    assert ("got a passcode" in page.text, "fetched a passcode" in page.text) == (True, True)
    assert "dialer" in page.text
    assert sum(tag == "time" for tag, _ in page.elements) == 2
    for told in (location, page.answer.text, browser.show(path).answer.text):
        assert "7700900123" not in told


def test_events_are_filtered_by_kind_and_actor_and_time(browser: Browser, tenant: "Tenant") -> None:
    tenant.submit("555 0100")
    tenant.fetch("555 0100")
    browser.fill(f"{path_of(tenant)}/origins", origins="*")

    def exported(query: str) -> list[str]:
        return [row["kind"] for row in rows(browser.http.get(f"{path_of(tenant)}/audit.csv?{query}").text)]

    assert exported("kind=fetch&actor=&subject=&since=&until=") == ["fetch"]
    assert exported("actor=api-key:") == ["fetch"]
    assert exported("until=2020-01-01T00:00") == []
    assert {"submit", "fetch", "key-issue"} <= set(exported("since=2020-01-01T00:00"))
    page = browser.show(f"{path_of(tenant)}/audit?kind=fetch&since=2020-01-01T00:00")
    assert "fetched a passcode" in page.text
    assert page.named("since")["value"] == "2020-01-01T00:00"


@pytest.mark.parametrize(
    "query", ["kind=A", "actor=%00", "since=yesterday", "since=2020-99-01T00:00", "after=x", "subject=a%20b"]
)
def test_what_cannot_be_looked_for_is_refused(browser: Browser, tenant: "Tenant", query: str) -> None:
    for path in ("audit",) if query == "after=x" else ("audit", "audit.csv"):  # a file begins at the end
        assert browser.show(f"{path_of(tenant)}/{path}?{query}").status == 400


def test_earlier_events_are_on_further_pages_each_once(browser: Browser, tenant: "Tenant") -> None:
    for number in range(60):
        tenant.submit(f"555 1{number:03}")
    subjects: list[str] = []
    query = "kind=submit"
    while query:
        page = browser.show(f"{path_of(tenant)}/audit?{query}")
        subjects += [word for word in page.words if len(word) == 22 and " " not in word]
        following = [
            given["href"] or "" for tag, given in page.elements if tag == "a" and given.get("rel") == "next"
        ]
        query = urlsplit(following[0]).query if following else ""
    assert (len(subjects), len(set(subjects))) == (60, 60)


def test_a_file_is_one_and_begins_no_formula(browser: Browser, tenant: "Tenant") -> None:
    tenant.submit("555 0100")
    answer = browser.http.get(f"{path_of(tenant)}/audit.csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="audit.csv"'
    assert answer.headers["cache-control"] == "no-store"
    assert not [
        cell for row in rows(answer.text) for cell in row.values() if cell.startswith(("=", "+", "-", "@"))
    ]


def test_the_operators_journal_tells_who_did_what_and_of_no_passcodes(
    operators: Browser, browser: Browser, tenant: "Tenant"
) -> None:
    tenant.submit("555 0100")
    path = f"/console/operator/tenants/{tenant.id}"
    operators.fill(path, f"{path}/state", state="suspended")
    told = rows(operators.http.get(f"/console/operator/audit.csv?subject=tenant:{tenant.id}").text)
    assert (told[0]["kind"], told[0]["name"], told[0]["detail"]) == ("tenant-state", "you", "suspended")
    assert told[0]["actor"].startswith("admin:")
    kinds = {row["kind"] for row in rows(operators.http.get("/console/operator/audit.csv").text)}
    assert {"sign-in", "promote"} <= kinds
    assert not kinds & {"submit", "fetch", "conflict"}
    assert "changed the state" in operators.show("/console/operator/audit").text
    assert browser.show("/console/operator/audit.csv").status == 404


def test_log_ins_and_changed_passwords_are_told(edge: "Edge") -> None:
    with Browser(edge) as browser:
        email = browser.sign_up()
        path = browser.create_tenant()
        browser.log_in(email, "wrong")
        browser.fill("/console/password", current=PASSWORD, password="another one", again="another one")
        text = browser.show(f"{path}/audit").text
    for deed in (
        "signed up",
        "logged in",
        "was refused at the log-in",
        "changed a password",
        "created the tenant",
    ):
        assert deed in text
