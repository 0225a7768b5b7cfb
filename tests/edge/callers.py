"""Callers of whatever the OpenAPI document describes: what they know, and how they prove who they are.

A further surface adds its security schemes to `_good` and `_BAD`, its parameters to `_params`, and what cannot be
made up to the bodies of the insider.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.edge.tenants import PASSWORD

if TYPE_CHECKING:
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
    bodies: Mapping[str, Mapping[str, str]] = field(default_factory=dict[str, Mapping[str, str]], repr=False)

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


def outsiders_of(tenant: "Tenant") -> list[Caller]:
    """Those who know nothing, only what is no secret, and only what is no use."""
    return [
        Caller("nobody"),
        Caller("visitor", params=_params(tenant)),
        Caller("impostor", headers=_BAD, params=_params(tenant)),
        Caller("stranger", headers=_good(tenant)),
    ]


def insiders_of(tenant: "Tenant") -> list[Caller]:
    """Those who have the tenant's credentials; one of them does not know what is stored."""
    credentials = {"email": tenant.admin.email, "password": PASSWORD}
    logins = ("identity_login", "identity_login_at_user_login", "identity_login_at_tenant_user_login")
    return [
        Caller("newcomer", headers=_good(tenant), params={"tenant_id": tenant.id}),
        Caller(
            "insider",
            headers=_good(tenant),
            params=_params(tenant),
            bodies=dict.fromkeys(logins, credentials),
        ),
    ]


_BAD = {"administrator": {"authorization": "Bearer no"}, "apiKey": {"x-api-key": "no"}}


def _good(tenant: "Tenant") -> dict[str, dict[str, str]]:
    """By security scheme."""
    return {"administrator": tenant.bearer, "apiKey": tenant.key_header}


def _params(tenant: "Tenant") -> dict[str, str]:
    return {"tenant_id": tenant.id, "key": PASS_KEY}
