"""`watchword client`."""

from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from edge.scopes import SCOPES
from engine.errors import Unauthenticated
from engine.ids import AdminId
from tests.commands.operators import UNKNOWN, Operator

if TYPE_CHECKING:
    from engine.assembly import Engine
    from engine.ids import TenantId

OWNER = AdminId("0123456789abcdef" * 2)


def gets_a_token(operator: Operator, client: Any) -> bool:  # noqa: ANN401  # what a command answered
    async def ask(engine: "Engine") -> bool:
        pair = (client["client_id"], client["client_secret"])
        try:
            await engine.clients.issue_token(*pair, scopes=frozenset(), address="127.0.0.1")
        except Unauthenticated:
            return False
        return True

    return operator.asks_engine(ask)


def test_a_client_is_created_and_its_credentials_are_good(operator: Operator, tenant: "TenantId") -> None:
    client = operator.gets("client", "create", "--tenant", tenant)

    assert (client["tenant_id"], client["scopes"]) == (tenant, sorted(SCOPES))
    assert gets_a_token(operator, client)


def test_a_client_is_told_what_its_tenant_and_its_account_are_called(
    operator: Operator, tenant: "TenantId"
) -> None:
    owned = operator.asks_engine(lambda engine: engine.tenants.create(name="Owned", owner=OWNER)).id

    ours, theirs = (operator.gets("client", "create", "--tenant", one) for one in (tenant, owned))

    assert (ours["workspace_id"], ours["project_id"]) == (tenant, tenant)
    assert (theirs["workspace_id"], theirs["project_id"]) == (str(UUID(hex=OWNER)), owned)
    said = operator.reads("client", "create", "--tenant", owned)
    assert f"workspace id   {UUID(hex=OWNER)}\nproject id     {owned}\n" in said


def test_a_secret_is_shown_once(operator: Operator, tenant: "TenantId") -> None:
    said = operator.reads("client", "create", "--tenant", tenant, "--name", "app")
    secret = next(word for word in said.split() if word.startswith("wwc"))

    assert "not shown again" in said
    assert secret not in operator.reads("client", "list", "--tenant", tenant)


def test_clients_are_listed_with_their_scopes(operator: Operator, tenant: "TenantId") -> None:
    assert "client create" in operator.reads("client", "list", "--tenant", tenant)
    made = operator.gets(
        "client", "create", "--tenant", tenant, "--name", "app", "--scope", "oidc", "--scope", "authenticator"
    )

    (line,) = operator.gets("client", "list", "--tenant", tenant)

    assert (line["client_id"], line["name"]) == (made["client_id"], "app")
    assert line["scopes"] == made["scopes"] == ["authenticator", "oidc"]
    said = operator.reads("client", "list", "--tenant", tenant).splitlines()
    assert said[0].split() == ["CLIENT", "ID", "NAME", "SCOPES", "CREATED"]


def test_a_revoked_client_gets_no_token(operator: Operator, tenant: "TenantId") -> None:
    client, other = (operator.gets("client", "create", "--tenant", tenant) for _ in range(2))

    revoked = operator.gets("client", "revoke", "--tenant", tenant, client["client_id"])

    assert revoked == {"tenant_id": tenant, "client_id": client["client_id"], "revoked": True}
    assert [gets_a_token(operator, one) for one in (client, other)] == [False, True]
    again = operator.is_refused("client", "revoke", "--tenant", tenant, client["client_id"])
    assert "no client with this id" in again


@pytest.mark.parametrize("words", [("create",), ("list",), ("revoke", "x")])
def test_an_unknown_tenant_is_refused(operator: Operator, words: tuple[str, ...]) -> None:
    assert "No tenant has this id" in operator.is_refused("client", *words, "--tenant", UNKNOWN)


def test_an_unknown_scope_is_refused(operator: Operator, tenant: "TenantId") -> None:
    refused = operator.is_refused("client", "create", "--tenant", tenant, "--scope", "root", exit_code=2)
    assert "authenticator" in refused
