"""The console over real HTTP, without a script: log-in, tenants, API keys, settings, the password."""

from typing import TYPE_CHECKING

import httpx
import pytest

from tests.edge.consoles import PROBE, SAME_SITE, Browser
from tests.edge.tenants import PASSWORD, Tenant, fresh

if TYPE_CHECKING:
    from collections.abc import Generator

    from tests.edge.program import Edge
    from tests.edge.tenants import Operator


@pytest.fixture
def browser(edge: "Edge") -> "Generator[Browser]":
    """Of somebody who has just signed up."""
    with Browser(edge) as browser:
        browser.sign_up()
        yield browser


@pytest.fixture
def stranger(edge: "Edge") -> "Generator[Browser]":
    with Browser(edge) as browser:
        browser.sign_up()
        yield browser


@pytest.fixture
def nobody(edge: "Edge") -> "Generator[Browser]":
    with Browser(edge) as browser:
        yield browser


@pytest.fixture
def active(browser: Browser, operator: "Operator") -> str:
    """The path of an active tenant of the browser's."""
    path = browser.create_tenant()
    activate(operator, path)
    return path


def activate(operator: "Operator", path: str) -> None:
    operator.activate(path.rpartition("/")[2])


# Who is who


def test_who_signs_up_is_logged_in_and_greeted_by_name(browser: Browser) -> None:
    home = browser.show("/console")
    assert (home.status, "Ada Lovelace" in home.text) == (200, True)


def test_the_cookie_is_for_this_host_no_script_and_no_other_site(nobody: Browser) -> None:
    email = nobody.sign_up()
    cookie = nobody.log_in(email).answer.headers["set-cookie"]
    assert cookie.endswith("; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict")
    assert cookie.startswith("watchword-console=")


def test_who_is_not_logged_in_is_shown_the_log_in_and_nothing_else(nobody: Browser) -> None:
    for path in ("/console", "/console/password", "/console/operator", "/console/tenants/x/origins"):
        page = nobody.show(path)
        assert page.status == 401
        assert [form.action for form in page.forms] == ["/console/log-in"]


def test_a_wrong_password_and_an_unknown_address_are_one_page(nobody: Browser) -> None:
    email = nobody.sign_up()
    unknown = email.replace("console", "consolx")
    pages = [nobody.log_in(address, "wrong") for address in (email, unknown)]
    assert [page.status for page in pages] == [401, 401]
    assert pages[0].answer.text == pages[1].answer.text.replace(unknown, email)
    assert "set-cookie" not in pages[0].answer.headers


def test_a_log_in_keeps_the_address_and_never_the_password(nobody: Browser) -> None:
    page = nobody.log_in("ada@example.com", "a secret of mine")
    assert page.form("/console/log-in").fields == {"email": "ada@example.com", "password": ""}
    assert "a secret of mine" not in page.answer.text


def test_what_is_wrong_with_a_sign_up_is_said_at_its_fields(nobody: Browser) -> None:
    page = nobody.fill("/console/sign-up", name="<b>", email="nobody", password="short")
    assert (page.status, page.errors()) == (400, ["name", "email", "password"])
    page = nobody.fill("/console/sign-up", name="", email="", password="")
    assert page.errors() == ["email", "name", "password"]


def test_a_taken_address_is_said_at_its_field(nobody: Browser) -> None:
    email = nobody.sign_up()
    page = nobody.fill("/console/sign-up", name="Eve", email=email.upper(), password=PASSWORD)
    assert (page.status, page.errors()) == (409, ["email"])


def test_a_log_out_ends_the_session_everywhere(browser: Browser, nobody: Browser) -> None:
    token = browser.token
    assert token is not None
    page = browser.fill("/console", "/console/log-out")
    assert page.answer.headers["set-cookie"].startswith("watchword-console=; Path=/; Max-Age=0; ")
    assert browser.token is None
    nobody.http.cookies.set("watchword-console", token)
    assert nobody.show("/console").status == 401
    bearer = {"authorization": f"Bearer {token}"}
    assert nobody.http.post("/api/v2/tenant", json={"tenant_name": "x"}, headers=bearer).status_code == 401


