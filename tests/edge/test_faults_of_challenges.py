"""Redis and workers come and go while challenges are answered: no code counts twice, and every end is told."""

import time
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.courier.receiver import Receiver
from tests.edge.answering import POLICY, UNANSWERED, Answering
from tests.edge.apps import App, code_operation, new_app
from tests.edge.program import NO_LIMITS, Edge, is_alive
from tests.edge.stored import names
from tests.edge.tenants import Operator
from tests.edge.test_callbacks import LOOPBACK, QUICK, calling_back, told
from tests.edge.workers import client_of_each_worker
from tests.engine.kinds import ServerKind
from tests.engine.servers import RedisServer
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Generator

pytestmark = pytest.mark.one_node

HONEST = {200, 201, 400, 503}
ANSWER_SECONDS = 1.0
RETURN_SECONDS = 2.0
TOLD_SECONDS = 15
ENOUGH = 100


@pytest.fixture(scope="module")
def redis(server_kind: ServerKind) -> "Generator[RedisServer]":
    """A server that answers when it has written, and finds again what it has answered."""
    with RedisServer(server_kind.binary, "--appendonly", "yes", "--appendfsync", "always") as redis:
        yield redis


@pytest.fixture(scope="module")
def edge(redis: RedisServer) -> "Generator[Edge]":
    # The user who may do only what an edge needs does not survive a restart of Redis.
    with Edge(redis, **NO_LIMITS | QUICK | LOOPBACK, redis_url=redis.url) as edge:
        yield edge


@pytest.fixture(scope="module")
def operator(edge: Edge) -> "Generator[Operator]":
    with Operator(edge) as operator:
        yield operator


@pytest.fixture(scope="module")
def http(edge: Edge) -> "Generator[httpx.Client]":
    with httpx.Client(base_url=edge.url) as client:
        yield client


@pytest.fixture
def receiver() -> "Generator[Receiver]":
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def app(edge: Edge, operator: Operator, http: httpx.Client, receiver: Receiver) -> App:
    """Called back, once every worker has recovered from what an earlier test did."""
    wait_until_linked(edge)
    tenant = operator.new_tenant(operator.new_admin(), http)
    return calling_back(new_app(operator, tenant, policy=POLICY), receiver.url("/hook"))


@contextmanager
def killed(redis: RedisServer) -> "Generator[None]":
    redis.kill()
    try:
        yield
    finally:
        redis.start()


@contextmanager
def paused(redis: RedisServer) -> "Generator[None]":
    redis.pause()
    try:
        yield
    finally:
        redis.resume()


def wait_until_linked(edge: Edge) -> None:
    with client_of_each_worker(edge) as workers:
        for worker in workers:
            wait_until(lambda worker=worker: worker.get("/readyz").status_code == 200)


def assert_honest(answering: Answering) -> None:
    assert {outcome.status for outcome in answering.outcomes} <= HONEST
    assert max(outcome.seconds for outcome in answering.outcomes) < ANSWER_SECONDS
    unavailable = [outcome for outcome in answering.outcomes if outcome.status == 503]
    assert all(outcome.retry_after and int(outcome.retry_after) >= 1 for outcome in unavailable)


def heard(receiver: Receiver) -> set[tuple[str, str]]:
    return {(one["challenge_id"], one["status"]) for one in told(receiver)}


def assert_all_is_told_and_nothing_verified_twice(answering: Answering, receiver: Receiver, app: App) -> None:
    """By the history of the clients, by what is stored, and by what the receiver hears."""
    assert all(len(said) == 1 for said in answering.ends.values())
    ends = {(challenge_id, said[0]) for challenge_id, said in answering.ends.items()}
    for path in answering.unanswered:
        state = app.get(path).json()["status"]
        if state != "PENDING":
            ends.add((path.rpartition("/")[2], state))
    assert sum(state == "VERIFIED" for _, state in ends) > ENOUGH / 2
    wait_until(lambda: ends <= heard(receiver), within=TOLD_SECONDS)
    ids = Counter(challenge_id for challenge_id, _ in heard(receiver))
    assert {*ids.values()} == {1}, "a challenge came to two ends"
    verified = [challenge_id for challenge_id, state in heard(receiver) if state == "VERIFIED"]
    codes = Counter(answering.codes[challenge_id] for challenge_id in verified)
    assert {*codes.values()} == {1}, "a code verified two challenges"


def test_a_killed_redis_loses_no_end_that_was_acknowledged(
    redis: RedisServer, edge: Edge, app: App, receiver: Receiver
) -> None:
    with Answering(edge, app) as answering:
        wait_until(lambda: answering.count(200) > 2 * ENOUGH, within=20)
        end = time.monotonic()
        with killed(redis):
            wait_until(lambda: answering.count(503, since=end) > ENOUGH, within=20)
        returned = time.monotonic()
        wait_until(lambda: answering.count(200, since=returned) > ENOUGH, within=20)
        again = min(one.asked for one in answering.outcomes if one.status == 200 and one.asked > returned)
        assert again - returned < RETURN_SECONDS
    assert_honest(answering)
    assert_all_is_told_and_nothing_verified_twice(answering, receiver, app)


def test_a_redis_that_stands_still_verifies_nothing_twice_when_it_goes_on(
    redis: RedisServer, edge: Edge, app: App, receiver: Receiver
) -> None:
    """It comes back to what was sent meanwhile, and given up by whoever had sent it."""
    with Answering(edge, app) as answering:
        wait_until(lambda: answering.count(200) > 2 * ENOUGH, within=20)
        began = time.monotonic()
        with paused(redis):
            wait_until(lambda: answering.count(503, since=began) > 20, within=20)
        resumed = time.monotonic()
        wait_until(lambda: answering.count(200, since=resumed) > ENOUGH, within=20)
    assert_honest(answering)
    assert_all_is_told_and_nothing_verified_twice(answering, receiver, app)


def test_a_killed_worker_verifies_nothing_twice_and_the_others_go_on(
    edge: Edge, app: App, receiver: Receiver
) -> None:
    with Answering(edge, app) as answering:
        wait_until(lambda: answering.count(200) > 2 * ENOUGH, within=20)
        victim = edge.workers()[0]
        victim.kill()
        wait_until(lambda: not is_alive(victim))
        after = time.monotonic()
        wait_until(lambda: answering.count(200, since=after) > 2 * ENOUGH, within=20)
    assert {outcome.status for outcome in answering.outcomes} <= HONEST | {UNANSWERED}
    assert_all_is_told_and_nothing_verified_twice(answering, receiver, app)
    wait_until_linked(edge)


def test_an_attempt_that_was_counted_by_a_worker_that_died_is_spent_and_the_challenge_expires(
    edge: Edge, app: App, receiver: Receiver
) -> None:
    factor = app.active_factor()
    challenge = app.challenge(factor)
    left = names(edge.redis, "challenge")
    for key in left:  # as between counting and comparing
        edge.redis.command("HINCRBY", key, "attempts", 1)
    assert app.patch(challenge, code_operation(factor.code())).status_code == 400
    assert app.get(challenge).json()["status"] == "PENDING"
    for key in left:
        edge.redis.command("HSET", key, "expires_ms", 1)
    for key in names(edge.redis, "due"):
        for member in edge.redis.command("ZRANGE", key, 0, -1):
            edge.redis.command("ZADD", key, 1, member)
    wait_until(lambda: {"challenge_id": challenge.rpartition("/")[2], "status": "EXPIRED"} in told(receiver))
    assert app.get(challenge).json()["status"] == "EXPIRED"
