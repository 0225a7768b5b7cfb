"""Rate limits: what is over one is refused, costs nothing and changes nothing, on whichever worker."""

import re
import time
from collections import Counter
from itertools import chain
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.edge.program import Edge
from tests.edge.sockets import Swarm
from tests.edge.stored import contents, names
from tests.edge.tenants import PASSWORD, Admin, Operator, Tenant, fresh
from tests.edge.workers import client_of_each_worker
from tests.engine.kinds import ServerKind
from tests.engine.servers import leaks

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

# Quotas small enough to use up, windows long enough not to see their end.
LIMITS = {
    "submit_limit_per_address": "5/3600",
    "submit_limit_per_key": "3/3600",
    "fetch_limit_per_api_key": "4/3600",
    "login_limit_per_email": "3/3600",
    "login_limit_per_address": "6/3600",
    "sign_up_limit_per_email": "2/3600",
    "sign_up_limit_per_address": "4/3600",
}
TOO_MANY = {"status": "Failed", "message": "Too Many Attempts."}


@pytest.fixture(scope="module")
def edge(server_kind: ServerKind) -> "Generator[Edge]":
    """Limited, behind proxies of ours on this machine: a client is whoever they say."""
    with server_kind.start() as redis, Edge(redis, trusted_proxies="127.0.0.0/8", **LIMITS) as edge:
        yield edge
        assert not leaks(redis.admin)


@pytest.fixture(scope="module")
def exposed(edge: Edge) -> "Generator[Edge]":
    """The same deployment, with nobody in front of it."""
    with Edge(edge.redis, keys=edge.keys, **LIMITS) as exposed:
        yield exposed


@pytest.fixture(scope="module")
def operator(edge: Edge) -> "Generator[Operator]":
    with Operator(edge) as operator:
        yield operator


@pytest.fixture(scope="module")
def admin(operator: Operator) -> Admin:
    return operator.new_admin()


@pytest.fixture(scope="module")
def http(edge: Edge) -> "Generator[httpx.Client]":
    with httpx.Client(base_url=edge.url) as client:
        yield client


@pytest.fixture
def address() -> str:
    """A client's address that no other test uses."""
    number = int(fresh("address").split()[1])
    return f"198.18.{number // 250}.{number % 250 + 1}"


def source(address: str) -> dict[str, str]:
    return {"x-forwarded-for": address}


def sources(*addresses: str) -> list[dict[str, str]]:
    return [source(address) for address in addresses]


def submit_statuses(tenant: Tenant, clients: list[dict[str, str]]) -> list[int]:
    return [tenant.submit(fresh("key"), headers=client).status_code for client in clients]


def assert_is_refusal(answer: httpx.Response, policy: str) -> None:
    """429, with the limit that was exceeded and when to come again."""
    assert (answer.status_code, answer.json()) == (429, TOO_MANY)
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["ratelimit-policy"] == policy
    name, quota, window = re.fullmatch(r"(\"[a-z-]+\");q=(\d+);w=(\d+)", policy).groups()  # pyright: ignore
    standing = re.fullmatch(rf"{name};r=0;t=(\d+)", answer.headers["ratelimit"])
    assert standing
    assert 0 < int(answer.headers["retry-after"]) <= int(window) / int(quota)
    assert int(window) - 60 < int(standing[1]) <= int(window)


def test_submits_of_an_address_are_limited(edge: Edge, tenant: Tenant, address: str) -> None:
    assert submit_statuses(tenant, [source(address)] * 5) == [200] * 5
    before = contents(edge.redis)
    assert_is_refusal(tenant.submit("one too many", headers=source(address)), '"address";q=5;w=3600')
    assert contents(edge.redis) <= before
    assert tenant.fetch("one too many").status_code == 410


def test_another_address_or_tenant_has_a_limit_of_its_own(
    new_tenant: "Callable[..., Tenant]", address: str
) -> None:
    tenant, other = new_tenant(), new_tenant()
    assert submit_statuses(tenant, [source(address)] * 6) == [200] * 5 + [429]
    assert submit_statuses(tenant, [source("203.0.113.1")]) == [200]
    assert submit_statuses(other, [source(address)]) == [200]


