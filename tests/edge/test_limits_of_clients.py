"""Rate limits of clients and of token endpoints: told with every answer, one over all workers, and kept apart."""

from dataclasses import replace
from typing import TYPE_CHECKING

import httpx
import pytest

from edge.scopes import SCOPES
from engine.policies import ChallengePolicy
from tests.edge.apps import PHONE, POLICY, App, code_operation, new_app
from tests.edge.program import NO_LIMITS, Edge
from tests.edge.stored import names, nothing_new
from tests.edge.tenants import Admin, Operator, Tenant, fresh
from tests.edge.workers import client_of_each_worker
from tests.engine.kinds import ServerKind
from tests.engine.servers import leaks

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

# Quotas small enough to use up, a window long enough not to see its end.
CALLS, TOKENS, WINDOW_S = 6, 4, 3600
LIMITS = {"call_limit_per_client": f"{CALLS}/{WINDOW_S}", "token_limit_per_address": f"{TOKENS}/{WINDOW_S}"}
FACTORS = "/authenticator/v0.1/factors"
TOKEN = "/oauth2/v1/token"
FORM = {"grant_type": "client_credentials", "scope": "authenticator"}


@pytest.fixture(scope="module")
def edge(server_kind: ServerKind) -> "Generator[Edge]":
    """Behind a proxy of ours on this machine: a client is whoever it says."""
    with (
        server_kind.start() as redis,
        Edge(redis, **NO_LIMITS | LIMITS, trusted_proxies="127.0.0.0/8") as edge,
    ):
        yield edge
        assert not leaks(redis.admin)


@pytest.fixture(scope="module")
def operator(edge: Edge) -> "Generator[Operator]":
    with Operator(edge) as operator:
        yield operator


@pytest.fixture(scope="module")
def http(edge: Edge) -> "Generator[httpx.Client]":
    with httpx.Client(base_url=edge.url) as client:
        yield client


@pytest.fixture(scope="module")
def admin(operator: Operator) -> Admin:
    return operator.new_admin()


@pytest.fixture
def app(operator: Operator, tenant: Tenant) -> App:
    return new_app(operator, tenant)


@pytest.fixture
def source() -> dict[str, str]:
    """A client address that no other test uses."""
    number = int(fresh("address").split()[1])
    return {"x-forwarded-for": f"198.18.{number // 250}.{number % 250 + 1}"}


def standing(answer: httpx.Response) -> tuple[int, int, int]:
    """What an answer says of its client: limit, remaining, reset."""
    headers = answer.headers
    limit, remaining, reset = (int(headers[f"x-ratelimit-{name}"]) for name in ("limit", "remaining", "reset"))
    return limit, remaining, reset


def assert_is_refusal(answer: httpx.Response) -> None:
    assert (answer.status_code, answer.headers["content-type"]) == (429, "application/problem+json")
    assert answer.json()["type"].endswith("/errors#too_many_requests")
    limit, remaining, reset = standing(answer)
    assert (limit, remaining) == (CALLS, 0)
    assert WINDOW_S - 60 < reset <= WINDOW_S
    assert 0 < int(answer.headers["retry-after"]) <= WINDOW_S / CALLS


def use_up(app: App) -> None:
    for _ in range(CALLS):
        assert app.get(FACTORS).status_code == 200


