"""Which addresses a callback may go to: those of the public Internet, and what the operator allows besides.

A tenant chooses where its callbacks go. Without a guard it could have this host call what only this host reaches:
the Redis beside it, the neighbours, the cloud's metadata service (server-side request forgery).
"""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from edge.addresses import Network

Address = IPv4Address | IPv6Address

# IANA IPv4 Special-Purpose Address Registry: what is not globally reachable, and some that is not for callbacks.
_REFUSED_V4 = (
    IPv4Network("0.0.0.0/8"),  # "this network"; Linux takes 0.0.0.0 for itself
    IPv4Network("10.0.0.0/8"),
    IPv4Network("100.64.0.0/10"),  # carrier-grade NAT; a metadata service at 100.100.100.200
    IPv4Network("127.0.0.0/8"),
    IPv4Network(
        "168.63.129.16/32"
    ),  # Azure's host agent: in public space, but in the reach of every machine there
    IPv4Network("169.254.0.0/16"),  # link-local; the metadata service at 169.254.169.254
    IPv4Network("172.16.0.0/12"),
    IPv4Network("192.0.0.0/24"),  # IETF protocols; a metadata service at 192.0.0.192
    IPv4Network("192.0.2.0/24"),  # documentation
    IPv4Network("192.88.99.0/24"),  # relays of 6to4 (RFC 7526)
    IPv4Network("192.168.0.0/16"),
    IPv4Network("198.18.0.0/15"),  # benchmarks
    IPv4Network("198.51.100.0/24"),  # documentation
    IPv4Network("203.0.113.0/24"),  # documentation
    IPv4Network("224.0.0.0/4"),  # multicast
    IPv4Network("240.0.0.0/4"),  # reserved, broadcast
)

# RFC 4291 2.4: all that is outside is loopback, unspecified, local, multicast, reserved, or an IPv4 address in a
# deprecated form.
_GLOBAL_V6 = IPv6Network("2000::/3")
_REFUSED_V6 = (
    IPv6Network("2001::/23"),  # IETF protocols; Teredo, which wraps IPv4 addresses
    IPv6Network("2001:db8::/32"),  # documentation
    IPv6Network("2002::/16"),  # 6to4, which wraps IPv4 addresses (RFC 7526)
    IPv6Network("3fff::/20"),  # documentation
)

# How a network without IPv4 reaches IPv4 receivers (RFC 6052 2.1). Only the address within tells who that is.
_NAT64 = IPv6Network("64:ff9b::/96")


class AddressRefused(Exception):
    """A host has an address that must not be called. It does not say which: that would map the inside."""


class Guard:
    """Permits what is public, and what is in one of the operator's networks whatever else it is."""

    def __init__(self, allowed: Sequence[Network]) -> None:
        self._allowed = tuple(allowed)

    def check(self, addresses: Iterable[Address]) -> None:
        """Raises: AddressRefused: one of them at least is not permitted, so none of them is to be called."""
        if not all(map(self.permits, addresses)):
            raise AddressRefused

    def permits(self, address: Address) -> bool:
        meant = _meant(address)
        if any(address in network or meant in network for network in self._allowed):
            return True
        if isinstance(meant, IPv4Address):
            return not _is_in(meant, _REFUSED_V4)
        return meant in _GLOBAL_V6 and not _is_in(meant, _REFUSED_V6)


def _meant(address: Address) -> Address:
    """The IPv4 address that is called in the end, if it is only written as an IPv6 one."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(address.packed[-4:])
    return address.ipv4_mapped or address


def _is_in(address: Address, networks: Iterable[Network]) -> bool:
    return any(address in network for network in networks)
