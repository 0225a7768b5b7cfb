"""Guessing at full width: every worker of two edges at once, from many addresses, with several sessions.

However it is spread, exactly as many guesses are looked at as may be. What one edge does is in tests/edge
(test_limits.py, test_races_of_factors.py), and what the scripts do in tests/engine (test_races.py, test_locks.py).
"""

import asyncio
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec
import pytest

from edge.scopes import SCOPES
from engine.policies import ChallengePolicy
from engine.tokens import Kind, mint
from tests.edge.apps import TOTP, App, Factor, code_operation, new_app
from tests.edge.program import NO_LIMITS, WORKERS, Edge
from tests.edge.sockets import Answer, Swarm, request
from tests.edge.tenants import PASSWORD, Operator, Tenant, fresh
from tests.edge.workers import connection_to_each_worker

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator, Sequence

    from engine.assembly import Engine

pytestmark = pytest.mark.anyio

ACTIVATIONS = 5  # engine.factors.MOST_ACTIVATIONS, said again on purpose
LOCK_AFTER = 4
SIGN_INS = 6
FROM_ONE_ADDRESS = 40
LIMITS = {
    "login_limit_per_email": f"{SIGN_INS}/3600",
    "login_limit_per_address": f"{FROM_ONE_ADDRESS}/3600",
    "token_limit_per_address": f"{FROM_ONE_ADDRESS}/3600",
}
AT_ONCE = 24  # of each edge
REFUSED = 2 * AT_ONCE - ACTIVATIONS


@pytest.fixture(scope="module")
def behind(edge: Edge) -> "Generator[Edge]":
    """An edge of the same deployment, with limits, that believes what a proxy on this machine says."""
    settings = NO_LIMITS | LIMITS | {"trusted_proxies": "127.0.0.0/8", "courier": "off"}
    with Edge(edge.redis, keys=edge.keys, **settings) as behind:
        yield behind


@pytest.fixture(scope="module")
def exposed(edge: Edge) -> "Generator[Edge]":
    """Another one, with nobody in front of it."""
    with Edge(edge.redis, keys=edge.keys, **NO_LIMITS | LIMITS, courier="off") as exposed:
        yield exposed


@pytest.fixture
async def swarms(behind: Edge, exposed: Edge) -> "AsyncGenerator[tuple[Swarm, Swarm]]":
    async with connection_to_each_worker(behind) as first, connection_to_each_worker(exposed) as second:
        for swarm in (first, second):
            while swarm.size < AT_ONCE:
                await swarm.grow()
        yield first, second


async def ask_both(swarms: tuple[Swarm, Swarm], requests: "Sequence[bytes]") -> list[Answer]:
    """Half of the requests by each edge, all in one instant."""
    halves = await asyncio.gather(*[swarm.ask(requests[at::2]) for at, swarm in enumerate(swarms)])
    answers = [answer for half in halves for answer in half]
    assert len({answer.worker for answer in answers}) == len(swarms) * WORKERS
    return answers


@pytest.fixture
def app(operator: Operator, tenant: Tenant) -> App:
    return new_app(operator, tenant, policy=ChallengePolicy(totp=TOTP, lock_after=LOCK_AFTER))


@pytest.fixture
def sessions(operator: Operator, app: App) -> list[App]:
    """The same tenant's client, signed in several times, and a second client."""

    async def sign_in(engine: "Engine") -> list[str]:
        other = await engine.clients.create(app.tenant.id, name="other", scopes=SCOPES)
        known = [app.credentials, app.credentials, other]
        tokens = [await engine.clients.issue_token(*one, scopes=SCOPES, address=fresh("address")) for one in known]
        return [token.text for token in tokens]

    return [app, *(replace(app, token=token) for token in operator.run(sign_in))]


