"""Agents over HTTP: a session in a cookie, for pages of the edge only, and good for fetching only."""

from typing import TYPE_CHECKING

import httpx
import pytest

from engine.tenants import Scope, State
from tests.edge.agents import COOKIE, OWN_PAGE, Agent, new_agent, token_of
from tests.edge.program import NO_LIMITS, Edge
from tests.edge.sockets import Swarm
from tests.edge.stored import nothing_new

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.edge.tenants import Operator, Tenant

NUMBER = "+1 555 010 2030"


@pytest.fixture
def agent(operator: "Operator", tenant: "Tenant") -> Agent:
    return new_agent(operator, tenant).signed_in()


def passcode_of(tenant: "Tenant", pass_key: str = NUMBER) -> str:
    return tenant.submit(pass_key).json()["data"]["pass_phrase"]


def test_an_agent_signs_in_fetches_once_and_signs_out(agent: Agent, tenant: "Tenant") -> None:
    assert agent.who() == {"name": "Ann", "email": agent.email}
    passcode = passcode_of(tenant)
    found = agent.fetch("15550102030").json()
    assert found["pass_phrase"] == passcode
    assert 50_000 < found["left_ms"] <= 60_000
    assert agent.fetch("15550102030").status_code == 410
    assert agent.sign_out().status_code == 204
    assert (agent.fetch("15550102030").status_code, agent.who()) == (401, None)


def test_the_cookie_is_for_calls_of_this_tenants_page_and_for_no_script(agent: Agent) -> None:
    (cookie,) = agent.sign_in().headers.get_list("set-cookie")
    _, *attributes = cookie.split("; ")
    assert attributes == [f"Path={agent.path}", "Max-Age=43200", "HttpOnly", "SameSite=Strict"]
    assert "=; " in agent.sign_out().headers["set-cookie"]


def test_where_the_edge_is_reached_by_tls_the_cookie_is_for_tls_only(edge: Edge, agent: Agent) -> None:
    own = NO_LIMITS | {"courier": "off", "keys": edge.keys, "public_url": "https://edge.example", "workers": 1}
    with Edge(edge.redis, **own) as behind, httpx.Client(base_url=behind.url) as client:
        assert agent.at(client).sign_in().headers["set-cookie"].endswith("; Secure")


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
        {"sec-fetch-site": ""},
        {"sec-fetch-site": "cross-site", "origin": "{own}"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://["},
        {"origin": ""},
        {"referer": "{own}/agent"},
        {},
    ],
    ids=str,
)
def test_what_another_page_asks_for_is_refused_and_changes_nothing(
    edge: Edge, agent: Agent, tenant: "Tenant", headers: "dict[str, str]"
) -> None:
    passcode = passcode_of(tenant)
    sent = {name: value.replace("{own}", edge.url) for name, value in headers.items()}
    sent |= {"cookie": f"{COOKIE}={agent.token}"}
    credentials = {"email": agent.email, "password": agent.password}
    with nothing_new(edge.redis):
        for method, path, body in (
            ("POST", "session", credentials),
            ("DELETE", "session", None),
            ("POST", "passcode", {"pass_key": NUMBER}),
        ):
            answer = tenant.http.request(method, f"{agent.path}/{path}", json=body, headers=sent)
            assert answer.status_code == 403
            assert "set-cookie" not in answer.headers
            assert "access-control-allow-origin" not in answer.headers
    assert agent.fetch(NUMBER).json()["pass_phrase"] == passcode


def test_a_browser_that_says_nothing_of_sites_says_its_origin(edge: Edge, agent: Agent, tenant: "Tenant") -> None:
    passcode = passcode_of(tenant)
    headers = {"origin": edge.url, "cookie": f"{COOKIE}={agent.token}"}
    answer = tenant.http.post(f"{agent.path}/passcode", json={"pass_key": NUMBER}, headers=headers)
    assert answer.json()["pass_phrase"] == passcode


