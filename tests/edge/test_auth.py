"""Who may do what, and from when on no longer: what is revoked is refused on the next request, everywhere."""

from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

import pytest

from engine.tenants import State
from engine.tokens import Kind, mint
from tests.edge.sockets import Answer, ask, request
from tests.edge.stored import names
from tests.edge.tenants import PASSWORD, Operator, Tenant

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from tests.edge.program import Edge

ROUNDS = 10
CLOSE = ("connection", "close")
UNAUTHENTICATED = {"status": "Failed", "message": "Unauthenticated."}
INACTIVE = {"status": "Failed", "message": "The tenant is not active."}
OTHERS = {"status": "Failed", "message": "The tenant id is invalid."}
INVALID_CREDENTIALS = {"status": "Failed", "message": "Invalid credentials"}


class Call(NamedTuple):
    """A call that only an administrator may make; `refused` is what is said of another one's tenant."""

    method: str
    path: str
    refused: str = ""

    def by(self, edge: "Edge", tenant: Tenant, *headers: tuple[str, str]) -> Answer:
        body = None if self.method == "GET" else b'{"tenant_name":"x","tenant_config_details":{}}'
        return ask(edge, request(self.method, self.path.format(id=tenant.id), [CLOSE, *headers], body))


ADMIN_CALLS = [
    Call("POST", "/api/v2/tenant"),
    Call("POST", "/api/v2/tenant/{id}/api_key/refresh", "The tenant id is invalid."),
    Call("POST", "/api/v2/{id}/identity/passcode/config", "The selected tenant id is invalid."),
    Call("PUT", "/api/v2/{id}/identity/passcode/config", "The selected tenant id is invalid."),
    Call("GET", "/api/v2/{id}/identity/passcode/config", "The selected tenant id is invalid."),
]


def flipped(token: str) -> str:
    """With one character of its secret changed."""
    return token[:50] + ("A" if token[50] != "A" else "B") + token[51:]


def bad_tokens(tenant: Tenant) -> list[str]:
    session, api_key = tenant.admin.token, tenant.api_key
    never_issued = mint(Kind.SESSION, tenant.admin.id)
    return ["", "x", session[:-1], session + "0", flipped(session), session.upper(), api_key, never_issued, "ü"]


@pytest.mark.parametrize("call", ADMIN_CALLS, ids=str)
def test_without_a_good_token_an_administrator_is_nobody(edge: "Edge", tenant: Tenant, call: Call) -> None:
    values = [f"Bearer {token}" for token in bad_tokens(tenant)]
    values += ["Bearer", "", "Basic dXNlcjpwYXNz", tenant.admin.token, f"Token {tenant.admin.token}"]
    answers = [call.by(edge, tenant, ("authorization", value)) for value in values]
    if call.method != "GET":  # which a page may do
        answers.append(call.by(edge, tenant))
    for answer in answers:
        assert (answer.status, answer.json()) == (401, UNAUTHENTICATED)
        assert answer.headers["www-authenticate"] == "Bearer"


def test_the_scheme_of_a_token_is_said_in_any_case(tenant: Tenant) -> None:
    for scheme in ("bearer", "BEARER"):
        headers = {"authorization": f"{scheme} {tenant.admin.token}"}
        assert tenant.http.get(f"{tenant.path}/config", headers=headers).status_code == 200


def test_without_a_good_api_key_an_agent_is_nobody(tenant: Tenant) -> None:
    never_issued = mint(Kind.API_KEY, UUID(tenant.id).hex)
    key = tenant.api_key
    bad = ["", "x", key[:-1], key + "0", flipped(key), key.upper(), tenant.admin.token, never_issued]
    tenant.submit("23456")
    answers = [tenant.fetch("23456", headers={"x-api-key": text}) for text in bad]
    answers.append(tenant.http.get(tenant.fetch_path("23456")))
    answers.append(tenant.http.get(tenant.fetch_path("23456"), headers={"authorization": f"Bearer {key}"}))
    assert [(answer.status_code, answer.json()) for answer in answers] == [(401, UNAUTHENTICATED)] * len(answers)
    assert tenant.fetch("23456").status_code == 200


@pytest.mark.parametrize("call", ADMIN_CALLS[1:], ids=str)
def test_another_administrator_is_told_that_there_is_no_such_tenant(
    edge: "Edge", operator: Operator, tenant: Tenant, call: Call
) -> None:
    answer = call.by(edge, tenant, ("authorization", f"Bearer {operator.new_admin().token}"))
    assert (answer.status, answer.json()) == (400, {"errors": {"tenant_id": [call.refused]}})


def test_another_tenants_api_key_reads_nothing_and_uses_up_nothing(new_tenant: "Callable[..., Tenant]") -> None:
    tenant, other = new_tenant(), new_tenant()
    passcode = tenant.submit("23456").json()["data"]["pass_phrase"]
    answer = tenant.fetch("23456", headers=other.key_header)
    assert (answer.status_code, answer.json()) == (
        400,
        {"status": "Failed", "message": "The tenant id is invalid."},
    )
    assert other.fetch("23456").status_code == 410
    assert tenant.fetch("23456").json()["pass_phrase"] == passcode


