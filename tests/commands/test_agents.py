"""`watchword agent`."""

import pytest

from engine.assembly import Engine
from engine.errors import Unauthenticated, WrongPassword
from engine.ids import TenantId
from tests.commands.operators import Operator

EMAIL = "ann@example.com"


async def token_of(engine: Engine, tenant: TenantId, password: str) -> str:
    return (await engine.agents.sign_in(tenant, email=EMAIL, password=password, address="::1")).token


async def is_in(engine: Engine, tenant: TenantId, password: str) -> bool:
    try:
        await token_of(engine, tenant, password)
    except WrongPassword:
        return False
    return True


async def is_open(engine: Engine, tenant: TenantId, token: str) -> bool:
    try:
        await engine.agents.authenticate(tenant, token)
    except Unauthenticated:
        return False
    return True


@pytest.fixture
def tenant(operator: Operator) -> TenantId:
    """Active, or its agents could not sign in."""
    return TenantId(operator.gets("tenant", "create", "--name", "Acme", "--active")["tenant_id"])


def test_a_created_agent_signs_in_with_the_password_that_is_shown(operator: Operator, tenant: TenantId) -> None:
    made = operator.gets("agent", "create", "--tenant", tenant, "Ann@Example.com", "--name", "Ann")
    assert operator.asks_engine(lambda engine: token_of(engine, tenant, made["password"]))
    (line,) = operator.gets("agent", "list", "--tenant", tenant)
    assert (line["email"], line["name"]) == ("Ann@Example.com", "Ann")
    said = operator.reads("agent", "list", "--tenant", tenant)
    assert said.splitlines()[0].split() == ["E-MAIL", "NAME", "CREATED"]
    assert made["password"] not in said
    assert "has an agent with this" in operator.is_refused("agent", "create", "--tenant", tenant, EMAIL)


def test_it_says_where_they_sign_in_and_that_the_password_is_not_shown_again(
    operator: Operator, tenant: TenantId
) -> None:
    said = operator.reads("agent", "create", "--tenant", tenant, EMAIL)
    assert "not shown again" in said
    assert f"/agent/{tenant}" in said
    assert "not shown again" in operator.reads("agent", "reset-password", "--tenant", tenant, EMAIL)


def test_a_reset_password_lets_in_and_the_old_one_and_its_sessions_do_not(
    operator: Operator, tenant: TenantId
) -> None:
    made = operator.gets("agent", "create", "--tenant", tenant, EMAIL)
    token = operator.asks_engine(lambda engine: token_of(engine, tenant, made["password"]))
    reset = operator.gets("agent", "reset-password", "--tenant", tenant, EMAIL)
    assert operator.asks_engine(lambda engine: token_of(engine, tenant, reset["password"]))
    assert not operator.asks_engine(lambda engine: is_in(engine, tenant, made["password"]))
    assert not operator.asks_engine(lambda engine: is_open(engine, tenant, token))


def test_a_deleted_agent_is_out_at_once(operator: Operator, tenant: TenantId) -> None:
    made = operator.gets("agent", "create", "--tenant", tenant, EMAIL)
    token = operator.asks_engine(lambda engine: token_of(engine, tenant, made["password"]))
    deleted = operator.gets("agent", "delete", "--tenant", tenant, EMAIL)
    assert deleted == {"tenant_id": tenant, "email": EMAIL, "deleted": True}
    assert not operator.asks_engine(lambda engine: is_open(engine, tenant, token))
    assert operator.gets("agent", "list", "--tenant", tenant) == []
    assert "watchword agent create" in operator.reads("agent", "list", "--tenant", tenant)


@pytest.mark.parametrize("command", ["delete", "reset-password"])
def test_an_unknown_agent_and_another_tenants_are_a_sentence(
    operator: Operator, tenant: TenantId, command: str
) -> None:
    operator.gets("agent", "create", "--tenant", operator.creates("Other"), EMAIL)
    assert "No agent has this e-mail" in operator.is_refused("agent", command, "--tenant", tenant, EMAIL)


@pytest.mark.parametrize("words", [("create", EMAIL), ("list",), ("delete", EMAIL), ("reset-password", EMAIL)])
def test_an_unknown_tenant_is_a_sentence(operator: Operator, words: "tuple[str, ...]") -> None:
    command, *arguments = words
    for tenant_id in ("00000000-0000-4000-8000-000000000000", "no"):
        said = operator.is_refused("agent", command, "--tenant", tenant_id, *arguments)
        assert "No tenant has this id" in said or "No agent has this e-mail" in said