def test_a_session_is_good_for_nothing_but_fetching(edge: Edge, agent: Agent, tenant: "Tenant") -> None:
    details: dict[str, object] = {"tenant_config_details": {"pass_phrase": "system"}}
    calls: list[tuple[str, str, dict[str, object] | None]] = [
        ("PUT", f"{tenant.path}/config", details),
        ("POST", f"/api/v2/tenant/{tenant.id}/api_key/refresh", {}),
        ("POST", "/api/v2/tenant", {"tenant_name": "Mine"}),
        ("GET", tenant.fetch_path(NUMBER), None),
        ("GET", f"{tenant.path}/config", None),
    ]
    with nothing_new(edge.redis):
        for method, path, body in calls:
            for headers in ({"authorization": f"Bearer {agent.token}"}, {"x-api-key": agent.token}):
                if method == "GET" and path.endswith("config") and "x-api-key" in headers:
                    continue  # anybody may read that
                answer = tenant.http.request(method, path, json=body, headers=agent.headers | headers)
                assert answer.status_code == 401, path


@pytest.mark.parametrize("scopes", [(Scope.FETCH,), (Scope.MANAGE,)])
def test_other_credentials_are_no_session(
    operator: "Operator", agent: Agent, tenant: "Tenant", scopes: "tuple[Scope, ...]"
) -> None:
    for token in (operator.issue_api_key(tenant, scopes=scopes), tenant.admin.token, "", "x", agent.token[:-1]):
        assert agent.at(tenant.http, token=token).fetch(NUMBER).status_code == 401
    for headers in (tenant.key_header, tenant.bearer):
        answer = tenant.http.post(f"{agent.path}/passcode", json={"pass_key": NUMBER}, headers=OWN_PAGE | headers)
        assert answer.status_code == 401


def test_of_two_cookies_of_the_name_neither_counts(agent: Agent) -> None:
    """A neighbouring host may have set one of them."""
    twice = {"cookie": f"{COOKIE}={agent.token}; {COOKIE}={agent.token}"}
    assert agent.fetch(NUMBER, headers=twice).status_code == 401


def test_one_tenants_agents_are_nobody_in_another(
    edge: Edge, operator: "Operator", agent: Agent, new_tenant: "Callable[[], Tenant]"
) -> None:
    """With a session, and with e-mail address and password too."""
    other = new_tenant()
    passcode = passcode_of(other)
    elsewhere = Agent(other, agent.email, agent.password, agent.http, agent.token)
    with nothing_new(edge.redis):
        assert elsewhere.fetch(NUMBER).status_code == 401
        assert elsewhere.who() is None
        assert elsewhere.sign_out().status_code == 204
        assert elsewhere.at(agent.http, token="").sign_in().status_code == 401
    assert agent.who() is not None
    assert new_agent(operator, other).signed_in().fetch(NUMBER).json()["pass_phrase"] == passcode


def test_who_is_unknown_and_who_errs_are_told_the_same(operator: "Operator", tenant: "Tenant") -> None:
    agent = new_agent(operator, tenant)
    told = [agent.sign_in("wrong"), agent.sign_in(email="nobody@example.com"), agent.sign_in("\0")]
    assert {answer.status_code for answer in told} == {401}
    assert len({answer.content for answer in told}) == 1
    assert not [answer for answer in told if "set-cookie" in answer.headers]


@pytest.mark.parametrize("state", [State.SUSPENDED, State.INACTIVE])
def test_agents_of_a_tenant_that_is_not_active_get_nothing(
    operator: "Operator", agent: Agent, tenant: "Tenant", state: State
) -> None:
    passcode_of(tenant)
    operator.change(tenant, state=state)
    assert [agent.fetch(NUMBER).status_code, agent.sign_in().status_code] == [403, 403]
    assert tenant.http.get(f"/agent/{tenant.id}").status_code == 403
    operator.change(tenant, state=State.ACTIVE)
    assert agent.fetch(NUMBER).status_code == 200


def test_a_new_password_and_a_deletion_end_sessions_with_the_next_request_of_every_worker(
    operator: "Operator", tenant: "Tenant", each_worker: "list[httpx.Client]"
) -> None:
    for end in ("reset_password", "delete"):
        agent = new_agent(operator, tenant).signed_in()
        assert [agent.at(client).fetch(NUMBER).status_code for client in each_worker] == [410] * len(each_worker)
        operator.run(
            lambda engine, end=end, agent=agent: getattr(engine.agents, end)(tenant.id, email=agent.email)
        )
        assert [agent.at(client).fetch(NUMBER).status_code for client in each_worker] == [401] * len(each_worker)


def test_signing_in_anew_ends_the_session_of_before(agent: Agent) -> None:
    """Nobody is left signed in by a cookie that was theirs."""
    anew = agent.at(agent.http, token=token_of(agent.sign_in()))
    assert (agent.who(), anew.who()) == (None, {"name": "Ann", "email": agent.email})


