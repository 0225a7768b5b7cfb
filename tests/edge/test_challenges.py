"""Factors and challenges over HTTP: each is what it says, once, and only for its own tenant."""

from base64 import b64decode
from collections import Counter
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from engine.policies import ChallengePolicy
from engine.tenants import ChallengeSetup, State
from engine.totp import Digest, TotpPolicy
from tests.edge.apps import PHONE, App, Factor, code_operation, new_app, secret_of
from tests.edge.sockets import Answer, Swarm
from tests.edge.stored import nothing_new
from tests.edge.tenants import Operator, Tenant, fresh

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.edge.program import Edge

FACTORS = "/authenticator/v0.1/factors"
MANY = 100


@pytest.fixture
def app(operator: Operator, tenant: Tenant) -> App:
    return new_app(operator, tenant)


@pytest.fixture
def other(operator: Operator, new_tenant: "Callable[..., Tenant]") -> App:
    return new_app(operator, new_tenant())


def problem(answer: httpx.Response) -> tuple[int, str]:
    """Status and word of a refusal, which has the dialect's shape."""
    said = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert set(said) == {"type", "title", "detail", "status"}
    assert said["status"] == answer.status_code
    address, _, word = said["type"].rpartition("#")
    assert address == f"{answer.url.scheme}://{answer.url.netloc.decode()}/errors"
    return answer.status_code, word


def outcomes(answers: list[Answer]) -> Counter[str]:
    """What a swarm was told: the state of a challenge or factor, or the detail of a refusal."""
    said = [answer.json() for answer in answers]
    return Counter(one["status"] if isinstance(one["status"], str) else one["detail"] for one in said)


@pytest.mark.anyio
async def test_of_many_right_answers_at_once_one_verifies(edge: "Edge", app: App) -> None:
    async with Swarm(edge, MANY) as swarm:
        for _ in range(3):
            factor = app.active_factor()
            answer = app.patch_request(app.challenge(factor), code_operation(factor.code()))
            told = outcomes(await swarm.ask([answer] * MANY))
            assert told == {"VERIFIED": 1, "The challenge can no longer be answered.": MANY - 1}


@pytest.mark.anyio
async def test_of_many_wrong_answers_at_once_one_is_looked_at_and_the_right_one_comes_too_late(
    edge: "Edge", app: App
) -> None:
    factor = app.active_factor()
    challenge = app.challenge(factor)
    async with Swarm(edge, MANY) as swarm:
        told = outcomes(await swarm.ask([app.patch_request(challenge, code_operation(factor.wrong_code))] * MANY))
    assert told == {"FAILED": 1, "The challenge can no longer be answered.": MANY - 1}
    assert problem(app.answer(challenge, factor.code())) == (400, "bad_request")
    assert app.get(challenge).json()["status"] == "FAILED"


@pytest.mark.anyio
async def test_one_code_on_many_challenges_of_a_factor_is_accepted_once(edge: "Edge", app: App) -> None:
    factor = app.active_factor()
    code = factor.code()
    challenges = [app.challenge(factor) for _ in range(9)]
    async with Swarm(edge, len(challenges)) as swarm:
        told = outcomes(await swarm.ask([app.patch_request(one, code_operation(code)) for one in challenges]))
    assert told == {"VERIFIED": 1, "FAILED": len(challenges) - 1}


@pytest.mark.anyio
async def test_of_many_factors_of_a_user_at_once_one_is_made(edge: "Edge", app: App) -> None:
    body = {"phone_number": PHONE, "external_user_id": fresh("user")}
    async with Swarm(edge, MANY) as swarm:
        answers = await swarm.ask([app.post_request(FACTORS, body)] * MANY)
    assert Counter(answer.status for answer in answers) == {201: 1, 400: MANY - 1}
    refused = [answer.json()["detail"] for answer in answers if answer.status == 400]
    assert set(refused) == {"external_user_id is not unique"}
    assert app.get(FACTORS).json()["page"]["total_elements"] == 1


@pytest.mark.anyio
async def test_of_many_wrong_activations_at_once_five_are_looked_at_and_end_the_factor(
    edge: "Edge", app: App
) -> None:
    factor = app.enrol()
    wrong = app.patch_request(factor.path, code_operation(factor.wrong_code))
    async with Swarm(edge, MANY) as swarm:
        told = outcomes(await swarm.ask([wrong] * MANY))
    assert told == {"The code is wrong.": 5, "The factor is not waiting for a code.": MANY - 5}
    assert app.get(factor.path).json()["status"] == "INACTIVE"
    assert problem(app.patch(factor.path, code_operation(factor.code()))) == (400, "bad_request")


