"""Two companies on one deployment: whose credentials, ids and bodies are whose."""

import json
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlencode

from engine.ids import api_key_id
from engine.tenants import Scope
from engine.tokens import digest
from tests.edge.apps import PHONE, App, Factor, code_operation, new_app
from tests.edge.consoles import SAME_SITE
from tests.edge.sockets import Answer, ask, request
from tests.edge.tenants import PASSWORD, fresh

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

    from tests.edge.declared import Called
    from tests.edge.program import Edge
    from tests.edge.tenants import Admin, Operator, Tenant

JSON, FORM = "application/json", "application/x-www-form-urlencoded"
CLOSE = ("connection", "close")


class House(NamedTuple):
    """A tenant with a live passcode, an active factor, and a challenge that waits for its code."""

    tenant: "Tenant"
    app: App
    user: str
    pass_key: str
    passcode: str
    factor: Factor
    challenge: str
    managing_key: str
    agent: str
    operator: "Operator"

    @property
    def ids(self) -> dict[str, str]:
        """For every parameter that paths have."""
        *_, factor_id, _, challenge_id = self.challenge.split("/")
        *_, workspace_id, _, project_id = self.app.project.split("/")
        return {
            "tenant_id": self.tenant.id,
            "key": self.pass_key,
            "factor_id": factor_id,
            "challenge_id": challenge_id,
            "workspace_id": workspace_id,
            "project_id": project_id,
        }

    @property
    def credentials(self) -> "dict[str, Mapping[str, str]]":
        """By the names of edge.calls.Credential."""
        return {
            "administrator": self.tenant.bearer,
            "apiKey": self.tenant.key_header,
            "managingApiKey": {"x-api-key": self.managing_key},
            "client": self.app.basic,
            "accessToken": self.app.bearer,
            "consoleSession": {"cookie": f"watchword-console={self.tenant.admin.token}", **SAME_SITE},
        }

    @property
    def secrets(self) -> dict[str, str]:
        """The same as they are said, without a header."""
        return {
            "administrator": self.tenant.admin.token,
            "apiKey": self.tenant.api_key,
            "managingApiKey": self.managing_key,
            "client": self.app.credentials.secret,
            "accessToken": self.app.token,
            "consoleSession": self.tenant.admin.token,
        }

    def body(self, operation: str) -> object:
        """One that this house's own call would be carried out with. None = there is no body to send."""
        details = {"tenant_config_details": {"pass_phrase_length": 12}}
        rename = {"op": "replace", "path": "/external_user_id", "value": fresh("user")}
        issuer = {"op": "add", "path": "/configuration/authenticator/issuer_name", "value": "Taken over"}
        bodies: dict[str, object] = {
            "read_config": None,
            "create_config": details,
            "replace_config": details,
            "fetch": None,
            "refresh_api_key": None,
            "read_factor": None,
            "change_factor": [rename],
            "create_challenge": {"reference_id": "x"},
            "list_challenges": None,
            "read_challenge": None,
            "answer_challenge": [code_operation(self.factor.code())],
            "read_project": None,
            "change_project": [issuer],
            "create_factor": {"phone_number": PHONE, "external_user_id": self.user},
            "list_factors": None,
            "create_tenant": {"tenant_name": fresh("another tenant")},
            "issue_token": {"grant_type": "client_credentials"},
            "revoke_token": {"token": self.app.token},
            "show_home": None,
            "create_tenant_at_console": {"tenant_name": fresh("another tenant")},
            "show_password": None,
            "change_password": {"current": PASSWORD, "password": "another one", "again": "another one"},
            "show_tenant": None,
            "replace_api_keys": {"sure": "yes", "instead_of": self._key_ids},
            "show_passcodes": None,
            "set_passcodes": {
                "mode": "manual",
                "alphabet": "numeric",
                "length": "8",
                "expires_s": "120",
                "max_fetches": "2",
            },
            "show_origins": None,
            "set_origins": {"origins": "https://taken-over.example"},
            "show_agents": None,
            "show_usage": None,
            "show_audit": None,
            "find_pass_key": {"pass_key": self.pass_key},
            "export_audit": None,
            "create_agent": {"name": "Eve", "email": f"{fresh('agent').replace(' ', '')}@example.com"},
            "reset_agent_password": {"email": self.agent},
            "delete_agent": {"email": self.agent},
        }
        return bodies[operation]

    @property
    def _key_ids(self) -> str:
        return " ".join(api_key_id(digest(key)) for key in (self.tenant.api_key, self.managing_key))


def build(operator: "Operator", admin: "Admin", http: "httpx.Client") -> House:
    tenant = operator.new_tenant(admin, http)
    app = new_app(operator, tenant)
    user, pass_key = fresh("user"), f"4477009{int(fresh('key').split()[1]):05}"
    factor = app.active_factor(user)
    passcode = tenant.submit(pass_key).json()["data"]["pass_phrase"]
    managing_key = operator.issue_api_key(tenant, scopes=(Scope.MANAGE,))
    agent = "ann@example.com"
    operator.run(lambda engine: engine.agents.create(tenant.id, name="Ann", email=agent))
    challenge = app.challenge(factor)
    return House(tenant, app, user, pass_key, passcode, factor, challenge, managing_key, agent, operator)


def call(
    edge: "Edge",
    called: "Called",
    method: str,
    *,
    ids: "Mapping[str, str]",
    headers: "Mapping[str, str]",
    body: object,
) -> Answer:
    """A call of a route, with whatever ids, credentials and body."""
    known = [CLOSE, *headers.items()]
    if body is None:
        return ask(edge, request(method, called.path.format(**ids), known))
    media_type = FORM if called.is_form else JSON
    content = urlencode(body) if called.is_form else json.dumps(body)  # pyright: ignore[reportArgumentType]  # a form
    sent = request(method, called.path.format(**ids), [*known, ("content-type", media_type)], content.encode())
    return ask(edge, sent)
