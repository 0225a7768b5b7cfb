"""One company's credentials on another's data, on every route that there is.

The calls are those that the edge declares. One with credentials and ids in its path is crossed by itself: with
every mixture of the intruder's ids and the victim's, and with the body that the victim would send. Any other call
has a recipe below, or is said to be nobody's. So a new call is crossed, or fails a test until somebody says how.
"""

from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.attacks.houses import House, build, call
from tests.edge.agents import Agent, new_agent
from tests.edge.declared import Called, assert_refused, every_path
from tests.edge.stored import nothing_new

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import httpx

    from edge.calls import Call
    from edge.calls import Credential as CallCredential
    from tests.edge.program import Edge
    from tests.edge.tenants import Operator

REFUSED = (400, 401, 403, 404, 410)
# Calls that anybody may make: they belong to no tenant, or are a tenant's public face.
PUBLIC = frozenset(
    {
        "submit",
        "sign_up",
        "login",
        "livez",
        "readyz",
        "metrics",
        "read",  # the OpenAPI document
        "read_signing_keys",
        "serve_asset",
        "serve_swagger_ui",
        "show_agent_page",
        "show_customer_page",
        "show_log_in",
        "log_in",
        "show_sign_up",
        "sign_up_at_console",
        "log_out",
        "show_docs",
        "sign_agent_in",
    }
)
# Of the console, for the administrator's own: tests/edge/test_console.py crosses them.
OWN_ONLY = frozenset({"show_home", "create_tenant_at_console", "show_password", "change_password"})


class Way(NamedTuple):
    """A call by one of its paths, and one of its credentials."""

    called: Called
    method: str
    call: "Call"
    credential: "CallCredential | None"

    @property
    def operation(self) -> str:
        return self.call.operation.__name__

    def __str__(self) -> str:
        by = f" by {self.credential.name}" if self.credential else ""
        return f"{self.method} {self.called.path}{by}"


def ways() -> "Iterator[Way]":
    """Every call by every credential that it takes."""
    for called in every_path():
        for method, offered in called.route.methods.items():
            credentials = [credential for credential in offered.credentials if credential is not None]
            for credential in credentials or [None]:
                yield Way(called, method, offered, credential)


WAYS = list(ways())
# The operator has every tenant in hand, and nobody else has these: tests/edge/test_console_operator.py.
OPERATORS = {way.operation for way in WAYS if way.credential and way.credential.name == "operatorSession"}
CROSSED = [way for way in WAYS if way.operation not in PUBLIC | OPERATORS and way.credential and way.called.params]
OTHERS = {way.operation for way in WAYS} - {way.operation for way in CROSSED} - PUBLIC - OWN_ONLY - OPERATORS
every_crossing = pytest.mark.parametrize("way", CROSSED, ids=str)
GUARDED = [way for way in WAYS if way.credential and way.operation not in OPERATORS]
every_guarded_call = pytest.mark.parametrize("way", GUARDED, ids=str)


@pytest.fixture(scope="module")
def intruder(operator: "Operator", http: "httpx.Client") -> House:
    return build(operator, operator.new_admin(), http)


@pytest.fixture(scope="module")
def new_victim(operator: "Operator", http: "httpx.Client") -> "Callable[[], House]":
    admin = operator.new_admin()
    return lambda: build(operator, admin, http)


@pytest.fixture
def victim(new_victim: "Callable[[], House]") -> House:
    return new_victim()


def mixtures(way: Way, intruder: House, victim: House) -> "list[dict[str, str]]":
    """The intruder's ids, with one, some or all of the victim's in their place."""
    params = way.called.params
    some = [chosen for size in range(1, len(params) + 1) for chosen in combinations(params, size)]
    return [intruder.ids | {name: victim.ids[name] for name in chosen} for chosen in some]


@every_crossing
def test_the_ids_of_another_tenant_are_no_good_to_an_intruder(
    edge: "Edge", intruder: House, victim: House, way: Way
) -> None:
    """Refused as what there is not, and nothing changed. After it the owner's very same call is carried out."""
    assert way.credential is not None
    credentials, body = intruder.credentials[way.credential.name], victim.body(way.operation)
    with nothing_new(edge.redis):
        for ids in mixtures(way, intruder, victim):
            answer = call(edge, way.called, way.method, ids=ids, headers=credentials, body=body)
            assert_refused(way.called.surface, answer, *REFUSED)
            assert not [secret for secret in (victim.passcode, victim.user) if secret.encode() in answer.body]

    own = victim.credentials[way.credential.name]
    answer = call(edge, way.called, way.method, ids=victim.ids, headers=own, body=body)
    assert answer.status in {200, 201, 303}, answer


