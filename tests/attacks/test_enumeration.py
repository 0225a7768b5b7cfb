"""Known, unknown, used and expired: one answer, in one time.

What a surface tells by design is not here: that a pass key is taken (409), that an e-mail address has signed up
already (400), and whether a tenant's id is one, which its pages show to everybody (docs/security.md).
"""

import socket
import time
import uuid
from dataclasses import replace
from itertools import cycle
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import pytest

from engine.tokens import Kind, mint
from tests.attacks.houses import House, build
from tests.attacks.timing import ROUNDS, TURNS, slowed, tells_apart
from tests.edge.agents import OWN_PAGE, new_agent
from tests.edge.apps import code_operation
from tests.edge.sockets import Answer, request
from tests.edge.stored import names
from tests.edge.tenants import fresh

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    import httpx

    from tests.attacks.timing import Ask
    from tests.edge.program import Edge
    from tests.edge.tenants import Operator

PLANTED_SECONDS = 200e-6
CHANGING = {"date", "x-request-id"}
FORM = ("content-type", "application/x-www-form-urlencoded")


class Line:
    """One connection, so one worker, kept open. Answers come back with the seconds that they took."""

    def __init__(self, edge: "Edge") -> None:
        self._socket = socket.create_connection(edge.address, timeout=10)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def close(self) -> None:
        self._socket.close()

    def ask(self, sent: bytes) -> tuple[Answer, float]:
        began = time.perf_counter()
        self._socket.sendall(sent)
        received = self._socket.recv(65536)
        seconds = time.perf_counter() - began
        head, _, body = received.partition(b"\r\n\r\n")
        answer = Answer.parse(head, body)
        assert len(body) == int(answer.headers["content-length"])
        return answer, seconds


@pytest.fixture
def line(edge: "Edge") -> "Generator[Line]":
    line = Line(edge)
    yield line
    line.close()


@pytest.fixture(scope="module")
def house(operator: "Operator", http: "httpx.Client") -> House:
    return build(operator, operator.new_admin(), http)


@pytest.fixture(scope="module")
def other(operator: "Operator", http: "httpx.Client") -> House:
    return build(operator, operator.new_admin(), http)


class Kinds(NamedTuple):
    """Two kinds of requests that must not be told apart. Each has requests without end."""

    one: "Iterator[bytes]"
    other: "Iterator[bytes]"


def shown(answer: Answer) -> tuple[int, dict[str, str], bytes]:
    """All of an answer that may not differ."""
    return answer.status, {k: v for k, v in answer.headers.items() if k not in CHANGING}, answer.body


def asking(line: Line, requests: "Iterator[bytes]") -> "Ask":
    return lambda: line.ask(next(requests))[1]


def assert_alike(line: Line, kinds: Kinds, *, turns: int = TURNS) -> None:
    assert shown(line.ask(next(kinds.one))[0]) == shown(line.ask(next(kinds.other))[0])
    assert not tells_apart(asking(line, kinds.one), asking(line, kinds.other), turns=turns)


def again(make: "Callable[[], bytes]") -> "Iterator[bytes]":
    """Made ahead: a server that was left alone for longer takes longer to wake up."""
    while True:
        yield from [make() for _ in range(2 * TURNS)]


def test_an_oracle_that_is_planted_is_found(line: Line, house: House) -> None:
    """Or the tests below would prove nothing. On a busy machine it may take more than one look."""
    unknown = asking(line, again(lambda: house.tenant.fetch_request(fresh("unknown"))))

    assert any(tells_apart(unknown, slowed(unknown, PLANTED_SECONDS)) for _ in range(5))


def test_a_pass_key_that_was_used_is_as_one_that_never_was(line: Line, house: House) -> None:
    used = [fresh("used") for _ in range(20)]
    for key in used:
        house.tenant.submit(key)
        house.tenant.fetch(key)
    turns = cycle(used)
    kinds = Kinds(
        again(lambda: house.tenant.fetch_request(fresh("unknown"))),
        again(lambda: house.tenant.fetch_request(next(turns))),
    )
    assert_alike(line, kinds)


def test_a_pass_key_that_has_expired_is_as_one_that_never_was(edge: "Edge", line: Line, house: House) -> None:
    """Redis removes what has expired when somebody asks for it: so it is not to remove it by itself before."""
    before = names(edge.redis, "passcode")
    expired = [fresh("expired") for _ in range((ROUNDS + 2) * TURNS)]
    edge.redis.command("DEBUG", "SET-ACTIVE-EXPIRE", 0)
    try:
        for key in expired:
            house.tenant.submit(key)
        with edge.redis.admin.pipeline(transaction=False) as pipeline:
            for key in names(edge.redis, "passcode") - before:
                pipeline.pexpire(key, 1)
            pipeline.execute()
        kinds = Kinds(
            again(lambda: house.tenant.fetch_request(fresh("unknown"))),
            iter([house.tenant.fetch_request(key) for key in expired]),
        )
        assert_alike(line, kinds)
    finally:
        edge.redis.command("DEBUG", "SET-ACTIVE-EXPIRE", 1)