@pytest.mark.anyio
async def test_listed_totals_are_exact_while_factors_come_and_go(edge: "Edge", app: App) -> None:
    bodies = [{"phone_number": PHONE, "external_user_id": f"user {number}"} for number in range(60)]
    async with Swarm(edge, 60) as swarm:
        made = await swarm.ask([app.post_request(FACTORS, body) for body in bodies])
        paths = [f"{FACTORS}/{answer.json()['factor_id']}" for answer in made]
        ended = await swarm.ask(
            [
                app.patch_request(path, {"op": "replace", "path": "/status", "value": "INACTIVE"})
                for path in paths[:20]
            ]
        )
    assert {answer.status for answer in ended} == {200}
    assert total(app, "status==PENDING") == 40
    assert total(app, "status==INACTIVE") == 20
    assert total(app, "status==ACTIVE,status==INACTIVE;type==TOTP") == 20
    seen = [factor["factor_id"] for page in range(1, 8) for factor in listed(app, page=page, size=10)]
    assert sorted(seen) == sorted(path.rpartition("/")[2] for path in paths)


def total(app: App, search: str) -> int:
    return app.http.get(FACTORS, params={"search": search}, headers=app.bearer).json()["page"]["total_elements"]


def listed(app: App, **query: Any) -> list[dict[str, Any]]:  # noqa: ANN401  # what a query may hold
    return app.http.get(FACTORS, params=query, headers=app.bearer).json()["_embedded"]["factors"]


def test_factors_are_listed_in_the_order_that_is_asked_for(app: App) -> None:
    for number in range(5):
        app.enrol(f"user {number}")
    names = [factor["external_user_id"] for factor in listed(app, sort="created_at,asc")]
    assert names == [f"user {number}" for number in range(5)]
    assert [factor["external_user_id"] for factor in listed(app)] == names[::-1]
    page = app.http.get(FACTORS, params={"page": 2, "size": 2}, headers=app.bearer).json()
    assert [factor["external_user_id"] for factor in page["_embedded"]["factors"]] == ["user 2", "user 1"]
    assert set(page["_links"]) == {"first", "last", "next", "prev", "self"}
    assert (
        app.get(page["_links"]["next"]["href"]).json()["_embedded"]["factors"][0]["external_user_id"] == "user 0"
    )
    assert listed(app, page=99) == []


@pytest.mark.parametrize(
    ("user", "issuer"),
    [("\N{PILE OF POO}" * 255, "Acme"), ("bob", "\u6f22" * 200), ("\u6f22" * 255, "\u6f22" * 200)],
)
def test_a_factor_of_very_long_names_has_a_picture_and_is_listed(
    operator: Operator, tenant: Tenant, user: str, issuer: str
) -> None:
    app = new_app(operator, tenant, setup=ChallengeSetup(issuer=issuer))
    made = app.post(FACTORS, {"phone_number": PHONE, "external_user_id": user})
    assert (made.status_code, made.json()["external_user_id"]) == (201, user)
    kind, _, picture = made.json()["data_url"].partition(",")
    assert kind == "data:image/png;base64"
    assert b64decode(picture).startswith(b"\x89PNG\r\n\x1a\n")
    assert [one["external_user_id"] for one in listed(app)] == [user]
    app.activate(Factor(f"{FACTORS}/{made.json()['factor_id']}", secret_of(made.json()["url"])))


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("external_user_id==bob", {"bob"}),
        ("external_user_id==bob,external_user_id==carol", {"bob", "carol"}),
        ("external_user_id=in=(alice,carol,nobody)", {"alice", "carol"}),
        ("external_user_id==alice;status==ACTIVE", set[str]()),
        ("external_user_id==nobody", set[str]()),
        ("status==PENDING", {"alice", "bob", "carol"}),
        ("status!=PENDING", set[str]()),
        ("type==PUSH", set[str]()),
        ("(type==TOTP;status==ACTIVE),external_user_id==bob", None),
        ("external_user_id!=bob", None),
        ("phone_number==447700900000", None),
        ("status==", None),
    ],
)
def test_factors_are_found_by_user_state_and_type(app: App, search: str, found: set[str] | None) -> None:
    for name in ("alice", "bob", "carol"):
        app.enrol(name)
    answer = app.http.get(FACTORS, params={"search": search}, headers=app.bearer)
    if found is None:
        assert problem(answer) == (400, "bad_request")
    else:
        assert {factor["external_user_id"] for factor in answer.json()["_embedded"]["factors"]} == found
        assert answer.json()["page"]["total_elements"] == len(found)


