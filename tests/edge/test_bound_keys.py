"""API keys that are good for some calls only, or from some networks only: elsewhere they are none."""

from typing import TYPE_CHECKING

import httpx
import pytest

from engine.tenants import Scope
from tests.edge.program import NO_LIMITS, Edge
from tests.edge.stored import nothing_new
from tests.edge.tenants import Operator, Tenant

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

UNAUTHENTICATED = {"status": "Failed", "message": "Unauthenticated."}
DETAILS = {"tenant_config_details": {"pass_phrase_length": 12}}
NEVER_ISSUED = "wwk" + "0" * 83


@pytest.fixture(scope="module")
def behind_proxy(edge: Edge) -> "Generator[httpx.Client]":
    """Another edge on the same Redis, which believes its callers who they speak for."""
    own = NO_LIMITS | {"courier": "off", "keys": edge.keys, "trusted_proxies": "127.0.0.1/32", "workers": 1}
    with Edge(edge.redis, **own) as beside, httpx.Client(base_url=beside.url) as client:
        yield client


def shown(answer: httpx.Response) -> "tuple[int, object, list[str]]":
    """All that a caller sees of an answer, but its time and its id."""
    changing = {"date", "x-request-id"}
    return answer.status_code, answer.json(), [f"{k}: {v}" for k, v in answer.headers.items() if k not in changing]


def fetch(tenant: Tenant, path: str, api_key: str, *, come_from: str | None = None) -> httpx.Response:
    headers = {"x-api-key": api_key} | ({} if come_from is None else {"x-forwarded-for": come_from})
    return tenant.http.get(path, headers=headers)


def paths(tenant: Tenant, pass_key: str) -> list[str]:
    """Every path that a passcode is fetched by."""
    return [
        tenant.fetch_path(pass_key),
        f"/api/v2/tenant/{tenant.id}/verify/{pass_key}",
        f"/api/v2/{tenant.id}/verify/{pass_key}",
    ]


def test_a_key_fetches_from_its_networks_only(
    operator: Operator, tenant: Tenant, behind_proxy: httpx.Client
) -> None:
    api_key = operator.issue_api_key(tenant, networks=["10.0.0.0/8", "2001:db8:1::/48"])
    through = tenant.through(behind_proxy)
    told = {
        come_from: fetch(through, through.fetch_path("1"), api_key, come_from=come_from).status_code
        for come_from in ("10.1.2.3", "11.1.2.3", "2001:db8:1::9", "2001:db8:2::9", "::ffff:10.0.0.1", "office")
    }
    assert told == {
        "10.1.2.3": 410,
        "11.1.2.3": 401,
        "2001:db8:1::9": 410,
        "2001:db8:2::9": 401,
        "::ffff:10.0.0.1": 410,
        "office": 401,
    }


def test_a_header_of_the_caller_moves_nobody_into_a_network(operator: Operator, tenant: Tenant) -> None:
    api_key = operator.issue_api_key(tenant, networks=["10.0.0.0/8"])
    for path in paths(tenant, "1"):
        answer = fetch(tenant, path, api_key, come_from="10.1.2.3")
        assert (answer.status_code, answer.json()) == (401, UNAUTHENTICATED)


@pytest.mark.parametrize(
    ("scopes", "networks"),
    [((Scope.MANAGE,), ()), ((Scope.FETCH,), ("10.0.0.0/8",)), ((Scope.MANAGE,), ("127.0.0.0/8",))],
    ids=["another scope", "another network", "another scope, here"],
)
def test_a_key_out_of_bounds_looks_like_one_that_was_never_issued_and_uses_nothing_up(
    edge: Edge, operator: Operator, tenant: Tenant, scopes: "tuple[Scope, ...]", networks: "tuple[str, ...]"
) -> None:
    api_key = operator.issue_api_key(tenant, scopes=scopes, networks=networks)
    passcode = tenant.submit("23456").json()["data"]["pass_phrase"]
    with nothing_new(edge.redis):
        for path in paths(tenant, "23456"):
            assert shown(fetch(tenant, path, api_key)) == shown(fetch(tenant, path, NEVER_ISSUED))
    assert tenant.fetch("23456").json()["pass_phrase"] == passcode


def test_a_key_out_of_bounds_learns_nothing_of_other_tenants(
    operator: Operator, tenant: Tenant, new_tenant: "Callable[[], Tenant]"
) -> None:
    """Where a key that is good is told that the tenant is another one."""
    api_key = operator.issue_api_key(tenant, networks=["10.0.0.0/8"])
    answer = fetch(tenant, new_tenant().fetch_path("1"), api_key)
    assert (answer.status_code, answer.json()) == (401, UNAUTHENTICATED)


def test_every_worker_holds_a_key_to_its_bounds(
    operator: Operator, tenant: Tenant, each_worker: "list[httpx.Client]"
) -> None:
    far = operator.issue_api_key(tenant, networks=["10.0.0.0/8"])
    near = operator.issue_api_key(tenant, networks=["127.0.0.0/8"])
    for client in each_worker * 2:
        through = tenant.through(client)
        assert [fetch(through, tenant.fetch_path("1"), key).status_code for key in (far, near)] == [401, 410]


def test_a_managing_key_configures_its_tenant(operator: Operator, tenant: Tenant) -> None:
    headers = {"x-api-key": operator.issue_api_key(tenant, scopes=(Scope.MANAGE,))}
    created = tenant.http.post(f"{tenant.path}/config", json=DETAILS, headers=headers)
    again = tenant.http.post(f"{tenant.path}/config", json=DETAILS, headers=headers)
    replaced = tenant.http.put(f"/api/v2/tenant/{tenant.id}/config", json=DETAILS, headers=headers)
    assert [answer.status_code for answer in (created, again, replaced)] == [200, 400, 200]
    assert len(tenant.submit("1").json()["data"]["pass_phrase"]) == 12


def test_a_tenant_of_the_operator_is_configured_by_its_managing_key(operator: Operator, tenant: Tenant) -> None:
    operator.change(tenant, owner=None)
    headers = {"x-api-key": operator.issue_api_key(tenant, scopes=(Scope.MANAGE,))}
    assert tenant.http.put(f"{tenant.path}/config", json=DETAILS, headers=headers).status_code == 200


def test_a_fetching_key_configures_nothing(edge: Edge, operator: Operator, tenant: Tenant) -> None:
    """Such as all were that there are from before there were scopes: many of them are in pages."""
    elsewhere = operator.issue_api_key(tenant, scopes=(Scope.MANAGE,), networks=["10.0.0.0/8"])
    with nothing_new(edge.redis):
        for api_key in (tenant.api_key, elsewhere, NEVER_ISSUED, ""):
            for method in ("POST", "PUT"):
                answer = tenant.http.request(
                    method, f"{tenant.path}/config", json=DETAILS, headers={"x-api-key": api_key}
                )
                assert (answer.status_code, answer.json()) == (401, UNAUTHENTICATED)


def test_a_revoked_managing_key_is_refused_with_the_next_request(
    operator: Operator, tenant: Tenant, each_worker: "list[httpx.Client]"
) -> None:
    headers = {"x-api-key": operator.issue_api_key(tenant, scopes=(Scope.MANAGE,))}
    for client in each_worker:
        assert client.put(f"{tenant.path}/config", json=DETAILS, headers=headers).status_code == 200
    operator.replace_api_key(tenant)
    for client in each_worker:
        assert client.put(f"{tenant.path}/config", json=DETAILS, headers=headers).status_code == 401