def test_another_tenant_is_as_none_to_who_has_an_api_key(line: Line, house: House, other: House) -> None:
    def elsewhere(tenant_id: str) -> bytes:
        return house.tenant.fetch_request("23456").replace(house.tenant.id.encode(), tenant_id.encode())

    assert_alike(
        line, Kinds(again(lambda: elsewhere(other.tenant.id)), again(lambda: elsewhere(str(uuid.uuid4()))))
    )


def test_a_pass_key_is_nobodys_business_without_a_good_api_key(line: Line, house: House) -> None:
    """Whether a passcode is alive under it or not."""

    def guess(pass_key: str) -> bytes:
        made = mint(Kind.API_KEY, house.tenant.id.replace("-", ""))
        return replace(house.tenant, api_key=made).fetch_request(pass_key)

    assert_alike(line, Kinds(again(lambda: guess(fresh("unknown"))), again(lambda: guess(house.pass_key))))
    assert house.tenant.submit(house.pass_key).status_code == 409  # it is alive still


def sign_in(email: str, password: str) -> bytes:
    body = msgspec.json.encode({"email": email, "password": password})
    return request("POST", "/api/v2/login", [("content-type", "application/json")], body)


def test_an_e_mail_address_that_has_signed_up_is_as_one_that_has_not(line: Line, house: House) -> None:
    """A password costs tens of milliseconds, for nobody too: so a few turns tell, if there is anything to tell."""
    email = house.tenant.admin.email
    kinds = Kinds(
        again(lambda: sign_in(email, fresh("wrong"))),
        again(lambda: sign_in(fresh("nobody").replace(" ", "") + "@example.com", fresh("wrong"))),
    )
    assert_alike(line, kinds, turns=10)


def test_an_agent_who_has_a_log_in_is_as_one_who_has_none(line: Line, house: House) -> None:
    agent = new_agent(house.operator, house.tenant)

    def guess(email: str) -> bytes:
        body = msgspec.json.encode({"email": email, "password": fresh("wrong")})
        headers = [*OWN_PAGE.items(), ("content-type", "application/json")]
        return request("POST", f"{agent.path}/session", headers, body)

    kinds = Kinds(
        again(lambda: guess(agent.email)),
        again(lambda: guess(fresh("nobody").replace(" ", "") + "@example.com")),
    )
    assert_alike(line, kinds, turns=10)


def test_a_factor_of_another_tenant_is_as_none(line: Line, house: House, other: House) -> None:
    def read(factor_id: str) -> bytes:
        return request("GET", f"/authenticator/v0.1/factors/{factor_id}", house.app.bearer.items())

    theirs = other.ids["factor_id"]
    assert_alike(line, Kinds(again(lambda: read(theirs)), again(lambda: read(_never_given(theirs)))))


@pytest.mark.parametrize("method", ["GET", "PATCH"])
def test_a_challenge_of_another_tenant_is_as_none(line: Line, house: House, other: House, method: str) -> None:
    def ask(challenge_id: str, factor_id: str) -> bytes:
        path = f"/authenticator/v0.1/factors/{factor_id}/challenges/{challenge_id}"
        if method == "PATCH":
            return house.app.patch_request(path, code_operation("123456"))
        return request("GET", path, house.app.bearer.items())

    ours, theirs = house.ids["factor_id"], other.ids
    unknown = again(lambda: ask(_never_given(theirs["challenge_id"]), ours))
    assert_alike(line, Kinds(again(lambda: ask(theirs["challenge_id"], ours)), unknown))
    elsewhere = again(lambda: ask(theirs["challenge_id"], _never_given(theirs["factor_id"])))
    assert_alike(line, Kinds(again(lambda: ask(theirs["challenge_id"], theirs["factor_id"])), elsewhere))


def test_a_client_that_there_is_is_as_one_that_there_is_not(line: Line, house: House) -> None:
    """Their ids begin with their tenant's, which is no secret; what follows is not told of."""

    def ask(client_id: str) -> bytes:
        client = replace(house.app, credentials=house.app.credentials._replace(client_id=client_id, secret="x"))
        return request("POST", "/oauth2/v1/token", [FORM, *client.basic.items()], b"grant_type=client_credentials")

    known = house.app.credentials.client_id
    assert_alike(line, Kinds(again(lambda: ask(known)), again(lambda: ask(known[:-16] + uuid.uuid4().hex[:16]))))


def test_a_session_of_an_administrator_is_guessed_no_better_than_one_of_nobody(line: Line, house: House) -> None:
    def ask(subject: str) -> bytes:
        bearer = {"authorization": f"Bearer {mint(Kind.SESSION, subject)}"}
        return request("GET", f"{house.tenant.path}/config", bearer.items())

    admin = house.tenant.admin.id
    assert_alike(line, Kinds(again(lambda: ask(admin)), again(lambda: ask(uuid.uuid4().hex))))


def _never_given(text: str) -> str:
    return f"{text[:-12]}{int(text[-12:], 16) ^ 0xFFFF:012x}"