def test_the_same_look_up_again_is_answered_again_to_the_same_agent(
    operator: "Operator", agent: Agent, tenant: "Tenant"
) -> None:
    passcode, key = passcode_of(tenant), {"idempotency-key": "look-up-1"}
    assert [agent.fetch(NUMBER, headers=key).json()["pass_phrase"] for _ in range(2)] == [passcode] * 2
    assert new_agent(operator, tenant).signed_in().fetch(NUMBER, headers=key).status_code == 410
    assert tenant.fetch(NUMBER, headers=key).status_code == 410


@pytest.mark.parametrize(
    "body", [{}, {"pass_key": ""}, {"pass_key": "x" * 65}, {"pass_key": "\0"}, [], "x"], ids=str
)
def test_a_look_up_of_nothing_is_refused(agent: Agent, body: object) -> None:
    answer = agent.http.post(f"{agent.path}/passcode", json=body, headers=agent.headers)
    assert answer.status_code == 400


def test_no_log_line_has_what_agents_send(edge: Edge, agent: Agent, tenant: "Tenant") -> None:
    passcode = passcode_of(tenant, "5550177")
    agent.fetch("5550177")
    agent.sign_in("a wrong password")
    log = edge.log.read_text()
    for secret in (passcode, "5550177", agent.token, agent.password, agent.email, "a wrong password"):
        assert secret not in log


def test_the_page_is_nobodys_frame_and_holds_no_session(agent: Agent, tenant: "Tenant") -> None:
    answer = tenant.http.get(f"/agent/{tenant.id}", headers=agent.headers)
    assert answer.status_code == 200
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"
    assert not [text for text in (agent.token, agent.email) if text in answer.text]
    assert f'<watchword-agent tenant="{tenant.id}"' in answer.text


def test_the_name_of_a_tenant_is_text_on_the_page(new_tenant: "Callable[..., Tenant]") -> None:
    tenant = new_tenant(name="<script>alert(1)</script>'\"")
    text = tenant.http.get(f"/agent/{tenant.id}").text
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text


@pytest.mark.anyio
@pytest.mark.every_server
async def test_of_many_agents_and_dialers_at_once_one_gets_the_passcode(
    edge: Edge, operator: "Operator", tenant: "Tenant"
) -> None:
    """By sessions and by API keys, over all workers. Dialers win more often: a session is looked at first."""
    agents = [new_agent(operator, tenant).signed_in() for _ in range(2)]
    async with Swarm(edge, 60) as swarm:
        for number in range(40):
            pass_key = f"44{number:08}"
            passcode = passcode_of(tenant, pass_key)
            by_agents = [agent.fetch_request(pass_key) for agent in agents] * 15
            by_key = [tenant.fetch_request(pass_key)] * 30
            mixed = [one for pair in zip(by_key, by_agents, strict=True) for one in pair]
            answers = await swarm.ask(mixed if number % 2 else mixed[::-1])
            assert sorted(answer.status for answer in answers) == [200] + [410] * 59
            (won,) = [answer.json() for answer in answers if answer.status == 200]
            assert won["pass_phrase"] == passcode


def test_sign_ins_and_look_ups_are_limited(edge: Edge, operator: "Operator", tenant: "Tenant") -> None:
    limits = {
        "login_limit_per_email": "3/600",
        "login_limit_per_address": "5/600",
        "fetch_limit_per_agent": "2/60",
    }
    own = NO_LIMITS | limits | {"courier": "off", "keys": edge.keys}
    agent, other, third = (new_agent(operator, tenant) for _ in range(3))
    with Edge(edge.redis, **own) as limited, httpx.Client(base_url=limited.url) as client:
        signed_in = agent.at(client, token=token_of(agent.at(client).sign_in()))
        assert [signed_in.fetch(NUMBER).status_code for _ in range(3)] == [410, 410, 429]
        assert [agent.at(client).sign_in("wrong").status_code for _ in range(2)] == [401, 401]
        refused = agent.at(client).sign_in()  # the fourth of this agent: the right password too
        assert (refused.status_code, refused.headers["retry-after"].isdecimal()) == (429, True)
        assert other.at(client).sign_in().status_code == 204  # of another one
        assert third.at(client).sign_in().status_code == 429  # of this address
