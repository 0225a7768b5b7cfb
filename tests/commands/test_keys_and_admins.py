"""`watchword key` and `watchword admin`."""

import asyncio

import pytest

from engine.assembly import Engine
from engine.errors import Unauthenticated, WrongPassword
from engine.ids import TenantId
from tests.commands.operators import Operator, is_good

EMAIL = "ann@example.com"

# API keys


def test_an_issued_key_works_beside_the_others(operator: Operator) -> None:
    made = operator.gets("tenant", "create", "--name", "Acme", "--active")
    issued = operator.gets("key", "issue", made["tenant_id"], "--name", "dialer")
    assert (issued["tenant_id"], issued["name"]) == (made["tenant_id"], "dialer")
    for api_key in (made["api_key"], issued["api_key"]):
        assert operator.asks_engine(lambda engine, api_key=api_key: is_good(engine, api_key))


def test_an_issued_key_is_shown_once(operator: Operator, tenant: TenantId) -> None:
    said = operator.reads("key", "issue", tenant, "--name", "dialer")
    assert "not shown again" in said
    api_key = next(word for word in said.split() if word.startswith("wwk"))
    assert operator.asks_engine(lambda engine: is_good(engine, api_key))


def test_keys_are_listed_by_id_and_name(operator: Operator, tenant: TenantId) -> None:
    issued = operator.gets("key", "issue", tenant, "--name", "dialer")
    lines = operator.gets("key", "list", tenant)
    assert {line["name"] for line in lines} == {"first", "dialer"}
    assert all(list(line) == ["key_id", "name", "created_at", "scopes", "networks"] for line in lines)
    said = operator.reads("key", "list", tenant)
    assert said.splitlines()[0].split() == ["API", "KEY", "ID", "NAME", "CREATED", "SCOPES", "NETWORKS"]
    assert issued["key_id"] in said


def test_a_key_has_the_scopes_and_networks_that_it_was_issued_with(operator: Operator, tenant: TenantId) -> None:
    operator.gets("key", "issue", tenant, "--name", "plain")
    networks = ("--network", "10.0.0.0/8", "--network", "2001:db8::/32")
    issued = operator.gets(
        "key", "issue", tenant, "--name", "bound", "--scope", "manage", "--scope", "fetch", *networks
    )
    assert (issued["scopes"], issued["networks"]) == (["fetch", "manage"], ["10.0.0.0/8", "2001:db8::/32"])
    told = {line["name"]: (line["scopes"], line["networks"]) for line in operator.gets("key", "list", tenant)}
    assert told["plain"] == told["first"] == (["fetch"], [])
    assert told["bound"] == (issued["scopes"], issued["networks"])
    assert "10.0.0.0/8 2001:db8::/32" in operator.reads("key", "list", tenant)


@pytest.mark.parametrize("network", ["10.0.0.1/8", "office", "", "10.0.0.0/33"])
def test_what_is_no_network_is_refused(operator: Operator, tenant: TenantId, network: str) -> None:
    said = operator.is_refused("key", "issue", tenant, "--name", "x", "--network", network, exit_code=2)
    assert "a network is needed" in said


def test_a_revoked_key_is_good_for_nothing_and_the_others_stay_good(operator: Operator) -> None:
    made = operator.gets("tenant", "create", "--name", "Acme", "--active")
    tenant_id = made["tenant_id"]
    issued = operator.gets("key", "issue", tenant_id, "--name", "dialer")
    revoked = operator.gets("key", "revoke", tenant_id, issued["key_id"])
    assert revoked == {"tenant_id": tenant_id, "key_id": issued["key_id"], "revoked": True}
    assert not operator.asks_engine(lambda engine: is_good(engine, issued["api_key"]))
    assert operator.asks_engine(lambda engine: is_good(engine, made["api_key"]))
    assert "no API key with this id" in operator.is_refused("key", "revoke", tenant_id, issued["key_id"])


def test_a_tenant_without_keys_is_told_how_to_get_one(operator: Operator, tenant: TenantId) -> None:
    (line,) = operator.gets("key", "list", tenant)
    assert (
        operator.reads("key", "revoke", tenant, line["key_id"]) == "Revoked: the next call with it is refused.\n"
    )
    assert operator.gets("key", "list", tenant) == []
    assert "watchword key issue" in operator.reads("key", "list", tenant)


def test_a_key_of_another_tenant_cannot_be_revoked(operator: Operator, tenant: TenantId) -> None:
    other = operator.creates("Other")
    (line,) = operator.gets("key", "list", other)
    assert "no API key with this id" in operator.is_refused("key", "revoke", tenant, line["key_id"])
    assert operator.gets("key", "list", other) == [line]


def test_two_keys_issued_at_once_are_both_good(operator: Operator, tenant: TenantId) -> None:
    async def at_once(engine: Engine) -> list[bool]:
        issued = await asyncio.gather(*[engine.api_keys.issue(tenant, name=name) for name in ("a", "b")])
        return [await is_good(engine, api_key) for api_key in issued]

    assert operator.asks_engine(at_once) == [True, True]


# Administrators


async def signs_up(engine: Engine) -> str:
    await engine.admins.sign_up(name="Ann", email=EMAIL, password="old password", address="::1")
    return await engine.admins.sign_in(email=EMAIL, password="old password", address="::1")


async def is_in(engine: Engine, password: str) -> bool:
    try:
        await engine.admins.sign_in(email=EMAIL, password=password, address="::1")
    except WrongPassword:
        return False
    return True


async def is_open(engine: Engine, token: str) -> bool:
    try:
        await engine.admins.authenticate(token)
    except Unauthenticated:
        return False
    return True


def test_a_reset_password_lets_in_and_the_old_one_and_its_sessions_do_not(operator: Operator) -> None:
    token = operator.asks_engine(signs_up)
    reset = operator.gets("admin", "reset-password", "Ann@Example.com")
    assert reset["email"] == "Ann@Example.com"
    assert operator.asks_engine(lambda engine: is_in(engine, reset["password"]))
    assert not operator.asks_engine(lambda engine: is_in(engine, "old password"))
    assert not operator.asks_engine(lambda engine: is_open(engine, token))


def test_a_reset_password_is_shown_once(operator: Operator) -> None:
    operator.asks_engine(signs_up)
    first, second = (operator.reads("admin", "reset-password", EMAIL) for _ in range(2))
    assert first != second
    assert "not shown again" in first


@pytest.mark.parametrize("email", ["nobody@example.com", "nobody"])
def test_an_unknown_administrator_is_a_sentence(operator: Operator, email: str) -> None:
    assert "Nobody signed up" in operator.is_refused("admin", "reset-password", email)


def test_an_address_that_is_no_text_is_refused(operator: Operator) -> None:
    operator.is_refused("admin", "reset-password", "ann\udcff@example.com", exit_code=2)
