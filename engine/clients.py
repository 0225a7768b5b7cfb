"""OAuth 2.0 clients of a tenant, and the access tokens that they get (RFC 6749 4.4, RFC 7009).

Clients live in their tenant's record, as API keys do: a revoked client is gone with the write that revoked it, on
every worker, and its tokens with it.
"""

import secrets
import time
from hmac import compare_digest
from typing import NamedTuple

import msgspec

from engine.errors import LimitState, ScopeRefused, Unauthenticated, UnknownClient, UnknownTenant
from engine.ids import ClientId, TenantId
from engine.known_tenants import KnownTenants
from engine.limits import Limits
from engine.rates import DefaultRates
from engine.store.access_tokens import AccessTokenStore, ReadStatus
from engine.store.keys import KeySpace, Place
from engine.tenants import OAuthClient, Tenant, Tenants
from engine.tokens import Kind, digest, mint, parse

TOKEN_LIFE_S = 3600

_NO_SECRET = digest("")


class Credentials(NamedTuple):
    """Of a new client. The secret is returned once and stored never."""

    client_id: ClientId
    secret: str


class AccessToken(NamedTuple):
    text: str
    scopes: frozenset[str]


class Grant(msgspec.Struct, frozen=True):
    """What an access token allows, and to whom."""

    tenant_id: TenantId
    client_id: ClientId
    scopes: frozenset[str]


class Caller(NamedTuple):
    """Whose access token a request came with, and where its client stands after it."""

    tenant: Tenant
    client_id: ClientId
    limits: tuple[LimitState, ...]


class Clients:
    def __init__(
        self,
        store: AccessTokenStore,
        space: KeySpace,
        *,
        tenants: Tenants,
        known_tenants: KnownTenants,
        limits: Limits,
        rates: DefaultRates,
        scopes: frozenset[str],
    ) -> None:
        """`scopes` are all that there are."""
        self._store = store
        self._space = space
        self._tenants = tenants
        self._known_tenants = known_tenants
        self._limits = limits
        self._rates = rates
        self._scopes = scopes

    async def create(self, tenant_id: TenantId, *, name: str, scopes: frozenset[str]) -> Credentials:
        """A further client of a tenant.

        Raises:
            UnknownTenant, ScopeRefused
        """
        if not scopes or not scopes <= self._scopes:
            raise ScopeRefused
        client_id = ClientId(f"{tenant_id}.{secrets.token_hex(8)}")
        secret = mint(Kind.CLIENT_SECRET, tenant_id.replace("-", ""))
        client = OAuthClient(name, digest(secret), tuple(sorted(scopes)), int(time.time()))

        def with_client(tenant: Tenant) -> Tenant:
            return msgspec.structs.replace(tenant, clients={**tenant.clients, client_id: client})

        await self._tenants.change(tenant_id, with_client)
        return Credentials(client_id, secret)

    async def revoke(self, tenant_id: TenantId, client_id: ClientId) -> None:
        """End a client and every token that it has.

        Raises:
            UnknownTenant, UnknownClient
        """

        def without(tenant: Tenant) -> Tenant:
            if client_id not in tenant.clients:
                raise UnknownClient
            left = {known: client for known, client in tenant.clients.items() if known != client_id}
            return msgspec.structs.replace(tenant, clients=left)

        await self._tenants.change(tenant_id, without)

    async def issue_token(
        self, client_id: str, secret: str, *, scopes: frozenset[str], address: str
    ) -> AccessToken:
        """An access token of an hour, for those of the scopes that the client has; no scopes = all that it has.

        Raises:
            LimitExceeded: of this client address.
            Unauthenticated: there is no such client, or it has another secret.
            TenantInactive
            ScopeRefused: an unknown scope, or none that the client has.
        """
        await self._limits.charge("address", self._rates.token_per_address, "token", address)
        tenant, client = await self._authenticate_client(client_id, secret)
        tenant.require_active()
        granted = (scopes or self._scopes) & frozenset(client.scopes)
        if not scopes <= self._scopes or not granted:
            raise ScopeRefused
        text = mint(Kind.ACCESS_TOKEN, tenant.id.replace("-", ""))
        grant = Grant(tenant.id, ClientId(client_id), granted)
        await self._store.issue(
            token=self._place(digest(text)), grant=msgspec.json.encode(grant), life_ms=TOKEN_LIFE_S * 1000
        )
        return AccessToken(text, granted)

    async def revoke_token(self, client_id: str, secret: str, *, text: str) -> None:
        """Revoke a token of the client's own. That another text is none of them is well (RFC 7009 2.2).

        Raises:
            Unauthenticated
        """
        await self._authenticate_client(client_id, secret)
        token = parse(Kind.ACCESS_TOKEN, text)
        if token is None:
            return
        place = self._place(token.digest)
        reply = await self._store.read(token=place)
        if reply.status is ReadStatus.FOUND and _read(reply.grant).client_id == client_id:
            await self._store.revoke(token=place, grant=reply.grant)

    async def admit(self, text: str, *, scope: str) -> Caller:
        """Whose access token this is, and charge its client. Redis was just asked, so the tenant is as it is now.

        Raises:
            Unauthenticated: malformed, expired, revoked, or of a client that is.
            TenantInactive
            ScopeRefused: it is not good for this.
            LimitExceeded: of this client.
        """
        token = parse(Kind.ACCESS_TOKEN, text)
        if token is None:
            raise Unauthenticated
        reply = await self._store.read(token=self._place(token.digest))
        if reply.status is ReadStatus.ABSENT:
            raise Unauthenticated
        grant = _read(reply.grant)
        try:
            tenant = await self._known_tenants.read_active(grant.tenant_id)
        except UnknownTenant:
            raise Unauthenticated from None
        if grant.client_id not in tenant.clients:
            raise Unauthenticated
        if scope not in grant.scopes:
            raise ScopeRefused
        limit = ("client", self._rates.call_per_client, tenant.id, grant.client_id)
        return Caller(tenant, grant.client_id, self._limits.take(*limit) or await self._limits.charge(*limit))

    async def _authenticate_client(self, client_id: str, secret: str) -> tuple[Tenant, OAuthClient]:
        try:
            tenant = await self._known_tenants.read(TenantId(client_id.partition(".")[0]))
        except UnknownTenant:
            raise Unauthenticated from None
        client = tenant.clients.get(ClientId(client_id))
        expected = _NO_SECRET if client is None else client.secret_digest
        if not compare_digest(digest(secret), expected) or client is None:
            raise Unauthenticated
        return tenant, client

    def _place(self, token_digest: str) -> Place:
        return self._space.place("token", token_digest)


def _read(grant: bytes) -> Grant:
    return msgspec.json.decode(grant, type=Grant)
