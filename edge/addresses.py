"""Whose address a request came from, for limits per client."""

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from edge.http import Request

Network = IPv4Network | IPv6Network

_UNKNOWN = "unknown"
_IPV6_PREFIX = 64  # what one subscriber usually has


class ClientAddresses:
    """Believes X-Forwarded-For only as far as it was written by proxies of ours."""

    def __init__(self, trusted_proxies: Sequence[Network]) -> None:
        self._trusted = tuple(trusted_proxies)

    def of(self, request: Request) -> str:
        """The client's IPv4 address, or the /64 of its IPv6 address."""
        if not self._trusted:
            client: tuple[str, int] | None = request.scope.get("client")
            return _bucket_of(client[0]) if client is not None else _UNKNOWN
        return _bucket(self.whole(request))

    def whole(self, request: Request) -> IPv4Address | IPv6Address | None:
        """The client's address; None if nobody knows, as of one that came by a unix socket."""
        client: tuple[str, int] | None = request.scope.get("client")
        address = _parse(client[0]) if client is not None else None
        if self._trusted and self._is_trusted(address):
            address = self._forwarded(request) or address
        return address

    def _forwarded(self, request: Request) -> IPv4Address | IPv6Address | None:
        """From the right, the first address that is not a proxy of ours."""
        address = None
        chain = b",".join(value for name, value in request.scope["headers"] if name == b"x-forwarded-for")
        for hop in reversed(chain.decode("latin-1").split(",")):
            parsed = _parse(hop.strip())
            if parsed is None:
                break
            address = parsed
            if not self._is_trusted(parsed):
                break
        return address

    def _is_trusted(self, address: IPv4Address | IPv6Address | None) -> bool:
        # A request by a unix socket has no address: only a local proxy can have sent it.
        return address is None or any(address in network for network in self._trusted)


def _parse(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


@lru_cache(maxsize=8192)
def _bucket_of(text: str) -> str:
    return _bucket(_parse(text))


def _bucket(address: IPv4Address | IPv6Address | None) -> str:
    if address is None:
        return _UNKNOWN
    if isinstance(address, IPv6Address):
        return str(ip_network((address, _IPV6_PREFIX), strict=False))
    return str(address)
