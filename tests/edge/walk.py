"""What can be done on the Authenticator surface, and much that can go wrong, with secrets that stand out."""

import json
from base64 import b32decode, b64encode
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from engine.policies import ChallengePolicy
from engine.totp import TotpPolicy
from tests.courier.receiver import Receiver, hang, redirect, reset, status
from tests.edge.apps import PATCH_TYPE, App, Factor, code_operation, new_app, secret_of
from tests.edge.stored import names
from tests.edge.tenants import Operator, Tenant
from tests.waiting import wait_until

if TYPE_CHECKING:
    from tests.edge.program import Edge

FACTORS = "/authenticator/v0.1/factors"
NUMBER = "447700900371"
USER, NEXT_USER, WRONG_USER = "distinctive.user/7Wd", "distinctive user 8Pm", "distinctive-nobody-2Lc"
REFERENCE = "distinctive-reference-3Kd"
WRONG_CODE = "83920174"
URL_SECRET = "distinctive-url-token-6Vj"
ISSUER = "Plainly Acme Bank"
# Codes of eight digits do not come up in numbers by chance.
EIGHT_DIGITS = TotpPolicy(digits=8, window=2)
POLICY = ChallengePolicy(totp=EIGHT_DIGITS, lock_after=4)
ENDS = 5


class Used(NamedTuple):
    """What was used. `configured` is kept as it is, and is nevertheless nobody's to read in logs and metrics."""

    secrets: list[str]
    configured: list[str]


def use_authenticator(edge: "Edge", operator: Operator, tenant: Tenant) -> Used:
    with Receiver() as receiver:
        app = new_app(operator, tenant, setup=None, policy=POLICY)
        tokens = use_tokens(app)
        configure(app, receiver)
        factor, first_code = use_factors(app)
        # In turns: what receivers do badly, and well.
        receiver.behave("/hook", status(500), reset, hang, redirect("http://localhost/"), status(204))
        codes = use_challenges(app, factor)
        wait_until(lambda: len(receiver.of("/hook")) >= ENDS, within=10)
        webhook_secrets = use_commands(edge, app)
        break_everything(edge, operator, app)
    raw = b32decode(factor.secret)
    known = [factor.secret, raw.hex(), b64encode(raw).decode(), app.credentials.secret, first_code]
    used = [*known, *tokens, *webhook_secrets, *codes]
    return Used([NUMBER, USER, NEXT_USER, WRONG_USER, REFERENCE, *used], [URL_SECRET])


def use_tokens(app: App) -> list[str]:
    form = {"grant_type": "client_credentials", "scope": "authenticator"}
    tokens = [app.http.post("/oauth2/v1/token", data=form, headers=app.basic).json()["access_token"] for _ in "12"]
    for secret in ("", f"{app.credentials.secret}x", app.credentials.secret[:-1]):
        app.http.post("/oauth2/v1/token", data=form, auth=(app.credentials.client_id, secret))
    app.http.post("/oauth2/v1/token", data=form | {"grant_type": "password"}, headers=app.basic)
    for _ in range(2):
        app.http.post("/oauth2/v1/revoke", data={"token": tokens[1]}, headers=app.basic)
    assert app.http.get(FACTORS, headers={"authorization": f"Bearer {tokens[1]}"}).status_code == 401
    assert app.http.get(FACTORS, headers={"authorization": f"Bearer {tokens[0]}"}).status_code == 400
    return [app.token, *tokens]


def configure(app: App, receiver: Receiver) -> None:
    value = {"issuer_name": ISSUER, "challenge_callback_url": receiver.url(f"/hook?token={URL_SECRET}")}
    operation = {"op": "add", "path": "/configuration", "value": {"authenticator": value}}
    assert app.patch(app.project, operation).status_code == 200
    wrong = {"op": "test", "path": "/configuration/authenticator/challenge_callback_url", "value": URL_SECRET}
    assert app.patch(app.project, wrong).status_code == 400