@every_crossing
def test_what_there_is_of_another_tenant_looks_like_what_there_is_not(
    edge: "Edge", intruder: House, victim: House, new_victim: "Callable[[], House]", way: Way
) -> None:
    """Status, body and headers are the same for a victim's ids and for ids that were never given out."""
    assert way.credential is not None
    credentials, body = intruder.credentials[way.credential.name], victim.body(way.operation)
    nobody = {name: text if name == "key" else _never_given(text) for name, text in new_victim().ids.items()}
    told = [
        call(edge, way.called, way.method, ids=ids, headers=credentials, body=body) for ids in (victim.ids, nobody)
    ]

    changing = {"date", "x-request-id"} | {name for name in told[0].headers if "ratelimit" in name}
    assert told[0].status == told[1].status
    assert told[0].body == told[1].body
    assert [{k: v for k, v in one.headers.items() if k not in changing} for one in told] == [
        {k: v for k, v in told[0].headers.items() if k not in changing}
    ] * 2


def _never_given(text: str) -> str:
    """An id of the same partition, of nobody."""
    return text[:-12] + f"{int(text[-12:], 16) ^ 0xFFFF:012x}"


@every_guarded_call
def test_a_credential_of_another_kind_is_none(edge: "Edge", victim: House, way: Way) -> None:
    """The tenant's own, and good, but for something else."""
    assert way.credential is not None
    header, good = next(iter(victim.credentials[way.credential.name].items()))
    for secret in victim.secrets.values():
        if secret in good:  # the console's sessions are those of the API, in a cookie
            continue
        text = {"x-api-key": secret, "cookie": f"watchword-console={secret}"}.get(header, f"Bearer {secret}")
        body = victim.body(way.operation)
        answer = call(edge, way.called, way.method, ids=victim.ids, headers={header: text}, body=body)
        assert_refused(way.called.surface, answer, 401)


def create_factor(intruder: House, victim: House) -> None:
    """A user's name is a name within a tenant: the intruder gets a factor of its own, the victim keeps its."""
    body = {"phone_number": "+447700900001", "external_user_id": victim.user}
    made = intruder.app.post("/authenticator/v0.1/factors", body)
    assert made.status_code == 201
    assert made.json()["factor_id"] != victim.ids["factor_id"]
    found = victim.app.http.get(
        "/authenticator/v0.1/factors",
        params={"search": f"external_user_id=='{victim.user}'"},
        headers=victim.app.bearer,
    ).json()["_embedded"]["factors"]
    assert [factor["factor_id"] for factor in found] == [victim.ids["factor_id"]]


def list_factors(intruder: House, victim: House) -> None:
    for query in ("", f"external_user_id=='{victim.user}'", "status==ACTIVE", "type==TOTP"):
        parameters = {"search": query} if query else {}
        answer = intruder.app.http.get(
            "/authenticator/v0.1/factors", params=parameters | {"size": "100"}, headers=intruder.app.bearer
        )
        assert answer.status_code == 200
        assert victim.ids["factor_id"] not in answer.text


def create_tenant(intruder: House, victim: House) -> None:
    """Names are taken once; who asks for a taken one gets nothing of it."""
    name = victim.app.get(victim.app.project).json()["name"]
    for spelling in (name, name.upper(), f" {name}  "):
        answer = intruder.tenant.http.post(
            "/api/v2/tenant", json={"tenant_name": spelling}, headers=intruder.tenant.bearer
        )
        assert (answer.status_code, victim.tenant.id in answer.text) == (400, False)


def issue_token(intruder: House, victim: House) -> None:
    ours, others = intruder.app.credentials, victim.app.credentials
    for pair in ((others.client_id, ours.secret), (ours.client_id, others.secret)):
        form = {"grant_type": "client_credentials"}
        assert intruder.app.http.post("/oauth2/v1/token", data=form, auth=pair).status_code == 401


