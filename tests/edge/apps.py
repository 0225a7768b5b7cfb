"""An application that challenges its users: a client of a tenant on the Authenticator surface."""

import time
from base64 import b32decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import msgspec

from edge.scopes import SCOPES
from engine.clients import Credentials
from engine.policies import ChallengePolicy
from engine.tenants import ChallengeSetup
from engine.totp import TotpPolicy, code_at
from tests.edge.sockets import request
from tests.edge.tenants import Operator, Tenant, fresh

if TYPE_CHECKING:
    import httpx

    from engine.assembly import Engine

# A code of the last step is still good in the next one: the clock may turn while a test runs.
TOTP = TotpPolicy(window=2)
SETUP = ChallengeSetup(issuer="Acme Bank")
POLICY = ChallengePolicy(totp=TOTP)
PATCH_TYPE = {"content-type": "application/json-patch+json"}
PHONE = "+447700900000"


@dataclass(frozen=True)
class Factor:
    """A factor, and what the user's app has read from its picture."""

    path: str
    secret: str
    policy: TotpPolicy = TOTP

    def code(self, *, steps: int = 0) -> str:
        """What the app shows now, or did some steps ago."""
        return code_at(self.policy, _bytes(self.secret), now_s=time.time() + steps * self.policy.step_s)

    @property
    def wrong_code(self) -> str:
        """A code that is wrong for a while."""
        right = {self.code(steps=steps) for steps in range(-4, 5)}
        return next(code for number in range(20) if (code := f"{number * 111111 % 1000000:06}") not in right)


@dataclass(frozen=True)
class App:
    """The calls of a tenant's back end."""

    tenant: Tenant
    credentials: Credentials
    token: str
    http: "httpx.Client"
    totp: TotpPolicy = TOTP

    @property
    def basic(self) -> dict[str, str]:
        pair = f"{self.credentials.client_id}:{self.credentials.secret}"
        return {"authorization": f"Basic {b64encode(pair.encode()).decode()}"}

    @property
    def bearer(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token}"}

    @property
    def project(self) -> str:
        """The path of the tenant as the console has it."""
        return f"/console/v0.2/workspaces/{UUID(hex=self.tenant.admin.id)}/projects/{self.tenant.id}"

    def through(self, http: "httpx.Client") -> "App":
        """The same by another client."""
        return replace(self, http=http)

    def get(self, path: str) -> "httpx.Response":
        return self.http.get(path, headers=self.bearer)

    def post(self, path: str, body: object = None) -> "httpx.Response":
        return self.http.post(path, json=body or {}, headers=self.bearer)

    def patch(self, path: str, *operations: object) -> "httpx.Response":
        content = msgspec.json.encode(operations)
        return self.http.patch(path, content=content, headers=self.bearer | PATCH_TYPE)

    def patch_request(self, path: str, *operations: object) -> bytes:
        """The same as bytes, for a swarm."""
        headers = [*self.bearer.items(), *PATCH_TYPE.items()]
        return request("PATCH", path, headers, msgspec.json.encode(operations))

    def post_request(self, path: str, body: object) -> bytes:
        headers = [*self.bearer.items(), ("content-type", "application/json")]
        return request("POST", path, headers, msgspec.json.encode(body))

    def enrol(self, user: str | None = None) -> Factor:
        """A pending factor."""
        body = {"phone_number": PHONE, "external_user_id": user or fresh("user")}
        made = self.post("/authenticator/v0.1/factors", body).json()
        return Factor(f"/authenticator/v0.1/factors/{made['factor_id']}", secret_of(made["url"]), self.totp)

    def activate(self, factor: Factor) -> Factor:
        """By the code of the step before, so that the present one is still good."""
        answer = self.patch(factor.path, code_operation(factor.code(steps=-1)))
        assert answer.json()["status"] == "ACTIVE"
        return factor

    def active_factor(self, user: str | None = None) -> Factor:
        return self.activate(self.enrol(user))

    def challenge(self, factor: Factor, reference: str | None = None) -> str:
        """The path of a new challenge."""
        body: dict[str, Any] = {} if reference is None else {"reference_id": reference}
        made = self.post(f"{factor.path}/challenges", body).json()
        return f"{factor.path}/challenges/{made['challenge_id']}"

    def answer(self, challenge: str, code: str) -> "httpx.Response":
        return self.patch(challenge, code_operation(code))


def new_app(
    operator: Operator, tenant: Tenant, *, setup: ChallengeSetup | None = SETUP, policy: ChallengePolicy = POLICY
) -> App:
    """A client of a tenant, with a token of all scopes."""
    operator.change(tenant, challenge_setup=setup, challenge_policy=policy)

    async def make(engine: "Engine") -> tuple[Credentials, str]:
        made = await engine.clients.create(tenant.id, name="app", scopes=SCOPES)
        token = await engine.clients.issue_token(*made, scopes=SCOPES, address=fresh("address"))
        return made, token.text

    credentials, token = operator.run(make)
    return App(tenant, credentials, token, tenant.http, policy.totp)


def code_operation(code: str) -> Mapping[str, str]:
    return {"op": "add", "path": "/code", "value": code}


def secret_of(url: str) -> str:
    return parse_qs(urlsplit(url).query)["secret"][0]


def _bytes(secret: str) -> bytes:
    return b32decode(secret)