def test_two_cookies_of_one_name_are_none(browser: Browser, nobody: Browser) -> None:
    cookie = {"cookie": f"watchword-console={browser.token}; watchword-console=other"}
    assert nobody.http.get("/console", headers=cookie).status_code == 401


def test_a_changed_password_ends_all_other_sessions_and_keeps_this_one(nobody: Browser, edge: "Edge") -> None:
    email = nobody.sign_up()
    with Browser(edge) as other:
        other.log_in(email)
        assert other.show("/console").status == 200
        page = nobody.fill("/console/password", current=PASSWORD, password="another one", again="another one")
        assert "All other sessions have ended" in nobody.follow(page).text
        assert nobody.show("/console").status == 200
        assert other.show("/console").status == 401
        assert other.log_in(email).status == 401
        assert other.log_in(email, "another one").status == 303


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"current": "wrong", "password": "another one", "again": "another one"}, "current"),
        ({"current": PASSWORD, "password": "another one", "again": "another two"}, "again"),
        ({"current": PASSWORD, "password": "short", "again": "short"}, "password"),
    ],
)
def test_a_password_is_not_changed_by_mistake(browser: Browser, fields: dict[str, str], wrong: str) -> None:
    page = browser.fill("/console/password", **fields)
    assert (page.status, page.errors()) == (400, [wrong])
    assert "another" not in page.answer.text
    assert browser.show("/console").status == 200


# Tenants


def test_a_new_tenant_is_listed_and_waits_for_the_operator(browser: Browser) -> None:
    name = fresh("Ärzte & Söhne <GmbH>")
    path = browser.create_tenant(name)
    for page in (browser.show(path), browser.show("/console")):
        assert name in page.text
        assert "inactive" in page.text
    page = browser.fill(path, sure="yes")
    assert (page.status, "not activated" in page.text) == (403, True)


def test_a_taken_name_is_said_at_its_field_and_kept(browser: Browser) -> None:
    name = fresh("console tenant")
    browser.create_tenant(name)
    page = browser.fill("/console", tenant_name=name.upper())
    assert (page.status, page.errors()) == (409, ["tenant_name"])
    assert page.form("/console").fields == {"tenant_name": name.upper()}


def test_tenants_of_others_are_not_listed_and_look_like_none(browser: Browser, stranger: Browser) -> None:
    name = fresh("console tenant")
    path = browser.create_tenant(name)
    assert name not in stranger.show("/console").text
    unknown = path[:-12] + "0" * 12
    for part in ("", "/passcodes", "/origins", "/agents"):
        theirs, nobodys = stranger.show(path + part), stranger.show(unknown + part)
        assert (theirs.status, theirs.answer.text) == (404, nobodys.answer.text)


def test_a_tenant_of_another_cannot_be_changed(browser: Browser, stranger: Browser, active: str) -> None:
    forms = {
        "": {"sure": "yes"},
        "/passcodes": {
            "mode": "manual",
            "alphabet": "numeric",
            "length": "9",
            "expires_s": "99",
            "max_fetches": "1",
        },
        "/origins": {"origins": "*"},
    }
    before = [browser.show(active + part).answer.text for part in ("", "/origins")]
    for part, fields in forms.items():
        assert stranger.send(active + part, fields).status == 404
    assert [browser.show(active + part).answer.text for part in ("", "/origins")] == before


def test_a_new_api_key_is_shown_once_works_and_ends_the_earlier_one(
    browser: Browser, active: str, http: "httpx.Client"
) -> None:
    tenant_id = active.rpartition("/")[2]

    def fetches(api_key: str) -> int:
        path = f"/api/v2/{tenant_id}/identity/passcode/1"
        return http.get(path, headers={"x-api-key": api_key}).status_code

    first, second = (browser.fill(active, sure="yes") for _ in range(2))
    keys = [next(word for word in page.text.split() if word.startswith("wwk")) for page in (first, second)]
    assert [fetches(api_key) for api_key in keys] == [401, 410]
    assert keys[1] not in browser.show(active).answer.text
    assert first.answer.headers["cache-control"] == "no-store"


def test_a_reload_of_the_page_with_the_key_does_not_replace_it_again(browser: Browser, active: str) -> None:
    form = browser.show(active).form(active)
    fields = form.fields | {"sure": "yes"}
    first, again = browser.send(active, fields), browser.send(active, fields)
    assert (first.status, again.status) == (200, 409)
    assert "wwk" not in again.text


