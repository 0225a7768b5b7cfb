"""A rolling deploy: edges of two releases on one Redis, whose scripts differ, and one replaced by the other."""

import asyncio
from collections import Counter
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from engine.store.scripts import load
from tests.edge.apps import App, Factor, code_operation, new_app, secret_of
from tests.edge.program import NO_LIMITS, Edge
from tests.edge.sockets import Answer, Swarm
from tests.edge.tenants import Operator, Tenant
from tests.engine.servers import RedisServer, leaks, scan, server_binaries
from tests.operations.balancer import Balancer
from tests.operations.callers import Caller, busy
from tests.operations.releases import GRACE_MS, release_before
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

FACTORS = "/authenticator/v0.1/factors"
ROUNDS = 20
EACH = 6
LIFE_S = 600
DRAIN_S = 1


class Deployment:
    """A Redis, and edges of both releases that are started on it."""

    def __init__(self, redis: RedisServer, before: "Path") -> None:
        self._redis, self._before, self._url = redis, before, redis.url_of_user()
        self._first: Edge | None = None

    def edge(self, *, is_old: bool, drain_s: int = 0) -> Edge:
        """One worker, which goes on for so long when it is told to leave."""
        keys = {} if self._first is None else {"keys": self._first.keys}
        common: dict[str, object] = {"redis_url": self._url, "workers": 1, "courier": "off"}
        edge = Edge(self._redis, **NO_LIMITS, **common, **keys, drain_seconds=drain_s)
        edge.code = self._before if is_old else None
        self._first = self._first or edge
        return edge


@pytest.fixture(scope="module")
def redis() -> "Generator[RedisServer]":
    with RedisServer(server_binaries()[0]) as redis:
        yield redis
        assert not leaks(redis.admin)


