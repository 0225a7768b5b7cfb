"""Many at once: the workers, the connections and Redis are real, and each request is sent in the same instant."""

import random
from collections import Counter
from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.edge.sockets import Answer, Swarm, request
from tests.edge.tenants import PASSWORD, Tenant, fresh

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.edge.program import Edge

pytestmark = pytest.mark.anyio

KEYS = 100
AT_ONCE = 200
JSON = ("content-type", "application/json")
GONE = {"status": "Failed", "message": "Pass Key Expired"}
OTHERS = {"status": "Failed", "message": "The tenant id is invalid."}


def statuses(answers: list[Answer]) -> Counter[int]:
    return Counter(answer.status for answer in answers)


def random_phone_number() -> str:
    return f"+49{random.randrange(10**9, 10**10)}"


def post(path: str, body: object, token: str = "") -> bytes:
    return request("POST", path, [JSON, ("authorization", f"Bearer {token}")], msgspec.json.encode(body))


async def test_one_of_many_submits_and_one_of_many_fetches_wins_for_every_key(
    edge: "Edge", tenant: Tenant, new_tenant: "Callable[..., Tenant]"
) -> None:
    """While an agent of another company asks, too, and never gets it."""
    intruder = new_tenant()
    workers: Counter[str] = Counter()
    async with Swarm(edge, AT_ONCE + 20) as swarm:
        for _ in range(KEYS):
            pass_key = random_phone_number()
            submitted = await swarm.ask([tenant.submit_request(pass_key)] * AT_ONCE)
            assert statuses(submitted) == {200: 1, 409: AT_ONCE - 1}
            passcode = next(answer for answer in submitted if answer.status == 200).json()["data"]["pass_phrase"]

            fetch = tenant.fetch_request(pass_key)
            theft = tenant.fetch_request(pass_key).replace(tenant.api_key.encode(), intruder.api_key.encode())
            elsewhere = intruder.fetch_request(pass_key)
            fetched = await swarm.ask([theft, elsewhere] * 5 + [fetch] * AT_ONCE + [theft, elsewhere] * 5)
            ours, others = fetched[10:-10], fetched[:10] + fetched[-10:]
            assert statuses(ours) == {200: 1, 410: AT_ONCE - 1}
            assert [answer.json() for answer in others] == [OTHERS, GONE] * 10
            won = next(answer for answer in ours if answer.status == 200)
            assert won.json() == {"status": "Success", "pass_phrase": passcode}
            workers.update(answer.worker for answer in ours)
    assert len(workers) > 1, "a race within one worker proves little"


async def test_simultaneous_submits_with_one_idempotency_key_are_all_answered_with_one_passcode(
    edge: "Edge", tenant: Tenant
) -> None:
    async with Swarm(edge, 50) as swarm:
        for number in range(20):
            pass_key = random_phone_number()
            same = tenant.submit_request(pass_key, idempotency_key=f"submit-{number}")
            answers = await swarm.ask([same] * 50)
            assert statuses(answers) == {200: 50}
            assert len({answer.body for answer in answers}) == 1
            assert tenant.fetch(pass_key).json()["pass_phrase"] == answers[0].json()["data"]["pass_phrase"]
            assert tenant.fetch(pass_key).status_code == 410


@pytest.mark.every_server
async def test_simultaneous_fetches_with_one_idempotency_key_are_all_answered_and_use_up_one(
    edge: "Edge", new_tenant: "Callable[..., Tenant]"
) -> None:
    tenant = new_tenant(max_fetches=2)
    async with Swarm(edge, 50) as swarm:
        for number in range(20):
            pass_key = random_phone_number()
            tenant.submit(pass_key)
            answers = await swarm.ask([tenant.fetch_request(pass_key, idempotency_key=f"fetch-{number}")] * 50)
            assert statuses(answers) == {200: 50}
            assert len({answer.body for answer in answers}) == 1
            assert [tenant.fetch(pass_key).status_code for _ in range(2)] == [200, 410]


@pytest.mark.every_server
async def test_of_many_fetches_as_many_win_as_may(edge: "Edge", new_tenant: "Callable[..., Tenant]") -> None:
    tenant = new_tenant(max_fetches=7)
    async with Swarm(edge, 100) as swarm:
        for _ in range(10):
            pass_key = random_phone_number()
            tenant.submit(pass_key)
            assert statuses(await swarm.ask([tenant.fetch_request(pass_key)] * 100)) == {200: 7, 410: 93}


@pytest.mark.every_server
async def test_submits_and_fetches_at_once_never_give_one_passcode_twice(edge: "Edge", tenant: Tenant) -> None:
    """A key that is fetched is free again, so that several rounds may fit into one instant."""
    async with Swarm(edge, 200) as swarm:
        for _ in range(10):
            pass_key = random_phone_number()
            mixed = [tenant.submit_request(pass_key), tenant.fetch_request(pass_key)] * 100
            answers = await swarm.ask(mixed)
            submitted = [answer.json()["data"]["pass_phrase"] for answer in answers[::2] if answer.status == 200]
            fetched = [answer.json()["pass_phrase"] for answer in answers[1::2] if answer.status == 200]
            assert not Counter(fetched) - Counter(submitted)
            left = tenant.fetch(pass_key)
            assert len(submitted) - len(fetched) == (left.status_code == 200)


@pytest.mark.every_server
async def test_one_of_many_sign_ups_with_one_address_wins(edge: "Edge") -> None:
    body = {"name": "Ada", "email": fresh("race").replace(" ", "") + "@example.com", "password": PASSWORD}
    async with Swarm(edge, 20) as swarm:
        answers = await swarm.ask([post("/api/v2/tenant/user", body)] * 20)
    assert statuses(answers) == {200: 1, 400: 19}


async def test_one_of_many_tenants_with_one_name_is_created(edge: "Edge", tenant: Tenant) -> None:
    create = post("/api/v2/tenant", {"tenant_name": fresh("Race")}, tenant.admin.token)
    async with Swarm(edge, 50) as swarm:
        assert statuses(await swarm.ask([create] * 50)) == {200: 1, 400: 49}


async def test_one_of_many_configurations_is_created(edge: "Edge", tenant: Tenant) -> None:
    bodies = [{"tenant_config_details": {"pass_phrase_length": 10 + number}} for number in range(50)]
    create = [post(f"{tenant.path}/config", body, tenant.admin.token) for body in bodies]
    async with Swarm(edge, 50) as swarm:
        answers = await swarm.ask(create)
    assert statuses(answers) == {200: 1, 400: 49}
    winner = next(body for body, answer in zip(bodies, answers, strict=True) if answer.status == 200)
    config = tenant.http.get(f"{tenant.path}/config", headers=tenant.bearer).json()
    length = winner["tenant_config_details"]["pass_phrase_length"]
    assert config["tenant_config_details"]["pass_phrase_length"] == length


@pytest.mark.every_server
async def test_of_many_refreshed_api_keys_one_is_good_in_the_end(edge: "Edge", tenant: Tenant) -> None:
    refresh = request("POST", f"/api/v2/tenant/{tenant.id}/api_key/refresh", tenant.bearer.items())
    async with Swarm(edge, 50) as swarm:
        answers = await swarm.ask([refresh] * 50)
        assert statuses(answers) == {200: 50}
        keys = [answer.json()["api_key"].encode() for answer in answers]
        fetch = tenant.fetch_request("23456")
        tried = await swarm.ask([fetch.replace(tenant.api_key.encode(), key) for key in keys])
    assert statuses(tried) == {410: 1, 401: 49}