def test_a_key_is_not_replaced_before_it_is_said_to_be_meant(browser: Browser, active: str) -> None:
    page = browser.fill(active)
    assert (page.status, page.errors()) == (400, ["sure"])
    assert "wwk" not in page.text


# Passcodes and origins


def test_a_preview_shows_what_would_be_and_saves_nothing(browser: Browser, active: str) -> None:
    path = f"{active}/passcodes"
    fields = {"mode": "system", "alphabet": "alphabets", "length": "12", "expires_s": "5400", "max_fetches": "3"}
    page = browser.fill(path, step="preview", **fields)
    assert page.status == 200
    assert "not saved yet" in page.text
    assert "It lives for 1 hour 30 minutes , and can be fetched 3 times" in page.text
    assert [word for word in page.words if len(word) == 12 and word.isupper() and word.isalpha()]
    assert page.form(path).fields | fields == page.form(path).fields
    assert browser.show(path).form(path).fields["length"] == "6"


def test_saved_passcodes_look_like_that_to_customers(browser: Browser, active: str, http: "httpx.Client") -> None:
    fields = {"mode": "system", "alphabet": "alphabets", "length": "12", "expires_s": "90", "max_fetches": "0"}
    page = browser.follow(browser.fill(f"{active}/passcodes", step="save", **fields))
    assert "Saved" in page.text
    assert page.form(f"{active}/passcodes").fields == fields
    submit = f"/api/v2/{active.rpartition('/')[2]}/identity/passcode"
    told = http.post(submit, json={"pass_key": "1"}).json()["data"]["pass_phrase"]
    assert (len(told), told.isalpha()) == (12, True)


def test_a_preview_of_the_customers_own_passcode_says_its_rules(browser: Browser, active: str) -> None:
    page = browser.fill(f"{active}/passcodes", mode="manual", length="8", step="preview")
    assert "The customer chooses 3 to 8 digits" in page.text


def test_passcodes_out_of_bounds_are_said_at_their_fields(browser: Browser, active: str) -> None:
    wrong = {"mode": "nobody", "alphabet": "", "length": "3", "expires_s": "ages", "max_fetches": "-1"}
    page = browser.send(f"{active}/passcodes", wrong)
    assert page.status == 400
    assert sorted(page.errors()) == ["alphabet", "expires_s", "length", "max_fetches", "mode"]


def test_saved_origins_are_those_that_may_use_the_tenant(
    browser: Browser, active: str, http: "httpx.Client"
) -> None:
    page = browser.fill(f"{active}/origins", origins="HTTPS://Shop.example:443\r\n\r\nhttp://localhost:3000")
    shown = browser.follow(page).form(f"{active}/origins").fields["origins"]
    assert shown == "https://shop.example\nhttp://localhost:3000"
    config = f"/api/v2/{active.rpartition('/')[2]}/identity/passcode/config"
    told = {
        origin: http.get(config, headers={"origin": origin}).status_code
        for origin in ("https://shop.example", "http://localhost:3000", "https://evil.example")
    }
    assert list(told.values()) == [200, 200, 403]


@pytest.mark.parametrize(
    "origins", ["https://a.example/path", "* https://a.example", "a.example", "https://a.example:99999"]
)
def test_what_is_no_origin_is_said_and_kept_in_the_form(browser: Browser, active: str, origins: str) -> None:
    page = browser.fill(f"{active}/origins", origins=origins)
    assert (page.status, page.errors()) == (400, ["origins"])
    assert page.form(f"{active}/origins").fields["origins"] == origins


def test_no_origins_at_all_close_the_tenant_to_web_pages(browser: Browser, active: str) -> None:
    assert "Saved" in browser.follow(browser.fill(f"{active}/origins", origins="")).text


# Agents


def agent_logs_in(http: "httpx.Client", tenant: str, email: str, password: str) -> int:
    path = f"/agent-api/{tenant.rpartition('/')[2]}/session"
    body = {"email": email, "password": password}
    return http.post(path, json=body, headers=SAME_SITE).status_code