@pytest.fixture(scope="module")
def deployment(redis: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    return Deployment(redis, release_before(tmp_path_factory.mktemp("before")))


@pytest.fixture(scope="module")
def old(deployment: Deployment) -> "Generator[Edge]":
    with deployment.edge(is_old=True) as edge:
        yield edge


@pytest.fixture(scope="module")
def new(deployment: Deployment, old: Edge) -> "Generator[Edge]":
    del old  # was there first
    with deployment.edge(is_old=False) as edge:
        yield edge


@pytest.fixture(scope="module")
def tenant(old: Edge) -> "Generator[Tenant]":
    with Operator(old) as operator, httpx.Client(base_url=old.url) as http:
        tenant = operator.new_tenant(operator.new_admin(), http)
        assert tenant.configure(pass_key_expires=LIFE_S).status_code == 200
        yield tenant


@pytest.fixture(scope="module")
def app(old: Edge, tenant: Tenant) -> App:
    with Operator(old) as operator:
        return new_app(operator, tenant)


def lives_ms(redis: RedisServer) -> list[int]:
    """How long each passcode that is stored has yet to live."""
    return [redis.admin.pttl(key) for key in scan(redis.admin) if b":passcode:" in key]


def test_both_releases_run_their_own_scripts_on_one_redis(
    redis: RedisServer, old: Edge, new: Edge, tenant: Tenant
) -> None:
    """Or the other tests here would prove nothing."""
    assert not lives_ms(redis)
    with httpx.Client(base_url=new.url) as http:
        assert tenant.through(http).submit("by the new one").status_code == 200
        assert max(lives_ms(redis)) <= LIFE_S * 1000
        assert tenant.submit("by the old one").status_code == 200
        assert max(lives_ms(redis)) > LIFE_S * 1000 + GRACE_MS / 2
        assert tenant.fetch("by the new one").status_code == 200
        assert tenant.through(http).fetch("by the old one").status_code == 200
    text = load("passcode/fetch").source
    assert redis.command("SCRIPT", "EXISTS", load("passcode/fetch").sha) == [1]
    assert redis.command(
        "SCRIPT", "LOAD", f"{text}-- the release before\n"
    )  # an address that the old one has, too
    assert old.environment == new.environment


@pytest.mark.anyio
async def test_of_many_who_ask_both_releases_at_once_one_wins_though_scripts_are_forgotten(
    redis: RedisServer, old: Edge, new: Edge, tenant: Tenant
) -> None:
    async with Swarm(old, EACH) as olds, Swarm(new, EACH) as news:
        for number in range(ROUNDS):
            submit, fetch = (
                tenant.submit_request(f"race {number}"),
                tenant.fetch_request(f"race {number}"),
            )
            _forget(redis, number)
            submitted = await _ask_both(olds, news, submit)
            assert _statuses(submitted) == {200: 1, 409: 2 * EACH - 1}
            _forget(redis, number + 1)
            fetched = await _ask_both(olds, news, fetch)
            assert _statuses(fetched) == {200: 1, 410: 2 * EACH - 1}
            (shown,) = [answer.json()["data"]["pass_phrase"] for answer in submitted if answer.status == 200]
            assert [answer.json()["pass_phrase"] for answer in fetched if answer.status == 200] == [shown]


@pytest.mark.anyio
async def test_a_challenge_that_is_answered_to_both_releases_at_once_is_verified_once(
    redis: RedisServer, old: Edge, new: Edge, app: App
) -> None:
    with httpx.Client(base_url=new.url) as http:
        apps = (app, app.through(http))
        async with Swarm(old, 1) as olds, Swarm(new, 1) as news:
            for number in range(ROUNDS):
                factor = apps[number % 2].active_factor()
                challenges = [each.challenge(factor) for each in apps]
                _forget(redis, number)
                answers = [app.patch_request(challenge, code_operation(factor.code())) for challenge in challenges]
                both = await asyncio.gather(olds.ask(answers[:1]), news.ask(answers[1:]))
                assert sorted(answer.json()["status"] for (answer,) in both) == ["FAILED", "VERIFIED"]


def test_edges_are_replaced_one_after_the_other_and_nobody_notices(
    redis: RedisServer, deployment: Deployment, old: Edge, tenant: Tenant, app: App
) -> None:
    """Callers go on through a load balancer. What it costs them is a connection that is closed when it is idle."""

    def passcode(caller: Caller, name: str) -> None:
        shown = _told(caller.ask(tenant.submit_request(name)), 200)["data"]["pass_phrase"]
        assert _told(caller.ask(tenant.fetch_request(name)), 200)["pass_phrase"] == shown
        _told(caller.ask(tenant.fetch_request(name)), 410)

    def login(caller: Caller, name: str) -> None:
        body = {"phone_number": "+447700900000", "external_user_id": name}
        made = _told(caller.ask(app.post_request(FACTORS, body)), 201)
        factor = Factor(f"{FACTORS}/{made['factor_id']}", secret_of(made["url"]))
        activation = code_operation(factor.code(steps=-1))
        assert _told(caller.ask(app.patch_request(factor.path, activation)), 200)["status"] == "ACTIVE"
        challenge = _told(caller.ask(app.post_request(f"{factor.path}/challenges", {})), 201)
        path = f"{factor.path}/challenges/{challenge['challenge_id']}"
        answer = app.patch_request(path, code_operation(factor.code()))
        assert _told(caller.ask(answer), 200)["status"] == "VERIFIED"
        _told(caller.ask(answer), 400)

    del old  # its tenant is there
    with ExitStack() as stack, Balancer() as balancer:
        edges = [stack.enter_context(deployment.edge(is_old=True, drain_s=DRAIN_S)) for _ in range(2)]
        _put_in(balancer, *edges)
        with busy(lambda: balancer.address, passcode, passcode, passcode, login, login) as callers:
            for edge in edges:
                _put_in(balancer, stack.enter_context(deployment.edge(is_old=False)))
                redis.command("SCRIPT", "FLUSH")
                edge.terminate()
                edge.stop()
                assert edge.address not in balancer.ready
                _let_work(callers)
            assert len(balancer.ready) == len(edges)
        assert sum(caller.reconnects for caller in callers) <= len(callers) * len(edges)


def _put_in(balancer: Balancer, *edges: Edge) -> None:
    for edge in edges:
        balancer.add(edge.address)
    wait_until(lambda: balancer.ready >= {edge.address for edge in edges})


def _let_work(callers: list[Caller]) -> None:
    before = [caller.turns for caller in callers]
    wait_until(
        lambda: all(caller.turns > turns + 5 for caller, turns in zip(callers, before, strict=True)), within=20
    )


def _forget(redis: RedisServer, number: int) -> None:
    """Every third time, Redis forgets all scripts."""
    if number % 3 == 0:
        redis.command("SCRIPT", "FLUSH")


async def _ask_both(olds: Swarm, news: Swarm, sent: bytes) -> list[Answer]:
    answers = await asyncio.gather(*[swarm.ask([sent] * EACH) for swarm in (olds, news)])
    return [answer for some in answers for answer in some]


def _statuses(answers: list[Answer]) -> Counter[int]:
    return Counter(answer.status for answer in answers)


def _told(answer: Answer, status: int) -> Any:  # noqa: ANN401  # whatever was said
    assert answer.status == status, answer
    return answer.json()