def test_submits_of_a_pass_key_are_limited_from_wherever_and_however_it_is_spelled(tenant: Tenant) -> None:
    spellings = ["+1 555 010 2030", "15550102030", "(1) 555-010-2030", "0015550102030"]
    answers = [tenant.submit(key, headers=source(f"203.0.113.{at}")) for at, key in enumerate(spellings)]
    assert [answer.status_code for answer in answers] == [200, 409, 409, 429]
    assert_is_refusal(answers[-1], '"pass-key";q=3;w=3600')
    assert tenant.fetch(spellings[0]).status_code == 200
    assert tenant.submit(spellings[0], headers=source("203.0.113.9")).status_code == 429


def test_fetches_of_an_api_key_are_limited_and_a_refused_one_uses_up_nothing(
    operator: Operator, tenant: Tenant
) -> None:
    tenant.submit("23456")
    assert [tenant.fetch("unknown").status_code for _ in range(4)] == [410] * 4
    assert_is_refusal(tenant.fetch("23456"), '"api-key";q=4;w=3600')
    second = operator.run(lambda engine: engine.api_keys.issue(tenant.id, name="second"))
    assert tenant.fetch("23456", headers={"x-api-key": second}).status_code == 200


def test_answers_tell_where_the_caller_stands(tenant: Tenant, address: str) -> None:
    submitted = tenant.submit("23456", headers=source(address)).headers
    assert submitted["ratelimit-policy"] == '"address";q=5;w=3600, "pass-key";q=3;w=3600'
    assert submitted["ratelimit"] == '"address";r=4;t=720, "pass-key";r=2;t=1200'
    fetched = tenant.fetch("23456").headers
    assert fetched["ratelimit-policy"] == '"api-key";q=4;w=3600'
    assert fetched["ratelimit"] == '"api-key";r=3;t=900'


def test_a_tenants_own_limit_comes_before_the_deployments(
    new_tenant: "Callable[..., Tenant]", address: str
) -> None:
    tenant = new_tenant(submit_limit=1000, fetch_limit=2000)
    assert submit_statuses(tenant, [source(address)] * 10) == [200] * 10
    answer = tenant.submit("23456", headers=source(address))
    assert answer.headers["ratelimit-policy"] == '"address";q=1000;w=1, "pass-key";q=1000;w=1'
    assert tenant.fetch("23456").headers["ratelimit-policy"] == '"api-key";q=2000;w=1'


def test_a_limit_is_one_over_all_workers(edge: Edge, tenant: Tenant, address: str) -> None:
    with client_of_each_worker(edge) as clients:
        workers = [tenant.through(client) for client in clients] * 10
        submitted = [worker.submit(fresh("key"), headers=source(address)).status_code for worker in workers]
        fetched = [worker.fetch("23456").status_code for worker in workers]
    assert submitted == [200] * 5 + [429] * 15
    assert fetched == [410] * 4 + [429] * 16


@pytest.mark.anyio
async def test_a_large_quota_holds_when_all_workers_are_asked_at_once(
    edge: Edge, new_tenant: "Callable[..., Tenant]"
) -> None:
    """What drains from the limit meanwhile may be used, and no more."""
    quota, rounds = 100, 5
    tenant = new_tenant(fetch_limit=quota)
    async with Swarm(edge, 2 * quota) as swarm:
        began = time.monotonic()
        answers = [await swarm.ask([tenant.fetch_request("23456")] * 2 * quota) for _ in range(rounds)]
        seconds = time.monotonic() - began
    statuses = Counter(answer.status for answer in chain.from_iterable(answers))
    assert {*statuses} == {410, 429}
    assert quota / 2 < statuses[410] <= quota * (1 + seconds) + 1


def sign_in(http: httpx.Client, email: str, password: str, address: str) -> httpx.Response:
    body = {"email": email, "password": password}
    return http.post("/api/v2/login", json=body, headers=source(address))


def sign_up(http: httpx.Client, email: str, address: str) -> httpx.Response:
    body = {"name": "Ada", "email": email, "password": PASSWORD}
    return http.post("/api/v2/tenant/user", json=body, headers=source(address))


