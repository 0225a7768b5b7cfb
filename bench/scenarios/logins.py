"""The calls of the Authenticator surface as an application makes them, and how their answers are judged.

A user is activated by the code that the app shows now, and answers with the next one, which is good already: so
nobody waits for the clock, and both stay good while it turns.
"""

import secrets
import time
from base64 import b32decode
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from locust.contrib.fasthttp import FastHttpSession

from bench.answers import Answer, Unexpected
from bench.clients import Client
from bench.ledger import Question
from bench.operator import Unusable
from bench.scenarios.calls import Calls, read_answer
from engine.totp import TotpPolicy, code_at

FACTORS = "/authenticator/v0.1/factors"
FACTOR = FACTORS + "/{factor_id}"
CHALLENGES = FACTOR + "/challenges"
CHALLENGE = CHALLENGES + "/{challenge_id}"
_TOKEN = "/oauth2/v1/token"

_FORM = "grant_type=client_credentials&scope=authenticator"
_FORM_TYPE = {"content-type": "application/x-www-form-urlencoded"}
_PATCH = {"content-type": "application/json-patch+json"}
_NOT_SET_UP = (400, "bad_request")
_SETUP = [{"op": "add", "path": "/configuration", "value": {"authenticator": {"issuer_name": "bench"}}}]
_PHONE = "+447700900000"
_POLICY = TotpPolicy()


@dataclass(frozen=True, slots=True)
class Login:
    """A user with an active factor, and the code that is good for one answer."""

    client: Client
    path: str
    code: str = field(repr=False)

    @property
    def wrong_code(self) -> str:
        """It is right by a chance of three in a million."""
        return f"{(int(self.code) + 1) % 10**_POLICY.digits:0{_POLICY.digits}}"


class Logins:
    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    @contextmanager
    def asking(self, client: Client, method: str, path: str, name: str, body: object = None) -> Generator[Answer]:
        """Ask for a client, and judge the answer in the block."""
        headers = {**self._bearer(client), **(_PATCH if method == "PATCH" else {})}
        with self._calls.asking(method, path, name, headers=headers, body=body) as answer:
            yield answer

    def enrol(self, client: Client) -> Login | None:
        """A new user; None if there was no proper answer."""
        made = self._enrolled(client, user=secrets.token_hex(12))
        if made is None:
            return None
        secret = b32decode(parse_qs(urlsplit(str(made["url"])).query)["secret"][0])
        login = Login(client, f"{FACTORS}/{made['factor_id']}", _code(secret, steps=1))
        with self.asking(client, "PATCH", login.path, FACTOR, patch(_code(secret))) as answer:
            answer.resource(200, "ACTIVE")
            return login
        return None

    def _enrolled(self, client: Client, *, user: str) -> Mapping[str, object] | None:
        body = {"phone_number": _PHONE, "external_user_id": user}
        with self.asking(client, "POST", FACTORS, FACTORS, body) as answer:
            return answer.resource(201, "PENDING")
        return None

    def challenge(self, login: Login) -> Question | None:
        """What a user is asked; None if there was no proper answer."""
        with self.asking(login.client, "POST", f"{login.path}/challenges", CHALLENGES, {}) as answer:
            challenge_id = answer.resource(201, "PENDING")["challenge_id"]
            return Question(f"{login.path}/challenges/{challenge_id}")
        return None

    def _bearer(self, client: Client) -> Mapping[str, str]:
        """What lets a client in: a new token if there is none that is good for a while; or nothing."""
        if client.bearer is None:
            with self._calls.asking("POST", _TOKEN, _TOKEN, headers=client.basic, form=_FORM) as answer:
                client.keep(*answer.token())
        return client.bearer or {}


def set_up(number: int, client: Client, http: FastHttpSession) -> None:
    """Let a client in, and set the challenges of its tenant up, if nobody has.

    Raises:
        Unusable
    """
    project = f"/console/v0.2/workspaces/{client.tenant_id}/projects/{client.tenant_id}"
    try:
        token = read_answer(http.post(_TOKEN, data=_FORM, headers={**client.basic, **_FORM_TYPE})).token()
        client.keep(*token)
        headers = {**(client.bearer or {}), **_PATCH}
        if read_answer(http.get(FACTORS, headers=headers)).outcome == _NOT_SET_UP:
            http.patch(project, headers=headers, json=_SETUP)
        answer = read_answer(http.get(FACTORS, headers=headers))
        if answer.status != 200:
            raise answer.unlike(200)
    except Unexpected as reason:
        raise Unusable(f"client {number} cannot be used: {reason}") from None


def patch(code: str) -> object:
    return [{"op": "add", "path": "/code", "value": code}]


def _code(secret: bytes, *, steps: int = 0) -> str:
    return code_at(_POLICY, secret, now_s=time.time() + steps * _POLICY.step_s)