def test_challenges_are_found_by_state_and_reference(app: App) -> None:
    factor = app.active_factor()
    app.answer(app.challenge(factor, "order 1"), factor.wrong_code)
    app.challenge(factor, "order 2")
    for search, references in (
        ("status==FAILED", ["order 1"]),
        ("status==PENDING", ["order 2"]),
        ("reference_id=in=('order 1','order 2')", ["order 2", "order 1"]),
        ("status==EXPIRED", []),
    ):
        said = app.http.get(f"{factor.path}/challenges", params={"search": search}, headers=app.bearer).json()
        assert [one["reference_id"] for one in said["_embedded"]["challenges"]] == references
        assert said["_embedded"]["factors"] == said["_embedded"]["challenges"]


def test_another_tenant_sees_nothing_and_changes_nothing(app: App, other: App, edge: "Edge") -> None:
    factor = app.active_factor()
    challenge = app.challenge(factor)
    project = app.project  # both tenants are of one administrator
    operations = [code_operation(factor.code()), {"op": "remove", "path": "/configuration"}]
    with nothing_new(edge.redis):
        for path in (factor.path, challenge, f"{factor.path}/challenges", project):
            assert problem(other.get(path))[0] == 404
        assert problem(other.patch(challenge, operations[0]))[0] == 404
        assert (
            problem(other.patch(factor.path, {"op": "replace", "path": "/status", "value": "INACTIVE"}))[0] == 404
        )
        assert problem(other.post(f"{factor.path}/challenges"))[0] == 404
        assert problem(other.patch(project, operations[1]))[0] == 404
        assert other.get(FACTORS).json()["page"]["total_elements"] == 0
    assert app.answer(challenge, factor.code()).json()["status"] == "VERIFIED"


def test_a_challenge_of_another_factor_is_not_found(app: App) -> None:
    factor, another = app.active_factor(), app.active_factor()
    challenge_id = app.challenge(factor).rpartition("/")[2]
    assert problem(app.get(f"{another.path}/challenges/{challenge_id}")) == (404, "challenge_not_found")
    assert problem(app.get(f"{FACTORS}/no-factor")) == (404, "factor_not_found")
    assert problem(app.get(f"{factor.path}/challenges/no-challenge")) == (404, "challenge_not_found")


def test_a_token_is_good_while_its_client_and_its_tenant_are(operator: Operator, app: App) -> None:
    for token in ("x", app.token[:-1], app.tenant.api_key, app.tenant.admin.token):
        answer = app.http.get(FACTORS, headers={"authorization": f"Bearer {token}"})
        assert problem(answer) == (401, "unauthorized")
    assert problem(app.http.get(FACTORS)) == (401, "unauthorized")
    operator.run(lambda engine: engine.tenants.set_state(app.tenant.id, State.SUSPENDED))
    assert problem(app.get(FACTORS)) == (403, "forbidden")
    operator.run(lambda engine: engine.tenants.set_state(app.tenant.id, State.ACTIVE))
    assert app.get(FACTORS).status_code == 200
    operator.run(lambda engine: engine.clients.revoke(app.tenant.id, app.credentials.client_id))
    assert problem(app.get(FACTORS)) == (401, "unauthorized")


BAD_PATCHES: list[object] = [
    [],
    {},
    "text",
    [7],
    [{}],
    [{"op": "add", "path": "/code"}],
    [{"op": "add", "path": "/code", "value": 123456}],
    [{"op": "add", "path": "/code", "value": "12345x"}],
    [{"op": "move", "path": "/code", "value": "123456"}],
    [{"op": "add", "path": "/nothing", "value": "123456"}],
    [{"op": "add", "path": "code", "value": "123456"}],
    [{"op": "add", "path": "/code", "value": "123456"}, {"op": "add", "path": "/nothing", "value": "1"}],
    [{"op": "add", "path": "/code", "value": "123456"}] * 2,
    [{"op": "replace", "path": "/status", "value": "ACTIVE"}],
    [{"op": "replace", "path": "/external_user_id", "value": ""}],
    [{"op": "replace", "path": "/external_user_id", "value": "a\0b"}],
    [{"op": "replace", "path": "/external_user_id", "value": "new"}, {"op": "remove", "path": "/code"}],
    [{"op": "add", "path": "/code", "value": "1"}] * 100,
]