def guesses(sessions: list[App], paths: list[str], code: str) -> list[bytes]:
    """As many as both edges take at once, by all sessions in turn, each from an address of its own."""
    made: list[bytes] = []
    for number in range(2 * AT_ONCE):
        session, path = sessions[number % len(sessions)], paths[number % len(paths)]
        sent = session.patch_request(path, code_operation(code))
        made.append(sent.replace(b"\r\n", f"\r\nx-forwarded-for: 203.0.113.{number}\r\n".encode(), 1))
    return made


def states(answers: list[Answer]) -> Counter[object]:
    return Counter(answer.json()["status"] if answer.status == 200 else answer.status for answer in answers)


async def test_of_all_guesses_at_one_challenge_one_is_looked_at(
    swarms: tuple[Swarm, Swarm], sessions: list[App]
) -> None:
    app = sessions[0]
    factor = app.active_factor()
    challenge = app.challenge(factor)

    answers = await ask_both(swarms, guesses(sessions, [challenge], factor.wrong_code))

    assert states(answers) == {"FAILED": 1, 400: 2 * AT_ONCE - 1}
    assert app.answer(challenge, factor.code()).status_code == 400
    assert app.get(challenge).json()["status"] == "FAILED"


async def test_over_all_challenges_of_a_factor_as_many_are_looked_at_as_its_lock_allows(
    swarms: tuple[Swarm, Swarm], sessions: list[App]
) -> None:
    """After them it refuses: further challenges, and the right code for those that are open."""
    app = sessions[0]
    factor = app.active_factor()
    challenges = [app.challenge(factor) for _ in range(2 * AT_ONCE)]

    answers = await ask_both(swarms, guesses(sessions, challenges, factor.wrong_code))

    assert states(answers) == {"FAILED": LOCK_AFTER, 429: 2 * AT_ONCE - LOCK_AFTER}
    open_still = next(path for path in challenges if app.get(path).json()["status"] == "PENDING")
    assert app.answer(open_still, factor.code()).status_code == 429
    assert app.post(f"{factor.path}/challenges").status_code == 429


async def test_a_lock_is_one_factors_and_not_its_tenants(swarms: tuple[Swarm, Swarm], sessions: list[App]) -> None:
    """Or anybody's guesses would lock everybody out."""
    app = sessions[0]
    attacked, other = app.active_factor(), app.active_factor()
    challenges = [app.challenge(attacked) for _ in range(LOCK_AFTER)]
    await ask_both(swarms, guesses(sessions, challenges, attacked.wrong_code))

    assert app.answer(app.challenge(other), other.code()).json()["status"] == "VERIFIED"


async def test_of_all_guesses_at_an_activation_five_are_looked_at(
    swarms: tuple[Swarm, Swarm], sessions: list[App]
) -> None:
    app = sessions[0]
    factor = app.enrol()

    answers = await ask_both(swarms, guesses(sessions, [factor.path], factor.wrong_code))

    told = Counter(answer.json()["detail"] for answer in answers)
    assert {answer.status for answer in answers} == {400}
    assert told == {"The code is wrong.": ACTIVATIONS, "The factor is not waiting for a code.": REFUSED}
    assert app.patch(factor.path, code_operation(factor.code())).status_code == 400
    assert app.get(factor.path).json()["status"] == "INACTIVE"


def sign_in(email: str, password: str, forwarded: str) -> bytes:
    headers = [("content-type", "application/json"), ("x-forwarded-for", forwarded)]
    return request("POST", "/api/v2/login", headers, msgspec.json.encode({"email": email, "password": password}))


async def test_of_all_passwords_for_an_address_as_many_are_looked_at_as_may_be(
    swarms: tuple[Swarm, Swarm], operator: Operator
) -> None:
    """By whichever edge and from wherever. After them the right one is refused as well."""
    email = operator.new_admin().email
    tries = [sign_in(email, f"wrong {number}", f"203.0.113.{number}") for number in range(2 * AT_ONCE)]

    answers = await ask_both(swarms, tries)

    assert states(answers) == {401: SIGN_INS, 429: 2 * AT_ONCE - SIGN_INS}
    (answer,) = await swarms[0].ask([sign_in(email, PASSWORD, "198.51.100.1")])
    assert answer.status == 429


