"""Callers of whatever the OpenAPI document describes: what they know, and how they prove who they are.

A further surface adds its security schemes to `_good` and `_BAD`, its parameters to `_params`, and what cannot be
made up to `_bodies`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.edge.apps import PHONE
from tests.edge.tenants import PASSWORD, fresh

if TYPE_CHECKING:
    from tests.edge.apps import App
    from tests.edge.tenants import Tenant

PASS_KEY = "23456"


@dataclass(frozen=True)
class Caller:
    """Says what is here, and leaves the rest as it was made up.

    Args:
        name: for reports.
        headers: of each security scheme.
        params: of paths.
        bodies: by operationId.
    """

    name: str
    headers: Mapping[str, Mapping[str, str]] = field(default_factory=dict[str, Mapping[str, str]], repr=False)
    params: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    bodies: Mapping[str, object] = field(default_factory=dict[str, object], repr=False)

    def brief(self, case: Any) -> dict[str, str]:  # noqa: ANN401  # schemathesis leaves its cases generic
        """Put into a generated case what the caller knows, and return the headers to send it with."""
        definition: dict[str, Any] = case.operation.definition.raw
        case.path_parameters.update(
            {name: self.params[name] for name in case.path_parameters if name in self.params}
        )
        case.body = self.bodies.get(definition["operationId"], case.body)
        alternatives: list[dict[str, Any]] = definition.get("security", [])
        schemes = [scheme for alternative in alternatives for scheme in alternative]
        return next((dict(self.headers[scheme]) for scheme in schemes if scheme in self.headers), dict[str, str]())


@dataclass(frozen=True)
class House:
    """A tenant with a passcode, an application, and a user whom it has challenged."""

    tenant: "Tenant"
    app: "App"
    challenge: str
    managing_key: str

    def outsiders(self) -> list[Caller]:
        """Those who know nothing, only what is no secret, and only what is no use."""
        return [
            Caller("nobody"),
            Caller("visitor", params=self._params),
            Caller("impostor", headers=_BAD, params=self._params),
            Caller("stranger", headers=self._good),
        ]

    def insiders(self) -> list[Caller]:
        """Those who have the tenant's credentials; one of them does not know what is stored."""
        return [
            Caller("newcomer", headers=self._good, params={"tenant_id": self.tenant.id}),
            Caller("insider", headers=self._good, params=self._params, bodies=self._bodies),
        ]

    @property
    def _good(self) -> dict[str, dict[str, str]]:
        """By security scheme."""
        return {
            "administrator": self.tenant.bearer,
            "apiKey": self.tenant.key_header,
            "managingApiKey": {"x-api-key": self.managing_key},
            "client": self.app.basic,
            "accessToken": self.app.bearer,
        }

    @property
    def _params(self) -> dict[str, str]:
        *_, factor_id, _, challenge_id = self.challenge.split("/")
        *_, workspace_id, _, project_id = self.app.project.split("/")
        return {
            "tenant_id": self.tenant.id,
            "key": PASS_KEY,
            "factor_id": factor_id,
            "challenge_id": challenge_id,
            "workspace_id": workspace_id,
            "project_id": project_id,
        }

    @property
    def _bodies(self) -> dict[str, object]:
        credentials = {"email": self.tenant.admin.email, "password": PASSWORD}
        logins = ("identity_login", "identity_login_at_user_login", "identity_login_at_tenant_user_login")
        renaming = {"op": "replace", "path": "/external_user_id", "value": fresh("user")}
        issuing = {"op": "add", "path": "/configuration", "value": {"authenticator": {"issuer_name": "Acme"}}}
        return {
            **dict.fromkeys(logins, credentials),
            "oauth_issue_token": {"grant_type": "client_credentials"},
            "authenticator_create_factor": {"phone_number": PHONE, "external_user_id": fresh("user")},
            "authenticator_change_factor": [renaming],
            "console_change_project": [issuing],
        }


_BAD = {
    "administrator": {"authorization": "Bearer no"},
    "apiKey": {"x-api-key": "no"},
    "managingApiKey": {"x-api-key": "no"},
    "client": {"authorization": "Basic bm9ib2R5Om5v"},
    "accessToken": {"authorization": "Bearer no"},
}