def revoke_token(intruder: House, victim: House) -> None:
    """RFC 7009 2.2 wants it answered with 200; the token stays good."""
    form = {"token": victim.app.token}
    answer = intruder.app.http.post("/oauth2/v1/revoke", data=form, headers=intruder.app.basic)
    assert answer.status_code == 200
    assert victim.app.get(victim.app.project).status_code == 200


def agents(intruder: House, victim: House) -> "tuple[Agent, Agent]":
    """The intruder's agent, at home and at the victim's page."""
    own = new_agent(intruder.operator, intruder.tenant).signed_in()
    return own, replace(own, tenant=victim.tenant)


def show_agent_session(intruder: House, victim: House) -> None:
    own, elsewhere = agents(intruder, victim)
    assert own.who() == {"name": "Ann", "email": own.email}
    assert elsewhere.who() is None


def sign_agent_out(intruder: House, victim: House) -> None:
    """It is well, and ends nobody's session."""
    own, elsewhere = agents(intruder, victim)
    theirs = new_agent(victim.operator, victim.tenant).signed_in()
    assert elsewhere.sign_out().status_code == 204
    assert replace(theirs, tenant=intruder.tenant).sign_out().status_code == 204
    assert None not in (own.who(), theirs.who())


def fetch_for_agent(intruder: House, victim: House) -> None:
    """By a session of another tenant, or by the name and password of an agent there."""
    own, elsewhere = agents(intruder, victim)
    answers = [elsewhere.fetch(victim.pass_key), elsewhere.sign_in(), own.fetch(victim.pass_key)]
    assert [answer.status_code for answer in answers] == [401, 401, 410]
    assert victim.passcode not in "".join(answer.text for answer in answers)
    theirs = new_agent(victim.operator, victim.tenant).signed_in()
    assert theirs.fetch(victim.pass_key).json()["pass_phrase"] == victim.passcode


RECIPES: "dict[str, Callable[[House, House], None]]" = {
    recipe.__name__: recipe
    for recipe in (
        create_factor,
        list_factors,
        create_tenant,
        issue_token,
        revoke_token,
        show_agent_session,
        sign_agent_out,
        fetch_for_agent,
    )
}


@pytest.mark.parametrize("operation", RECIPES)
def test_a_call_without_ids_in_its_path_does_nothing_for_an_intruder(
    intruder: House, victim: House, operation: str
) -> None:
    RECIPES[operation](intruder, victim)


def test_every_call_is_crossed_has_a_recipe_or_is_said_to_be_nobodys() -> None:
    operations = {way.operation for way in WAYS}
    assert RECIPES.keys() == OTHERS
    assert operations >= PUBLIC | OWN_ONLY, "there is no such call any more"
    assert not [str(way) for way in WAYS if way.operation in PUBLIC and way.credential]


def test_an_idempotency_key_of_another_tenant_replays_nothing(intruder: House, victim: House) -> None:
    key = {"idempotency-key": "shared-between-tenants"}
    ours = victim.tenant.submit("555 0100", headers=key).json()["data"]["pass_phrase"]
    theirs = intruder.tenant.submit("555 0100", headers=key).json()["data"]["pass_phrase"]
    fetched = [house.tenant.fetch("555 0100", headers=key).json() for house in (victim, intruder, victim)]

    assert [one["pass_phrase"] for one in fetched] == [ours, theirs, ours]
    for house, other in ((victim, intruder), (intruder, victim)):
        answer = house.tenant.http.get(other.tenant.fetch_path("555 0100"), headers=house.tenant.key_header | key)
        assert answer.status_code == 400
        assert "pass_phrase" not in answer.text


def test_an_idempotency_key_of_another_call_or_pass_key_replays_nothing(victim: House) -> None:
    key = {"idempotency-key": "shared-between-calls"}
    victim.tenant.submit("555 0101", headers=key)
    victim.tenant.submit("555 0102")

    assert victim.tenant.submit("555 0103", headers=key).status_code == 422
    assert victim.tenant.fetch("555 0101", headers=key).status_code == 200
    other = victim.tenant.fetch("555 0102", headers=key)
    assert other.json()["pass_phrase"] != victim.tenant.fetch("555 0101", headers=key).json()["pass_phrase"]
    assert victim.tenant.fetch("555 0104", headers=key).status_code == 410