def test_a_refreshed_api_key_ends_the_old_one_on_every_worker_at_once(
    tenant: Tenant, each_worker: list["httpx.Client"]
) -> None:
    """And what is refused uses up nothing."""
    for number in range(ROUNDS):
        workers = [tenant.through(client) for client in each_worker]
        assert [worker.fetch("unknown").status_code for worker in workers] == [410, 410]
        tenant.submit("23456")
        refreshing = each_worker[number % len(each_worker)]
        path = f"/api/v2/tenant/{tenant.id}/api_key/refresh"
        api_key = refreshing.post(path, headers=tenant.bearer).json()["api_key"]
        for worker in workers:
            old = worker.fetch("23456")
            assert (old.status_code, old.json()) == (401, UNAUTHENTICATED)
        new = [worker.fetch("23456", headers={"x-api-key": api_key}).status_code for worker in workers]
        assert new == [200, 410]
        tenant = Tenant(tenant.id, tenant.admin, api_key, tenant.http)


def test_a_suspended_tenant_is_refused_on_every_worker_at_once_and_so_it_returns(
    operator: Operator, tenant: Tenant, each_worker: list["httpx.Client"]
) -> None:
    workers = [tenant.through(client) for client in each_worker]
    for number in range(ROUNDS):
        operator.change(tenant, state=State.ACTIVE)
        keys = [f"{number}-{at}" for at in range(len(workers))]
        assert [worker.submit(key).status_code for worker, key in zip(workers, keys, strict=True)] == [200, 200]
        operator.change(tenant, state=State.SUSPENDED)
        for worker, key in zip(workers, keys, strict=True):
            config = worker.http.get(f"{tenant.path}/config")
            for answer in (worker.fetch(key), worker.submit(f"new {key}"), config):
                assert (answer.status_code, answer.json()) == (403, INACTIVE)
        operator.change(tenant, state=State.ACTIVE)
        assert [tenant.fetch(key).status_code for key in keys] == [200, 200]
        assert [tenant.fetch(f"new {key}").status_code for key in keys] == [410, 410]


def test_a_deleted_tenant_is_unknown_on_every_worker_at_once(
    operator: Operator, tenant: Tenant, each_worker: list["httpx.Client"]
) -> None:
    workers = [tenant.through(client) for client in each_worker]
    assert {worker.fetch("23456").status_code for worker in workers} == {410}
    operator.run(lambda engine: engine.tenants.delete(tenant.id))
    for worker in workers:
        assert (worker.fetch("23456").status_code, worker.submit("23456").status_code) == (401, 400)


def test_a_changed_configuration_is_in_force_on_every_worker_at_once(
    tenant: Tenant, each_worker: list["httpx.Client"]
) -> None:
    workers = [tenant.through(client) for client in each_worker]
    for length in range(4, 4 + ROUNDS):
        workers[length % len(workers)].configure(pass_phrase_length=length)
        drawn = [worker.submit(f"{length}-{at}").json()["data"] for at, worker in enumerate(workers)]
        assert [len(data["pass_phrase"]) for data in drawn] == [length] * len(workers)


def test_a_reset_password_ends_every_session_on_every_worker_at_once(
    operator: Operator, each_worker: list["httpx.Client"]
) -> None:
    admin = operator.new_admin()
    tenant = operator.new_tenant(admin, each_worker[0])
    credentials = {"email": admin.email, "password": PASSWORD}
    second = each_worker[0].post("/api/v2/login", json=credentials).json()["token"]

    def statuses() -> list[int]:
        headers = [{"authorization": f"Bearer {token}"} for token in (admin.token, second)]
        path = f"{tenant.path}/config"
        return [client.get(path, headers=each).status_code for client in each_worker for each in headers]

    assert statuses() == [200] * 4
    password = operator.run(lambda engine: engine.admins.reset_password(email=admin.email))
    assert statuses() == [401] * 4
    for client in each_worker:
        old = client.post("/api/v2/login", json=credentials)
        assert (old.status_code, old.json()) == (401, INVALID_CREDENTIALS)
        assert client.post("/api/v2/login", json={"email": admin.email, "password": password}).is_success


def test_a_session_lives_thirty_days(edge: "Edge", operator: Operator) -> None:
    before = names(edge.redis, "session")
    operator.new_admin()
    (key,) = names(edge.redis, "session") - before
    assert 0 <= 30 * 24 * 60 * 60 - edge.redis.admin.ttl(key) < 60


def test_an_address_is_one_in_any_case_of_its_letters(operator: Operator, http: "httpx.Client") -> None:
    email = operator.new_admin().email.upper()
    assert http.post("/api/v2/login", json={"email": email, "password": PASSWORD}).is_success
    sign_up = {"name": "Ada", "email": email, "password": PASSWORD}
    answer = http.post("/api/v2/tenant/user", json=sign_up)
    assert (answer.status_code, answer.json()) == (
        400,
        {"errors": {"email": ["The email has already been taken."]}},
    )
