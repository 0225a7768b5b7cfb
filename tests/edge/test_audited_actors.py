"""The audit trail names who has changed something, and not whom it belongs to."""

from contextlib import aclosing
from typing import TYPE_CHECKING

from engine.audit_events import Event, Filter
from engine.ids import TenantId
from engine.policies import ChallengePolicy
from engine.tenants import Scope
from tests.edge.apps import new_app

if TYPE_CHECKING:
    from engine.assembly import Engine
    from tests.edge.tenants import Operator, Tenant

CONFIG = {"tenant_config_details": {"pass_phrase_length": 7}}


def actors(operator: "Operator", tenant: "Tenant") -> list[str]:
    """Of the events of a tenant, the oldest first."""

    async def read(engine: "Engine") -> list[Event]:
        async with aclosing(engine.audit.export(TenantId(tenant.id), Filter())) as events:
            return [event async for event in events]

    return [event.actor for event in operator.run(read)]


def test_a_configuration_that_a_key_has_set_was_set_by_the_key(operator: "Operator", tenant: "Tenant") -> None:
    headers = {"x-api-key": operator.issue_api_key(tenant, scopes=(Scope.MANAGE,))}
    answer = tenant.http.put(f"/api/v2/tenant/{tenant.id}/config", json=CONFIG, headers=headers)
    assert answer.is_success, answer.text
    assert actors(operator, tenant)[-1].startswith("api-key:")


def test_a_project_that_a_client_has_changed_was_changed_by_the_client(
    operator: "Operator", tenant: "Tenant"
) -> None:
    app = new_app(operator, tenant, policy=ChallengePolicy())
    patch = [{"op": "add", "path": "/configuration", "value": {"authenticator": {"issuer_name": "Other"}}}]
    headers = {**app.bearer, "content-type": "application/json-patch+json"}
    answer = tenant.http.patch(app.project, json=patch, headers=headers)
    assert answer.is_success, answer.text
    assert actors(operator, tenant)[-1].startswith("client:")