@pytest.mark.parametrize("patch", BAD_PATCHES, ids=repr)
def test_a_bad_patch_applies_nothing(edge: "Edge", app: App, patch: object) -> None:
    factor, active = app.enrol(), app.active_factor()
    challenge = app.challenge(active)
    for path in (factor.path, challenge):
        with nothing_new(edge.redis):
            answer = app.http.patch(path, json=patch, headers=app.bearer)
        assert problem(answer) == (400, "bad_request")
    assert app.get(factor.path).json()["status"] == "PENDING"
    assert app.get(challenge).json()["status"] == "PENDING"


def test_a_patch_of_a_thousand_operations_is_refused(app: App) -> None:
    factor = app.enrol()
    operations = [{"op": "add", "path": "/x"}] * 1000
    longer = [code_operation("123456")] * 1000
    for patch in (operations, longer):
        for path in (factor.path, app.project):
            assert problem(app.http.patch(path, json=patch, headers=app.bearer)) == (400, "bad_request")
    assert app.get(factor.path).json()["status"] == "PENDING"


def test_the_policy_of_the_tenant_is_in_force(operator: Operator, tenant: Tenant) -> None:
    totp = TotpPolicy(Digest.SHA256, digits=8, step_s=60, window=2)
    app = new_app(operator, tenant, policy=ChallengePolicy(life_s=30, lock_after=2, totp=totp))
    made = app.post(FACTORS, {"phone_number": PHONE, "external_user_id": "bob"}).json()
    assert "algorithm=SHA256&digits=8&period=60" in made["url"]
    factor = Factor(f"{FACTORS}/{made['factor_id']}", secret_of(made["url"]), totp)
    app.activate(factor)
    for _ in range(2):
        assert app.answer(app.challenge(factor), factor.wrong_code).json()["status"] == "FAILED"
    locked = app.post(f"{factor.path}/challenges")
    assert problem(locked) == (429, "too_many_requests")
    assert 25 <= int(locked.headers["retry-after"]) <= 30


def test_a_renamed_factor_frees_its_name_in_the_same_instant(app: App) -> None:
    factor = app.active_factor("bob")
    rename = {"path": "/external_user_id", "op": "replace", "value": "bob (old)"}
    ended = app.patch(factor.path, rename, {"value": "INACTIVE", "path": "/status", "op": "replace"})
    assert (ended.json()["external_user_id"], ended.json()["status"]) == ("bob (old)", "INACTIVE")
    app.active_factor("bob")


def test_answers_say_where_the_client_stands(operator: Operator, new_tenant: "Callable[..., Tenant]") -> None:
    """Under no limit there is nothing to say."""
    app = new_app(operator, new_tenant())
    assert "x-ratelimit-limit" not in app.get(FACTORS).headers


def test_pages_of_other_origins_may_not_use_the_tenant(
    operator: Operator, new_tenant: "Callable[..., Tenant]"
) -> None:
    app = new_app(operator, new_tenant(allowed_origins=("https://acme.example",)))
    for origin, status in (("https://acme.example", 200), ("https://evil.example", 403)):
        assert app.http.get(FACTORS, headers=app.bearer | {"origin": origin}).status_code == status


def test_the_project_keeps_what_a_patch_leaves_alone(operator: Operator, tenant: Tenant) -> None:
    app = new_app(operator, tenant, setup=ChallengeSetup(issuer="Acme", message="Please confirm"))
    project = app.project
    url = {
        "op": "add",
        "path": "/configuration/authenticator/challenge_callback_url",
        "value": "https://a.example/x",
    }
    assert app.patch(project, url).json()["configuration"]["authenticator"] == {
        "issuer_name": "Acme",
        "challenge_callback_url": "https://a.example/x",
        "challenge_default_message": "Please confirm",
    }
    assert (
        app.patch(project, {"op": "remove", "path": "/configuration/authenticator"}).json()["configuration"] == {}
    )
    assert problem(app.get(FACTORS)) == (400, "bad_request")
