"""API keys with what every use of them asks made ready: whose they are, what for, and from where."""

from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import NamedTuple

from engine.errors import NetworkRefused, ScopeMissing
from engine.ids import ApiKeyId, api_key_id
from engine.tenants import Scope, Tenant

Locate = Callable[[], IPv4Address | IPv6Address | None]
"""Tells where a caller is, None = nobody knows. Few keys want to know, so it is found out only when one does."""


def nowhere() -> None:
    """Where a caller is who says nothing of it."""


class KnownKey(NamedTuple):
    """An API key of a tenant. It fetches from anywhere unless it has networks, or is not for that."""

    tenant: Tenant
    id: ApiKeyId
    scopes: frozenset[Scope]
    networks: tuple[IPv4Network | IPv6Network, ...]
    fetches_from_anywhere: bool

    def require(self, scope: Scope, locate: Locate) -> None:
        """Raises: NetworkRefused, ScopeMissing."""
        if self.networks:
            address = locate()
            if address is None or not any(address in network for network in self.networks):
                raise NetworkRefused
        if scope not in self.scopes:
            raise ScopeMissing


def known_key(tenant: Tenant, key_digest: str) -> KnownKey:
    key = tenant.api_keys[key_digest]
    scopes = frozenset(key.scopes)
    fetches_from_anywhere = Scope.FETCH in scopes and not key.networks
    networks = tuple(map(ip_network, key.networks))
    return KnownKey(tenant, api_key_id(key_digest), scopes, networks, fetches_from_anywhere)
