"""Callbacks end to end: a real edge, its courier, and receivers that behave well or badly."""

import re
import time
from base64 import b64decode, b64encode, urlsafe_b64decode
from collections import Counter
from hashlib import sha256
from typing import TYPE_CHECKING

import httpx
import msgspec
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from standardwebhooks import Webhook

from engine.policies import ChallengePolicy
from tests.courier.receiver import Receiver, hang, redirect, reset, status
from tests.edge.apps import App, code_operation, new_app
from tests.edge.program import NO_LIMITS, Edge
from tests.edge.sockets import Swarm
from tests.edge.stored import names
from tests.edge.tenants import Admin, Operator, Tenant
from tests.engine.kinds import ServerKind
from tests.engine.servers import RedisServer, leaks, server_binaries
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from tests.courier.receiver import Received

AT_ONCE = 500
CLAIM_SECONDS, TIMEOUT_SECONDS = 3, 1
QUICK = {"courier_claim_seconds": CLAIM_SECONDS, "callback_timeout_seconds": TIMEOUT_SECONDS}
LOOPBACK = {"callback_networks": "127.0.0.0/8"}


@pytest.fixture(scope="module")
def edge(server_kind: ServerKind) -> "Generator[Edge]":
    """An edge whose courier may call this machine, and which sheds nothing."""
    with (
        server_kind.start() as redis,
        Edge(redis, **NO_LIMITS | QUICK | LOOPBACK, max_requests=2 * AT_ONCE) as edge,
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
def receiver() -> "Generator[Receiver]":
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def listening(operator: Operator, tenant: Tenant, receiver: Receiver) -> App:
    """An app that is called back at /hook."""
    return calling_back(new_app(operator, tenant), receiver.url("/hook"))


def calling_back(app: App, url: str) -> App:
    operation = {"op": "add", "path": "/configuration/authenticator/challenge_callback_url", "value": url}
    assert app.patch(app.project, operation).status_code == 200
    return app


def told(receiver: Receiver, path: str = "/hook") -> list[dict[str, str]]:
    return [msgspec.json.decode(one.body, type=dict[str, str]) for one in receiver.of(path)]


def ended(app: App, *, right: bool) -> str:
    """The id of a challenge that was answered."""
    factor = app.active_factor()
    challenge = app.challenge(factor)
    app.answer(challenge, factor.code() if right else factor.wrong_code)
    return challenge.rpartition("/")[2]


@pytest.mark.anyio
async def test_of_500_right_answers_at_once_one_verifies_and_the_receiver_hears_of_it_once(
    edge: Edge, listening: App, receiver: Receiver
) -> None:
    factor = listening.active_factor()
    challenge = listening.challenge(factor)
    async with Swarm(edge, AT_ONCE) as swarm:
        right = listening.patch_request(challenge, code_operation(factor.code()))
        answers = await swarm.ask([right] * AT_ONCE)
    assert Counter(answer.status for answer in answers) == {200: 1, 400: AT_ONCE - 1}
    wrong = ended(listening, right=False)  # what comes after it has come when this has
    wait_until(lambda: len(told(receiver)) >= 2)
    verified = {"challenge_id": challenge.rpartition("/")[2], "status": "VERIFIED"}
    assert sorted(told(receiver), key=lambda one: one["status"]) == [
        {"challenge_id": wrong, "status": "FAILED"},
        verified,
    ]


@pytest.mark.anyio
async def test_of_500_wrong_answers_at_once_one_is_looked_at(
    edge: Edge, listening: App, receiver: Receiver
) -> None:
    factor = listening.active_factor()
    challenge = listening.challenge(factor)
    async with Swarm(edge, AT_ONCE) as swarm:
        wrong = listening.patch_request(challenge, code_operation(factor.wrong_code))
        answers = await swarm.ask([wrong] * AT_ONCE)
    assert Counter(answer.status for answer in answers) == {200: 1, 400: AT_ONCE - 1}
    wait_until(lambda: told(receiver) == [{"challenge_id": challenge.rpartition("/")[2], "status": "FAILED"}])


def test_the_end_in_time_is_told_without_anybody_reading(edge: Edge, listening: App, receiver: Receiver) -> None:
    challenge = listening.challenge(listening.active_factor())
    assert "expired_at" not in listening.get(challenge).json()
    # Its time is up: what is due is moved into the past, as the clock of Redis would have done.
    for key in names(edge.redis, "challenge"):
        edge.redis.command("HSET", key, "expires_ms", 1)
    for key in names(edge.redis, "due"):
        for member in edge.redis.command("ZRANGE", key, 0, -1):
            edge.redis.command("ZADD", key, 1, member)
    expected = {"challenge_id": challenge.rpartition("/")[2], "status": "EXPIRED"}
    wait_until(lambda: expected in told(receiver))
    read = listening.get(challenge).json()
    assert (read["status"], read["expired_at"]) == ("EXPIRED", "1970-01-01T00:00:00+00:00")


def test_a_receiver_that_fails_is_asked_again_with_the_same_message_id(
    listening: App, receiver: Receiver, edge: Edge
) -> None:
    receiver.behave("/hook", status(500), reset, status(503, ("Retry-After", "1")), status(204))
    challenge_id = ended(listening, right=True)
    for number in range(1, 4):
        wait_until(lambda number=number: len(told(receiver)) == number)
        hurry(edge, listening)
    wait_until(lambda: len(told(receiver)) == 4)
    assert {one["challenge_id"] for one in told(receiver)} == {challenge_id}
    assert {one.header("webhook-id") for one in receiver.of("/hook")} == {f"msg_{challenge_id}_verified"}
    wait_until(lambda: "delivered" in edge.run("deliveries", "list", "--tenant", listening.tenant.id))
    log = edge.run("deliveries", "list", "--tenant", listening.tenant.id)
    assert [word for word in log.split() if word in {"delivered", "refused", "unreachable"}][:2] == [
        "delivered"
    ] * 2


def hurry(edge: Edge, app: App) -> None:
    """Let the time of what an app waits to be told again have come."""
    tenant_id = app.tenant.id.encode()

    def moved() -> int:
        moved = 0
        for key in names(edge.redis, "retries"):
            for member in edge.redis.command("ZRANGE", key, 0, -1):
                if tenant_id in member:
                    edge.redis.command("ZADD", key, "XX", 1, member)
                    moved += 1
        return moved

    wait_until(moved)


@pytest.mark.parametrize("way", [hang, redirect("http://127.0.0.1:1/"), reset], ids=["hang", "redirect", "reset"])
def test_bad_receivers_are_tried_later_and_the_edge_does_not_notice(
    way: "object", listening: App, receiver: Receiver
) -> None:
    receiver.behave("/hook", way)  # pyright: ignore[reportArgumentType]
    ended(listening, right=True)
    wait_until(lambda: told(receiver))
    slowest = 0.0
    for _ in range(20):
        started = time.perf_counter()
        assert listening.get("/authenticator/v0.1/factors").status_code == 200
        slowest = max(slowest, time.perf_counter() - started)
    assert slowest < TIMEOUT_SECONDS


def test_a_receiver_that_is_gone_is_left_alone_until_its_address_is_set_again(
    listening: App, receiver: Receiver, edge: Edge
) -> None:
    receiver.behave("/hook", status(410), status(204))
    first = ended(listening, right=True)
    wait_until(lambda: dead(edge, listening) == [f"msg_{first}_verified"])
    ended(listening, right=True)
    shown = msgspec.json.decode(edge.run("tenant", "show", listening.tenant.id, "--json"), type=dict[str, object])
    assert shown["callback_is_off"] is True
    message = {"op": "add", "path": "/configuration/authenticator/challenge_default_message", "value": "Hello"}
    assert listening.patch(listening.project, message).status_code == 200
    ended(listening, right=True)  # is told to nobody: another setting does not bring the address back
    calling_back(listening, receiver.url("/hook"))
    last = ended(listening, right=False)
    wait_until(lambda: len(told(receiver)) == 2)
    assert told(receiver)[-1] == {"challenge_id": last, "status": "FAILED"}

    edge.run("deliveries", "replay", "--tenant", listening.tenant.id, f"msg_{first}_verified")
    wait_until(lambda: len(told(receiver)) == 3)
    assert told(receiver)[-1] == {"challenge_id": first, "status": "VERIFIED"}
    assert dead(edge, listening) == []


def dead(edge: Edge, app: App) -> list[str]:
    text = edge.run("deliveries", "list", "--tenant", app.tenant.id, "--dead", "--json")
    return [letter["message_id"] for letter in msgspec.json.decode(text)["dead"]]


def test_a_hanging_receiver_of_one_tenant_does_not_hold_up_another(
    operator: Operator, new_tenant: "Callable[..., Tenant]", receiver: Receiver
) -> None:
    receiver.behave("/slow", hang)
    patient = ChallengePolicy(lock_after=100)
    slow, quick = (
        calling_back(new_app(operator, new_tenant(), policy=patient), receiver.url(path))
        for path in ("/slow", "/quick")
    )
    factor = slow.active_factor()
    for _ in range(40):
        slow.answer(slow.challenge(factor), factor.wrong_code)
    wait_until(lambda: told(receiver, "/slow"))
    started = time.monotonic()
    ended(quick, right=True)
    wait_until(lambda: told(receiver, "/quick"))
    assert time.monotonic() - started < TIMEOUT_SECONDS


def test_a_callback_that_cannot_be_signed_is_put_off(
    edge: Edge, operator: Operator, listening: App, receiver: Receiver
) -> None:
    """As where an edge lacks the key that the secrets are sealed with."""
    good = operator.run(lambda engine: engine.tenants.read(listening.tenant.id)).callback_secrets
    operator.change(listening.tenant, callback_secrets=b"lost.key")
    ended(listening, right=True)
    wait_until(lambda: "unsigned" in edge.run("deliveries", "list", "--tenant", listening.tenant.id))
    operator.change(listening.tenant, callback_secrets=good)
    last = ended(listening, right=False)
    wait_until(lambda: told(receiver) == [{"challenge_id": last, "status": "FAILED"}])


def test_a_private_address_is_not_called(new_tenant: "Callable[..., Tenant]", receiver: Receiver) -> None:
    """By an edge whose operator has allowed none."""
    with RedisServer(server_binaries()[0]) as redis, Edge(redis, **NO_LIMITS | QUICK, workers=1) as edge:
        with Operator(edge) as operator, httpx.Client(base_url=edge.url) as http:
            app = new_app(operator, operator.new_tenant(operator.new_admin(), http))
            for host in ("127.0.0.1", "localhost", "2130706433"):
                calling_back(app, receiver.url("/hook", host=host))
                ended(app, right=False)
            log = wait_for_log(edge, app, attempts=3)
        assert log.split().count("forbidden") == 3
        assert receiver.requests == []


def wait_for_log(edge: Edge, app: App, *, attempts: int) -> str:
    def log() -> str:
        return edge.run("deliveries", "list", "--tenant", app.tenant.id)

    wait_until(lambda: log().count("msg_") >= attempts, within=10)
    return log()


def test_what_a_killed_courier_held_is_delivered_by_another_under_the_same_message_id(receiver: Receiver) -> None:
    receiver.behave("/hook", hang, status(204))
    with (
        RedisServer(server_binaries()[0]) as redis,
        Edge(redis, **NO_LIMITS | QUICK | LOOPBACK, workers=1, courier="off") as edge,
        Operator(edge) as operator,
        httpx.Client(base_url=edge.url) as http,
    ):
        app = calling_back(
            new_app(operator, operator.new_tenant(operator.new_admin(), http)), receiver.url("/hook")
        )
        first = edge.start("courier")
        challenge_id = ended(app, right=True)
        wait_until(lambda: len(told(receiver)) == 1, within=10)
        first.kill()
        first.wait()
        second = edge.start("courier")
        wait_until(lambda: len(told(receiver)) == 2, within=CLAIM_SECONDS + 10)
        wait_until(lambda: "delivered" in edge.run("deliveries", "list", "--tenant", app.tenant.id))
        second.terminate()
        assert second.wait(timeout=10) == 0
    assert {one.header("webhook-id") for one in receiver.of("/hook")} == {f"msg_{challenge_id}_verified"}


def test_a_callback_is_signed_so_that_receivers_can_tell(
    listening: App, receiver: Receiver, edge: Edge, http: httpx.Client
) -> None:
    ended(listening, right=True)
    wait_until(lambda: told(receiver))
    request = receiver.of("/hook")[0]
    assert request.header("x-tru-callback") == "authenticator"
    assert request.header("content-type") == "application/json"
    keys = http.get("/.well-known/jwks.json").json()["keys"]
    check_http_signature(request, {key["kid"]: key for key in keys})
    secrets = msgspec.json.decode(edge.run("callback", "secret", "--tenant", listening.tenant.id, "--json"))
    Webhook(secrets["secrets"][0]).verify(request.body, {name.lower(): value for name, value in request.headers})


def check_http_signature(request: "Received", keys: dict[str, dict[str, str]]) -> None:
    """As draft-cavage-http-signatures has receivers do it, from nothing but the request and the published keys."""
    digest = b64encode(sha256(request.body).digest()).decode()
    assert request.header("digest") == f"SHA-256={digest}"
    said = dict(re.findall(r'(\w+)="([^"]*)"', request.header("authorization") or ""))
    assert said["headers"] == "(request-target) host date x-tru-callback digest"
    lines = [f"(request-target): post {request.target}"]
    lines += [f"{name}: {request.header(name)}" for name in said["headers"].split()[1:]]
    key = keys[said["keyId"]]
    x, y = (int.from_bytes(urlsafe_b64decode(key[axis] + "=")) for axis in "xy")
    public = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    public.verify(b64decode(said["signature"]), "\n".join(lines).encode(), ec.ECDSA(hashes.SHA256()))
