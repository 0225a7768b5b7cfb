"""Factors and challenges at once, by one worker and by the other: of two that want the same, one gets it."""

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.edge.apps import PHONE, App, code_operation, new_app
from tests.edge.sockets import Swarm
from tests.edge.tenants import fresh
from tests.edge.workers import connection_to_each_worker

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from tests.edge.program import Edge
    from tests.edge.tenants import Operator, Tenant

pytestmark = pytest.mark.anyio

FACTORS = "/authenticator/v0.1/factors"
ROUNDS = 10
NOT_UNIQUE = "external_user_id is not unique"


@pytest.fixture
def app(operator: "Operator", tenant: "Tenant") -> App:
    return new_app(operator, tenant)


@pytest.fixture
async def workers(edge: "Edge") -> "AsyncGenerator[Swarm]":
    async with connection_to_each_worker(edge) as workers:
        yield workers


def rename(name: str) -> dict[str, str]:
    return {"op": "replace", "path": "/external_user_id", "value": name}


def body(name: str) -> dict[str, str]:
    return {"phone_number": PHONE, "external_user_id": name}


def named(app: App, name: str) -> list[str]:
    """The ids of factors that are found by a name."""
    found = app.http.get(FACTORS, params={"search": f"external_user_id=='{name}'"}, headers=app.bearer).json()
    return [factor["factor_id"] for factor in found["_embedded"]["factors"]]


@pytest.mark.every_server
async def test_a_code_that_two_workers_are_given_for_two_challenges_verifies_one(app: App, workers: Swarm) -> None:
    for _ in range(ROUNDS):
        factor = app.active_factor()
        code = code_operation(factor.code())
        challenges = [app.challenge(factor) for _ in range(2)]
        answers = await workers.ask([app.patch_request(challenge, code) for challenge in challenges])
        assert len({answer.worker for answer in answers}) == 2
        assert sorted(answer.json()["status"] for answer in answers) == ["FAILED", "VERIFIED"]
        kept = [app.get(challenge).json()["status"] for challenge in challenges]
        assert kept == [answer.json()["status"] for answer in answers]


async def test_a_code_that_two_workers_are_given_for_one_challenge_verifies_it_once(
    app: App, workers: Swarm
) -> None:
    for _ in range(ROUNDS):
        factor = app.active_factor()
        answer = app.patch_request(app.challenge(factor), code_operation(factor.code()))
        assert Counter(one.status for one in await workers.ask([answer] * 2)) == {200: 1, 400: 1}


async def test_a_code_that_two_workers_are_given_to_activate_a_factor_does_so_once(
    app: App, workers: Swarm
) -> None:
    for _ in range(ROUNDS):
        factor = app.enrol()
        activation = app.patch_request(factor.path, code_operation(factor.code()))
        answers = await workers.ask([activation] * 2)
        assert Counter(answer.status for answer in answers) == {200: 1, 400: 1}
        assert app.get(factor.path).json()["status"] == "ACTIVE"


@pytest.mark.every_server
async def test_of_two_renames_to_one_name_one_wins_and_the_other_keeps_its_name(app: App, workers: Swarm) -> None:
    for _ in range(ROUNDS):
        names, wanted = [fresh("user"), fresh("user")], fresh("wanted")
        factors = [app.active_factor(name) for name in names]
        answers = await workers.ask([app.patch_request(factor.path, rename(wanted)) for factor in factors])
        assert sorted(answer.status for answer in answers) == [200, 400]
        winner = 0 if answers[0].status == 200 else 1
        loser = 1 - winner
        assert answers[loser].json()["detail"] == NOT_UNIQUE
        assert app.get(factors[winner].path).json()["external_user_id"] == wanted
        assert app.get(factors[loser].path).json()["external_user_id"] == names[loser]
        ids = [factor.path.rpartition("/")[2] for factor in factors]
        assert named(app, wanted) == [ids[winner]]
        assert named(app, names[winner]) == []
        assert named(app, names[loser]) == [ids[loser]]
        assert app.post(FACTORS, body(names[winner])).status_code == 201  # it is free again
        assert app.post(FACTORS, body(names[loser])).json()["detail"] == NOT_UNIQUE


async def test_of_a_rename_and_an_enrolment_of_one_name_one_wins(app: App, workers: Swarm) -> None:
    for number in range(ROUNDS):
        name, wanted = fresh("user"), fresh("wanted")
        factor = app.active_factor(name)
        requests = [app.patch_request(factor.path, rename(wanted)), app.post_request(FACTORS, body(wanted))]
        answers = await workers.ask(requests[:: 1 if number % 2 else -1])
        renamed, enrolled = answers[:: 1 if number % 2 else -1]
        assert (renamed.status, enrolled.status) in {(200, 400), (400, 201)}
        assert len(named(app, wanted)) == 1
        kept = app.get(factor.path).json()["external_user_id"]
        assert kept == (wanted if renamed.status == 200 else name)
        assert bool(named(app, name)) is (renamed.status == 400)


async def test_of_many_renames_of_many_factors_to_one_name_one_wins(edge: "Edge", app: App) -> None:
    factors = [app.active_factor() for _ in range(20)]
    wanted = fresh("wanted")
    async with Swarm(edge, len(factors)) as swarm:
        answers = await swarm.ask([app.patch_request(factor.path, rename(wanted)) for factor in factors])
    assert Counter(answer.status for answer in answers) == {200: 1, 400: len(factors) - 1}
    assert len(named(app, wanted)) == 1


async def test_two_cannot_take_each_others_names_at_once(app: App, workers: Swarm) -> None:
    """Each wants what the other has, and it is free at no time."""
    for _ in range(ROUNDS):
        names = [fresh("user"), fresh("user")]
        factors = [app.active_factor(name) for name in names]
        answers = await workers.ask(
            [
                app.patch_request(factor.path, rename(name))
                for factor, name in zip(factors, names[::-1], strict=True)
            ]
        )
        assert {answer.status for answer in answers} == {400}
        assert [app.get(factor.path).json()["external_user_id"] for factor in factors] == names
