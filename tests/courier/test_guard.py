"""The guard, against tables, and against what the standard library knows of addresses."""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.courier.guard import AddressRefused, Guard

if TYPE_CHECKING:
    from edge.courier.guard import Address

NOTHING_ALLOWED = Guard([])

PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "168.63.129.15",
    "168.63.129.17",
    "172.15.255.255",
    "172.32.0.0",
    "192.0.1.0",
    "192.167.255.255",
    "198.17.255.255",
    "198.20.0.0",
    "223.255.255.255",
    "2001:4860:4860::8888",
    "2606:4700:4700::1111",
    "2a00:1450::1",
    "::ffff:8.8.8.8",
    "64:ff9b::8.8.8.8",
]
REFUSED_V4 = [
    "0.0.0.0",  # noqa: S104
    "0.1.2.3",
    "10.0.0.0",
    "10.255.255.255",
    "100.64.0.1",
    "100.100.100.200",  # metadata
    "100.127.255.255",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",  # metadata
    "169.254.0.1",
    "169.254.169.254",  # metadata
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.0.192",  # metadata
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.1",
    "192.168.255.255",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
]
REFUSED_V6 = [
    "::",
    "::1",
    "::2",
    "::8.8.8.8",
    "::ffff:0:8.8.8.8",  # translated (RFC 2765)
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:0:808:808::1",
    "2001:2::1",
    "2001:10::1",
    "2001:20::1",
    "2001:db8::1",
    "2002:808:808::1",
    "3fff::1",
    "4000::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",  # metadata
    "fdff::1",
    "fe80::1",
    "fe80::1%lo",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
    "ffff::1",
]
WRAPPINGS = {
    "mapped": "::ffff:{}",
    "compatible": "::{}",
    "NAT64": "64:ff9b::{}",
    "local NAT64": "64:ff9b:1::{}",
}


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_permitted(address: str) -> None:
    assert NOTHING_ALLOWED.permits(ip_address(address))


@pytest.mark.parametrize("address", REFUSED_V4 + REFUSED_V6)
def test_any_other_address_is_refused(address: str) -> None:
    assert not NOTHING_ALLOWED.permits(ip_address(address))


@pytest.mark.parametrize("wrapping", WRAPPINGS)
@pytest.mark.parametrize("address", REFUSED_V4)
def test_an_ipv4_address_is_refused_in_ipv6_clothes_too(address: str, wrapping: str) -> None:
    assert not NOTHING_ALLOWED.permits(IPv6Address(WRAPPINGS[wrapping].format(address)))


@pytest.mark.parametrize("address", REFUSED_V4)
def test_an_ipv4_address_is_refused_behind_6to4_and_teredo(address: str) -> None:
    packed = IPv4Address(address).packed
    inverted = bytes(byte ^ 0xFF for byte in packed)

    assert not NOTHING_ALLOWED.permits(IPv6Address(b"\x20\x02" + packed + bytes(9) + b"\x01"))
    assert not NOTHING_ALLOWED.permits(IPv6Address(b"\x20\x01\0\0" + packed + bytes(4) + inverted))


def unwrapped(address: "Address") -> "Address":
    """As RFC 4291 2.5.5.2 and RFC 6052 2.1 say, written another way than in the guard."""
    if isinstance(address, IPv6Address) and address.exploded[:30] in {
        "0000:0000:0000:0000:0000:ffff:",
        "0064:ff9b:0000:0000:0000:0000:",
    }:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


wrapped = st.ip_addresses(v=4).flatmap(
    lambda address: st.sampled_from(["::ffff:{}", "64:ff9b::{}", "::{}"]).map(
        lambda form: IPv6Address(form.format(address))
    )
)
unicast = st.ip_addresses(network="2000::/3")


@given(st.one_of(st.ip_addresses(), unicast, wrapped))
def test_what_is_permitted_is_global_unicast_by_the_standard_library(address: "Address") -> None:
    if NOTHING_ALLOWED.permits(address):
        meant = unwrapped(address)
        assert meant.is_global
        assert not any((meant.is_private, meant.is_link_local, meant.is_multicast, meant.is_reserved))
        assert isinstance(meant, IPv4Address) or (meant.sixtofour, meant.teredo) == (None, None)


@given(st.ip_addresses(v=4))
def test_what_is_refused_has_a_reason(address: IPv4Address) -> None:
    if not NOTHING_ALLOWED.permits(address):
        relays, agent = ip_network("192.88.99.0/24"), ip_address("168.63.129.16")
        special = not address.is_global or address.is_multicast or address.is_reserved
        assert special or address in relays or address == agent or address in ip_network("192.0.0.0/24")


private = st.sampled_from(["10.0.0.0/8", "127.0.0.0/8", "192.168.7.0/24", "fd00::/8", "fe80::/10", "::1/128"])


@given(private.flatmap(lambda network: st.tuples(st.just(network), st.ip_addresses(network=network))))
def test_the_operator_may_allow_a_network_and_opens_no_other(allowed: "tuple[str, Address]") -> None:
    network, address = allowed
    guard = Guard([ip_network(network)])

    assert guard.permits(address)
    assert guard.permits(ip_address("8.8.8.8"))
    assert not guard.permits(ip_address("169.254.169.254"))
    assert not guard.permits(ip_address("172.16.0.1"))
    assert not guard.permits(ip_address("fec0::1"))


def test_an_allowed_ipv4_network_is_allowed_in_the_spelling_of_ipv6() -> None:
    guard = Guard([ip_network("10.1.0.0/16")])

    assert guard.permits(ip_address("::ffff:10.1.2.3"))
    assert not guard.permits(ip_address("::ffff:10.2.2.3"))
    assert not guard.permits(ip_address("2002:a01:203::1"))


def test_an_allowed_link_local_network_includes_its_zones() -> None:
    assert Guard([IPv6Network("fe80::/10")]).permits(ip_address("fe80::1%lo"))


def test_one_refused_address_refuses_the_host() -> None:
    public, inner = ip_address("8.8.8.8"), ip_address("10.0.0.1")
    NOTHING_ALLOWED.check([public, public])

    for addresses in ([inner], [public, inner], [inner, public]):
        with pytest.raises(AddressRefused) as refusal:
            NOTHING_ALLOWED.check(addresses)
        assert str(refusal.value) == ""
