"""A courier among receivers that never answer: others are told meanwhile, and it leaves when it is told to."""

import time
from typing import TYPE_CHECKING

import httpx
import pytest

from engine.policies import ChallengePolicy
from tests.courier.receiver import Receiver, hang
from tests.edge.apps import new_app
from tests.edge.program import NO_LIMITS, Edge
from tests.edge.tenants import Operator
from tests.edge.test_callbacks import LOOPBACK, QUICK, calling_back, ended, told
from tests.engine.kinds import ServerKind
from tests.engine.servers import RedisServer
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from tests.edge.apps import App

pytestmark = pytest.mark.one_node

SLOTS = 8  # fewer than a courier with a place for every partition would have
HANGING = SLOTS // 2  # tenants enough to fill all slots, at two each
PATIENCE = {"callback_timeout_seconds": 60, "courier_claim_seconds": 600}
LEAVE_SECONDS = 5.0


@pytest.fixture
def redis(server_kind: ServerKind) -> "Generator[RedisServer]":
    with RedisServer(server_kind.binary) as redis:
        yield redis


@pytest.fixture
def receiver() -> "Generator[Receiver]":
    with Receiver() as receiver:
        yield receiver


def apps(edge: Edge, operator: Operator, http: httpx.Client) -> "Callable[[str], App]":
    """Makes apps of tenants of their own, which are called back at an address and never locked."""
    admin = operator.new_admin()

    def make(url: str) -> "App":
        tenant = operator.new_tenant(admin, http)
        return calling_back(new_app(operator, tenant, policy=ChallengePolicy(lock_after=100)), url)

    return make


def fail_often(app: "App", times: int) -> None:
    factor = app.active_factor()
    for _ in range(times):
        app.answer(app.challenge(factor), factor.wrong_code)


def test_receivers_that_hang_hold_up_nobody_for_longer_than_it_takes_to_see_it(
    redis: RedisServer, receiver: Receiver
) -> None:
    """Each has more to be told than a courier holds for it, and together they could take all that it has."""
    settings = NO_LIMITS | QUICK | LOOPBACK | {"courier_slots": SLOTS, "workers": 1}
    receiver.behave("/slow", hang)
    with (
        Edge(redis, **settings) as edge,
        Operator(edge) as operator,
        httpx.Client(base_url=edge.url) as http,
    ):
        new = apps(edge, operator, http)
        for _ in range(HANGING):
            fail_often(new(receiver.url("/slow")), 20)
        quick = new(receiver.url("/quick"))
        fail_often(quick, 20)
        wait_until(lambda: len(told(receiver, "/quick")) == 20, within=15)
        began = time.monotonic()
        ended(quick, right=True)
        wait_until(lambda: len(told(receiver, "/quick")) == 21, within=15)
        assert time.monotonic() - began < 2


def test_an_edge_leaves_in_its_time_though_all_that_its_courier_calls_hang(
    redis: RedisServer, receiver: Receiver
) -> None:
    settings = NO_LIMITS | PATIENCE | LOOPBACK | {"courier_slots": SLOTS, "workers": 1}
    receiver.behave("/slow", hang)
    with Edge(redis, **settings) as edge, Operator(edge) as operator, httpx.Client(base_url=edge.url) as http:
        new = apps(edge, operator, http)
        for _ in range(HANGING):
            fail_often(new(receiver.url("/slow")), 4)
        wait_until(lambda: receiver.open_connections == SLOTS, within=10)
        began = time.monotonic()
        edge.terminate()
        edge.stop()
        assert time.monotonic() - began < LEAVE_SECONDS
    wait_until(lambda: receiver.open_connections == 0)