def test_an_agent_gets_a_password_a_new_one_and_an_end(browser: Browser, active: str, edge: "Edge") -> None:
    path, email = f"{active}/agents", "ann@example.com"
    assert "There is none yet" in browser.show(path).text
    made = browser.fill(path, name="Ann O'Hara", email=email)
    passwords = [word for word in made.words if len(word) == 20 and word.isalnum()]
    with httpx.Client(base_url=edge.url) as http:
        assert agent_logs_in(http, active, email, passwords[0]) == 204
        assert "Ann O'Hara" in browser.show(path).text
        assert browser.fill(path, name="Ann", email=email.upper()).errors() == ["email"]

        again = browser.send(f"{path}/password", {"email": email})
        passwords += [word for word in again.words if len(word) == 20 and word.isalnum()]
        assert [agent_logs_in(http, active, email, password) for password in passwords] == [401, 204]
        assert passwords[1] not in browser.show(path).answer.text

        assert "There is none yet" in browser.follow(browser.send(f"{path}/end", {"email": email})).text
        assert agent_logs_in(http, active, email, passwords[1]) == 401
    assert browser.send(f"{path}/end", {"email": email}).status == 404


def test_a_tenant_that_is_not_active_gets_no_agents(browser: Browser) -> None:
    path = browser.create_tenant()
    page = browser.fill(f"{path}/agents", name="Ann", email="ann@example.com")
    assert (page.status, "not activated" in page.text) == (403, True)
    assert "There is none yet" in browser.show(f"{path}/agents").text


# What nobody means well with


def test_nothing_that_is_filled_in_comes_back_as_markup(
    browser: Browser, nobody: Browser, active: str, operator: "Operator"
) -> None:
    """In every field that is shown again, after a refusal and after it was stored."""
    name = fresh(PROBE)
    path = browser.create_tenant(name)
    activate(operator, path)
    pages = [
        browser.show("/console"),
        *(browser.show(path + part) for part in ("", "/passcodes", "/origins", "/agents")),
        browser.fill(f"{path}/agents", name=PROBE, email=PROBE),
        browser.fill(f"{path}/agents", name="Ann", email='"<img>"@example.com'),
        browser.show(f"{path}/agents"),
        browser.fill(path, sure="yes"),
        browser.fill("/console", tenant_name=name),
        browser.fill(f"{path}/origins", origins=PROBE),
        browser.fill(path, sure=PROBE, instead_of=PROBE),
        browser.send(f"{path}/passcodes", dict.fromkeys(("mode", "alphabet", "length", "expires_s"), PROBE)),
        browser.send(f"{path}/passcodes", {"step": PROBE, "length": PROBE}),
        browser.fill("/console/password", current=PROBE, password=PROBE, again="x"),
        nobody.log_in(PROBE, PROBE),
        nobody.fill("/console/sign-up", name=PROBE, email=PROBE, password=PROBE),
        browser.show(f"/console/tenants/{PROBE.replace('/', '')}"),
    ]
    for page in pages:
        assert "<script>" not in page.answer.text
        assert "<img" not in page.answer.text
        assert "49" not in page.text.replace(path.rpartition("/")[2], "").replace(active, "") or "7*7" in page.text
        assert not [given for _, given in page.elements if any(name.startswith("on") for name in given)]


@pytest.mark.parametrize("path", ["/console", "/console/log-in", "/console/nothing"])
def test_a_page_keeps_to_itself(browser: Browser, path: str) -> None:
    headers = browser.show(path).answer.headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["x-content-type-options"] == "nosniff"
    assert "access-control-allow-origin" not in headers


def test_a_tenant_that_names_its_pages_can_be_managed_from_the_console(browser: Browser, active: str) -> None:
    """The console is no page of the tenant's: what it allows is for customers and agents."""
    browser.fill(f"{active}/origins", origins="https://shop.example")
    own = {"origin": str(browser.http.base_url).rstrip("/"), **SAME_SITE}
    page = browser.send(f"{active}/origins", {"origins": "*"}, own)
    assert page.status == 303


def test_an_api_key_is_no_session(tenant: Tenant, nobody: Browser) -> None:
    nobody.http.cookies.set("watchword-console", tenant.api_key)
    assert nobody.show("/console").status == 401