def new_email() -> str:
    return fresh("limited").replace(" ", "") + "@example.com"


def test_wrong_passwords_for_an_address_use_up_the_right_one_too(http: httpx.Client, address: str) -> None:
    email = new_email()
    assert sign_up(http, email, address).status_code == 200
    tries = ["wrong", PASSWORD, "wrong", PASSWORD]
    answers = [sign_in(http, email, password, f"203.0.113.{at}") for at, password in enumerate(tries)]
    assert [answer.status_code for answer in answers] == [401, 200, 401, 429]
    assert_is_refusal(answers[-1], '"email";q=3;w=3600')
    assert "token" not in answers[-1].text


def test_sign_ins_from_an_address_are_limited_for_whomever(http: httpx.Client, admin: Admin, address: str) -> None:
    answers = [sign_in(http, new_email(), "wrong", address) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [401] * 6
    assert_is_refusal(sign_in(http, admin.email, PASSWORD, address), '"address";q=6;w=3600')


def test_sign_ups_are_limited_by_e_mail_address_and_by_client(
    edge: Edge, http: httpx.Client, address: str
) -> None:
    email = new_email()
    answers = [sign_up(http, email, f"203.0.113.{at}") for at in range(3)]
    assert [answer.status_code for answer in answers] == [200, 400, 429]
    assert_is_refusal(answers[-1], '"email";q=2;w=3600')
    assert [sign_up(http, new_email(), address).status_code for _ in range(4)] == [200] * 4
    before = names(edge.redis, "admin")
    assert_is_refusal(sign_up(http, new_email(), address), '"address";q=4;w=3600')
    assert names(edge.redis, "admin") == before


def test_an_administrator_creates_tenants_up_to_a_limit(
    edge: Edge, operator: Operator, http: httpx.Client
) -> None:
    admin = operator.new_admin()
    headers = {"authorization": f"Bearer {admin.token}"}

    def create() -> httpx.Response:
        return http.post("/api/v2/tenant", json={"tenant_name": fresh("limited")}, headers=headers)

    assert [create().status_code for _ in range(2)] == [200, 200]
    before = names(edge.redis, "tenant")
    assert_is_refusal(create(), '"email";q=2;w=3600')
    assert names(edge.redis, "tenant") == before


def test_the_addresses_of_one_subscriber_are_one(tenant: Tenant) -> None:
    """An IPv6 subscriber has a /64 of addresses to come from."""
    subscriber = [f"2001:db8:1:2:{at:x}::{at:x}" for at in range(1, 6)]
    assert submit_statuses(tenant, sources(*subscriber)) == [200] * 5
    assert submit_statuses(tenant, sources("2001:db8:1:2::99", "2001:db8:1:3::1")) == [429, 200]


def test_an_ipv4_address_is_the_same_when_it_is_written_as_ipv6(tenant: Tenant, address: str) -> None:
    assert submit_statuses(tenant, [source(address)] * 5) == [200] * 5
    assert submit_statuses(tenant, [source(f"::ffff:{address}")]) == [429]


def test_of_a_forwarding_chain_only_what_our_proxies_wrote_is_believed(tenant: Tenant, address: str) -> None:
    chains = [f"{forged}, {address}, 127.0.0.9" for forged in ("1.1.1.1", "2.2.2.2", "127.0.0.1", "x", "")]
    assert submit_statuses(tenant, sources(*chains)) == [200] * 5
    assert submit_statuses(tenant, sources(f"3.3.3.3, {address}")) == [429]


def test_a_forwarded_address_is_ignored_unless_the_proxy_is_trusted(exposed: Edge, tenant: Tenant) -> None:
    forged = sources(*(f"203.0.113.{at}" for at in range(6)))
    transports = [httpx.HTTPTransport(local_address=f"127.0.0.{at}") for at in (2, 3)]
    clients = [httpx.Client(base_url=exposed.url, transport=transport) for transport in transports]
    with clients[0] as first, clients[1] as second:
        assert submit_statuses(tenant.through(first), forged) == [200] * 5 + [429]
        assert submit_statuses(tenant.through(second), forged[:1]) == [200]