def test_every_answer_to_a_known_client_says_where_it_stands(edge: Edge, app: App) -> None:
    factor = f"{FACTORS}/{app.tenant.id}"
    body = {"phone_number": PHONE, "external_user_id": "bob"}
    too_large = {"phone_number": "1" * 20_000}
    answers = [
        app.post(FACTORS, body),
        app.post(FACTORS, body),
        app.get(factor),
        app.get(app.project),
        app.post(FACTORS, too_large),
        app.patch(f"{factor}/challenges/{app.tenant.id}", code_operation("123456")),
    ]
    assert [answer.status_code for answer in answers] == [201, 400, 404, 200, 413, 404]
    expected = [(CALLS, CALLS - number, number * WINDOW_S // CALLS) for number in range(1, CALLS + 1)]
    told = [standing(answer) for answer in answers]
    assert [one[:2] for one in told] == [one[:2] for one in expected]
    assert all(one[2] - 60 < given[2] <= one[2] for one, given in zip(expected, told, strict=True))
    with nothing_new(edge.redis):
        assert_is_refusal(app.post(FACTORS, body | {"external_user_id": "carol"}))
        assert_is_refusal(app.get(FACTORS))
        assert_is_refusal(app.patch(app.project, {"op": "remove", "path": "/configuration"}))


def test_whoever_is_not_known_has_no_limit_to_be_told(app: App) -> None:
    for headers in ({}, {"authorization": f"Bearer {app.token}x"}):
        answer = app.http.get(FACTORS, headers=headers)
        assert answer.status_code == 401
        assert "x-ratelimit-limit" not in answer.headers


def test_a_limit_is_one_over_all_workers(edge: Edge, app: App) -> None:
    with client_of_each_worker(edge) as clients:
        answers = [app.through(client).get(FACTORS) for client in clients * CALLS]
    assert [answer.status_code for answer in answers] == [200] * CALLS + [429] * CALLS
    assert [standing(answer)[1] for answer in answers] == [*range(CALLS)][::-1] + [0] * CALLS


def test_a_limit_is_of_a_client_and_not_of_its_tenant_nor_of_its_token(
    operator: Operator, new_tenant: "Callable[..., Tenant]", app: App, source: dict[str, str]
) -> None:
    use_up(app)
    assert_is_refusal(app.get(FACTORS))
    renewed = app.http.post(TOKEN, data=FORM, headers=app.basic | source).json()["access_token"]
    assert_is_refusal(replace(app, token=renewed).get(FACTORS))

    second = operator.run(lambda engine: engine.clients.create(app.tenant.id, name="second", scopes=SCOPES))
    other = replace(app, credentials=second)
    token = app.http.post(TOKEN, data=FORM, headers=other.basic | source).json()["access_token"]
    assert standing(replace(other, token=token).get(FACTORS))[1] == CALLS - 1
    assert standing(new_app(operator, new_tenant()).get(FACTORS))[1] == CALLS - 1


def test_a_locked_factor_is_said_with_its_own_wait_and_where_the_client_stands(
    operator: Operator, new_tenant: "Callable[..., Tenant]"
) -> None:
    app = new_app(operator, new_tenant(), policy=ChallengePolicy(lock_after=1, totp=POLICY.totp))
    factor = app.active_factor()
    challenge = app.challenge(factor)
    assert app.answer(challenge, factor.wrong_code).json()["status"] == "FAILED"
    locked = app.post(f"{factor.path}/challenges")
    assert (locked.status_code, standing(locked)[:2]) == (429, (CALLS, CALLS - 5))
    assert locked.json()["type"].endswith("/errors#too_many_requests")
    assert 25 <= int(locked.headers["retry-after"]) <= 30


def asks_for_token(app: App, source: dict[str, str], **form: str) -> httpx.Response:
    return app.http.post(TOKEN, data=FORM | form, headers=app.basic | source)


def test_tokens_for_an_address_are_limited_whoever_asks_and_with_whatever_secret(
    edge: Edge, operator: Operator, new_tenant: "Callable[..., Tenant]", app: App, source: dict[str, str]
) -> None:
    other = new_app(operator, new_tenant())
    wrong = replace(app, credentials=app.credentials._replace(secret="wrong"))
    answers = [
        asks_for_token(app, source),
        asks_for_token(wrong, source),
        asks_for_token(other, source),
        asks_for_token(app, source, scope="unknown"),
    ]
    assert [answer.status_code for answer in answers] == [200, 401, 200, 400]
    kept = names(edge.redis, "token")
    for refused in (asks_for_token(app, source), asks_for_token(wrong, source), asks_for_token(other, source)):
        assert refused.status_code == 429
        assert refused.headers["content-type"] == "application/json"
        assert set(refused.json()) == {"error", "error_description"}
        assert 0 < int(refused.headers["retry-after"]) <= WINDOW_S / TOKENS
    assert names(edge.redis, "token") == kept
    assert asks_for_token(app, {"x-forwarded-for": "203.0.113.7"}).status_code == 200


def test_the_limit_of_token_endpoints_is_one_over_all_workers(
    edge: Edge, app: App, source: dict[str, str]
) -> None:
    with client_of_each_worker(edge) as clients:
        answers = [asks_for_token(app.through(client), source) for client in clients * TOKENS]
    assert [answer.status_code for answer in answers] == [200] * TOKENS + [429] * TOKENS
