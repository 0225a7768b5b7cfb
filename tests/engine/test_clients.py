"""OAuth clients and their access tokens."""

import asyncio
from typing import TYPE_CHECKING

import pytest

from edge.scopes import SCOPES
from engine.clients import Credentials
from engine.errors import ScopeRefused, TenantInactive, Unauthenticated, UnknownClient, UnknownTenant
from engine.ids import ClientId, TenantId
from engine.tenants import State
from engine.tokens import Kind, mint
from tests.engine.servers import scan

if TYPE_CHECKING:
    from engine.assembly import Engine
    from engine.tenants import Tenant
    from tests.engine.servers import Admin

pytestmark = pytest.mark.anyio

SOME = frozenset({"authenticator", "oidc"})
ANY = frozenset[str]()

ADDRESS = "192.0.2.1"


async def created(engine: "Engine", tenant: "Tenant", scopes: frozenset[str] = SOME) -> Credentials:
    return await engine.clients.create(tenant.id, name="app", scopes=scopes)


async def whose(engine: "Engine", text: str, *, scope: str = "oidc") -> str:
    """The tenant whose client a token is of."""
    return (await engine.clients.admit(text, scope=scope)).tenant.id


async def test_a_client_gets_tokens_that_say_whose_they_are(engine: "Engine", tenant: "Tenant") -> None:
    client = await created(engine, tenant)

    token = await engine.clients.issue_token(*client, scopes=ANY, address=ADDRESS)

    assert token.scopes == SOME
    for scope in SOME:
        assert await whose(engine, token.text, scope=scope) == tenant.id
    for scope in (SCOPES - SOME) | {"unknown", ""}:
        with pytest.raises(ScopeRefused):
            await whose(engine, token.text, scope=scope)


@pytest.mark.parametrize(
    ("asked", "granted"),
    [({"oidc"}, {"oidc"}), ({"oidc", "phone_check"}, {"oidc"}), (SCOPES, SOME), (set[str](), SOME)],
)
async def test_a_token_has_those_of_the_scopes_that_its_client_has(
    engine: "Engine", tenant: "Tenant", asked: set[str], granted: set[str]
) -> None:
    client = await created(engine, tenant)

    assert (await engine.clients.issue_token(*client, scopes=frozenset(asked), address=ADDRESS)).scopes == granted


@pytest.mark.parametrize("asked", [{"phone_check"}, {"unknown"}, {"oidc", "unknown"}])
async def test_other_scopes_are_refused(engine: "Engine", tenant: "Tenant", asked: set[str]) -> None:
    client = await created(engine, tenant)

    with pytest.raises(ScopeRefused):
        await engine.clients.issue_token(*client, scopes=frozenset(asked), address=ADDRESS)


@pytest.mark.parametrize("scopes", [ANY, frozenset({"unknown"})])
async def test_no_client_has_unknown_scopes_or_none(
    engine: "Engine", tenant: "Tenant", scopes: frozenset[str]
) -> None:
    with pytest.raises(ScopeRefused):
        await created(engine, tenant, scopes)
    with pytest.raises(UnknownTenant):
        await engine.clients.create(TenantId("nobody"), name="app", scopes=SOME)


async def test_a_wrong_secret_or_an_unknown_client_gets_nothing(engine: "Engine", tenant: "Tenant") -> None:
    client, other = await created(engine, tenant), await created(engine, tenant)
    for client_id, secret in [
        (client.client_id, other.secret),
        (client.client_id, ""),
        (f"{tenant.id}.0000000000000000", client.secret),
        (tenant.id, client.secret),
        ("", ""),
        ("00000000-0000-4000-8000-000000000000.0", client.secret),
    ]:
        with pytest.raises(Unauthenticated):
            await engine.clients.issue_token(client_id, secret, scopes=ANY, address=ADDRESS)


async def test_what_is_no_token_of_ours_is_refused(engine: "Engine", tenant: "Tenant") -> None:
    client = await created(engine, tenant)
    token = (await engine.clients.issue_token(*client, scopes=ANY, address=ADDRESS)).text
    for text in ("", token[:-1], token[:-8] + "00000000", client.secret, mint(Kind.ACCESS_TOKEN, "0" * 32)):
        with pytest.raises(Unauthenticated):
            await whose(engine, text)


async def test_a_token_is_revoked_by_its_client_and_by_no_other(engine: "Engine", tenant: "Tenant") -> None:
    client, other = await created(engine, tenant), await created(engine, tenant)
    token, kept = [(await engine.clients.issue_token(*client, scopes=ANY, address=ADDRESS)).text for _ in range(2)]

    await engine.clients.revoke_token(*other, text=token)
    await engine.clients.revoke_token(*other, text="nonsense")
    assert await whose(engine, token) == tenant.id
    with pytest.raises(Unauthenticated):
        await engine.clients.revoke_token(client.client_id, "wrong", text=token)
    await engine.clients.revoke_token(*client, text=token)
    await engine.clients.revoke_token(*client, text=token)

    with pytest.raises(Unauthenticated):
        await whose(engine, token)
    assert await whose(engine, kept) == tenant.id


async def test_a_revoked_client_and_its_tokens_are_refused_at_once(engine: "Engine", tenant: "Tenant") -> None:
    client, other = await created(engine, tenant), await created(engine, tenant)
    token = (await engine.clients.issue_token(*client, scopes=ANY, address=ADDRESS)).text
    others = (await engine.clients.issue_token(*other, scopes=ANY, address=ADDRESS)).text
    assert await whose(engine, token) == tenant.id

    await engine.clients.revoke(tenant.id, client.client_id)

    with pytest.raises(Unauthenticated):
        await whose(engine, token)
    with pytest.raises(Unauthenticated):
        await engine.clients.issue_token(*client, scopes=ANY, address=ADDRESS)
    assert await whose(engine, others) == tenant.id
    with pytest.raises(UnknownClient):
        await engine.clients.revoke(tenant.id, client.client_id)


async def test_clients_of_a_suspended_tenant_get_nothing(engine: "Engine", tenant: "Tenant") -> None:
    client = await created(engine, tenant)
    token = (await engine.clients.issue_token(*client, scopes=ANY, address=ADDRESS)).text

    await engine.tenants.set_state(tenant.id, State.SUSPENDED)

    with pytest.raises(TenantInactive):
        await whose(engine, token)
    with pytest.raises(TenantInactive):
        await engine.clients.issue_token(*client, scopes=ANY, address=ADDRESS)
    await engine.tenants.delete(tenant.id)
    with pytest.raises(Unauthenticated):
        await whose(engine, token)


async def test_of_many_clients_created_at_once_none_is_lost(engine: "Engine", tenant: "Tenant") -> None:
    made = await asyncio.gather(*[created(engine, tenant) for _ in range(20)])

    known = (await engine.tenants.read(tenant.id)).clients
    assert set(known) == {client.client_id for client in made}
    assert len({client.secret for client in made}) == 20
    assert ClientId("nobody") not in known


async def test_neither_secrets_nor_tokens_are_in_redis(
    engine: "Engine", tenant: "Tenant", admin_redis: "Admin"
) -> None:
    client = await created(engine, tenant)
    token = (await engine.clients.issue_token(*client, scopes=ANY, address=ADDRESS)).text

    for name in scan(admin_redis):
        dumped = name + (admin_redis.dump(name) or b"")
        assert client.secret.encode() not in dumped
        assert token.encode() not in dumped