@pytest.mark.parametrize("spelling", ["{}", " {} ", "{}\t"])
async def test_another_spelling_of_an_e_mail_address_has_no_attempts_of_its_own(
    swarms: tuple[Swarm, Swarm], operator: Operator, spelling: str
) -> None:
    email = operator.new_admin().email
    spellings = [email, spelling.format(email.upper()), spelling.format(email.title())]
    tries = [sign_in(spellings[number % 3], "wrong", f"203.0.113.{number}") for number in range(2 * AT_ONCE)]

    answers = await ask_both(swarms, tries)

    assert states(answers) == {401: SIGN_INS, 429: 2 * AT_ONCE - SIGN_INS}


async def test_addresses_that_nobody_vouches_for_are_one(
    swarms: tuple[Swarm, Swarm], behind: Edge, exposed: Edge
) -> None:
    """Spoofed ones, to an edge without a proxy, and behind a proxy what stands left of the one that it saw."""
    spoofed = [sign_in(fresh("a") + "@example.com", "x", f"198.51.100.{number}") for number in range(3 * AT_ONCE)]
    chained = [
        sign_in(fresh("a") + "@example.com", "x", f"198.51.100.{number}, 192.0.2.77")
        for number in range(3 * AT_ONCE)
    ]
    rounds = range(0, 3 * AT_ONCE, AT_ONCE)
    direct = [answer for at in rounds for answer in await swarms[1].ask(spoofed[at : at + AT_ONCE])]
    proxied = [answer for at in rounds for answer in await swarms[0].ask(chained[at : at + AT_ONCE])]

    assert states(proxied) == {401: FROM_ONE_ADDRESS, 429: 3 * AT_ONCE - FROM_ONE_ADDRESS}
    # Other tests have used up some of what 127.0.0.1 has there.
    assert states(direct)[401] <= FROM_ONE_ADDRESS
    assert states(direct)[429] >= 3 * AT_ONCE - FROM_ONE_ADDRESS


async def test_of_all_secrets_of_a_client_as_many_are_looked_at_as_its_guesser_has(
    swarms: tuple[Swarm, Swarm], app: App
) -> None:
    """A secret has 256 bits; what is limited is the work that guesses make."""
    basic = app.basic["authorization"]
    headers = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("authorization", basic[:-8] + "AAAAAAAA"),
        ("x-forwarded-for", "192.0.2.78"),
    ]
    sent = request("POST", "/oauth2/v1/token", headers, b"grant_type=client_credentials")
    answers = [answer for _ in range(3) for answer in await swarms[0].ask([sent] * AT_ONCE)]

    assert states(answers) == {401: FROM_ONE_ADDRESS, 429: 3 * AT_ONCE - FROM_ONE_ADDRESS}


async def test_guessing_an_api_key_uses_up_no_passcode(swarms: tuple[Swarm, Swarm], tenant: Tenant) -> None:
    tenant.submit("23456")
    tries = [mint(Kind.API_KEY, tenant.id.replace("-", "")) for _ in range(2 * AT_ONCE)]
    sent = [replace(tenant, api_key=guess).fetch_request("23456") for guess in tries]

    assert states(await ask_both(swarms, sent)) == {401: 2 * AT_ONCE}
    assert tenant.fetch("23456").status_code == 200


def test_the_number_of_attempts_is_not_handed_back_by_a_new_challenge(app: App) -> None:
    """NIST SP 800-63B-4 3.1.3.2: a new code never resets the count."""
    factor: Factor = app.active_factor()
    for _ in range(LOCK_AFTER):
        assert app.answer(app.challenge(factor), factor.wrong_code).json()["status"] == "FAILED"
    assert app.post(f"{factor.path}/challenges").status_code == 429