def use_factors(app: App) -> tuple[Factor, str]:
    """An active factor of USER, and the code that activated it."""
    body = {"phone_number": f"+{NUMBER}", "external_user_id": USER}
    factor = app.enrol(WRONG_USER)
    app.patch(factor.path, code_operation(WRONG_CODE))
    made = app.post(FACTORS, body).json()
    assert app.post(FACTORS, body).status_code == 400
    for bad in ({"phone_number": NUMBER * 2}, {"external_user_id": [USER]}, {"phone_number": {"number": NUMBER}}):
        assert app.post(FACTORS, body | bad).status_code == 400
    app.http.post(FACTORS, content=json.dumps(body)[:-1], headers=app.bearer)
    factor = Factor(f"{FACTORS}/{made['factor_id']}", secret_of(made["url"]), EIGHT_DIGITS)
    app.patch(factor.path, code_operation(WRONG_CODE))
    code = factor.code(steps=-1)
    assert app.patch(factor.path, code_operation(code)).json()["status"] == "ACTIVE"
    for name in (NEXT_USER, USER):
        assert app.patch(factor.path, {"op": "replace", "path": "/external_user_id", "value": name}).is_success
    assert app.patch(
        factor.path, {"op": "replace", "path": "/external_user_id", "value": WRONG_USER}
    ).is_client_error
    for search in (f"external_user_id=='{USER}'", f"external_user_id=={USER}", f"phone_number=={NUMBER}"):
        app.http.get(FACTORS, params={"search": search}, headers=app.bearer)
    for strange in (USER, NUMBER, factor.secret):
        app.get(f"{FACTORS}/{quote(strange, safe='')}")
    return factor, code


def use_challenges(app: App, factor: Factor) -> list[str]:
    """The codes that were used. As many challenges come to their end as are to be told."""
    right = factor.code()
    challenge = app.challenge(factor, REFERENCE)
    assert app.answer(challenge, right).json()["status"] == "VERIFIED"
    assert app.answer(challenge, right).status_code == 400
    for code in (right, WRONG_CODE, WRONG_CODE, WRONG_CODE):
        assert app.answer(app.challenge(factor, REFERENCE), code).json()["status"] == "FAILED"
    assert app.post(f"{factor.path}/challenges", {"reference_id": REFERENCE}).status_code == 429
    app.http.get(f"{factor.path}/challenges", params={"search": f"reference_id=={REFERENCE}"}, headers=app.bearer)
    half = json.dumps([code_operation(right)])[:-1]
    app.http.patch(challenge, content=half, headers=app.bearer | PATCH_TYPE)
    app.patch(challenge, code_operation(right), code_operation(WRONG_CODE))
    app.get(f"{factor.path}/challenges/{right}")
    return [WRONG_CODE, right]


def use_commands(edge: "Edge", app: App) -> list[str]:
    """The secrets of callbacks, the newest and the one before."""
    tenant = ("--tenant", app.tenant.id)
    shown = json.loads(edge.run("callback", "secret", *tenant, "--rotate", "--json"))
    assert URL_SECRET not in edge.run("deliveries", "list", *tenant)
    assert len(shown["secrets"]) == 2
    return shown["secrets"]


def break_everything(edge: "Edge", operator: Operator, app: App) -> None:
    """What is stored can no longer be opened: then the edge and its courier log that they broke."""
    factor = app.active_factor(NEXT_USER)
    challenge = app.challenge(factor, REFERENCE)
    operator.change(app.tenant, callback_secrets=b"k1.broken")
    app.answer(app.challenge(factor, REFERENCE), WRONG_CODE)
    wait_until(lambda: "a callback cannot be signed" in edge.log.read_text())
    for noun in ("factor", "challenge"):
        for key in names(edge.redis, noun):
            edge.redis.command("HSET", key, "record", b"k1.broken")
    broken = [app.get(factor.path), app.get(challenge), app.answer(challenge, WRONG_CODE)]
    assert [answer.status_code for answer in broken] == [500, 500, 500]
