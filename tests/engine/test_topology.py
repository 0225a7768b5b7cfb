"""URLs of Redis: one server, a primary that Sentinels know, a Cluster; and what is wrong with one."""

from contextlib import suppress
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.store.address import Address, AddressError
from engine.store.topology import Cluster, Sentinels, parse_topology

TEXTS = st.text(st.characters(min_codepoint=33, max_codepoint=0x2FF), min_size=1, max_size=12)


def hosts(addresses: tuple[Address, ...]) -> list[tuple[str, int]]:
    return [(address.host, address.port) for address in addresses]


def test_one_server_is_an_address_as_before() -> None:
    address = parse_topology("redis://user:pass@redis.example:7000/3")
    assert isinstance(address, Address)
    assert (address.host, address.port, address.database, address.username) == ("redis.example", 7000, 3, "user")


def test_a_url_of_sentinels_names_them_their_service_and_the_user_of_the_servers() -> None:
    topology = parse_topology("redis+sentinel://user:pass@one:1,two,[::1]:3/passcodes/2")
    assert isinstance(topology, Sentinels)
    assert hosts(topology.sentinels) == [("one", 1), ("two", 26379), ("::1", 3)]
    assert topology.service == "passcodes"
    primary = topology.primary
    assert (primary.username, primary.password, primary.database) == ("user", "pass", 2)
    assert all(sentinel.password is None for sentinel in topology.sentinels)


def test_sentinels_have_a_password_of_their_own() -> None:
    topology = parse_topology(
        "redis+sentinel://:pass@one/passcodes?sentinel_username=s%40&sentinel_password=p%2F%25"
    )
    assert isinstance(topology, Sentinels)
    (sentinel,) = topology.sentinels
    assert (sentinel.username, sentinel.password) == ("s@", "p/%")
    assert topology.primary.password == "pass"


def test_a_url_of_a_cluster_names_nodes_and_one_user_for_all() -> None:
    topology = parse_topology("redis+cluster://user:p%40ss@one:1,two,[::1]:3")
    assert isinstance(topology, Cluster)
    assert hosts(topology.seeds) == [("one", 1), ("two", 6379), ("::1", 3)]
    node = topology.node("three", 4)
    assert (node.host, node.port, node.username, node.password) == ("three", 4, "user", "p@ss")


def test_a_password_that_is_not_in_the_url_is_that_of_the_servers() -> None:
    for url in ("redis://user@one", "redis+cluster://user@one,two", "redis+sentinel://user@one/s"):
        topology = parse_topology(url, password="apart")
        match topology:
            case Address():
                servers = [topology]
            case Cluster():
                servers = [*topology.seeds, topology.node("three", 3)]
            case Sentinels():
                servers = [topology.primary]
                assert topology.sentinels[0].password is None
        assert {(server.username, server.password) for server in servers} == {("user", "apart")}


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("unix:///run/redis.sock", "unix:///run/redis.sock"),
        ("redis://user:hunter2@[::1]:7/1", "redis://[::1]:7/1"),
        ("redis+sentinel://user:hunter2@one,two:2/s", "redis+sentinel://one:26379,two:2/s/0"),
        ("redis+cluster://user:hunter2@one,two:2", "redis+cluster://one:6379,two:2"),
        ("rediss+cluster://user:hunter2@one", "rediss+cluster://one:6379"),
    ],
)
def test_a_topology_is_told_without_its_password(url: str, told: str) -> None:
    assert str(parse_topology(url)) == told
    assert "hunter2" not in repr(parse_topology(url))


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("http://one", "cannot be used"),
        ("redis+cluster://", "names no host"),
        ("redis+cluster://one:port", "cannot be used"),
        ("redis+cluster://one/3", "no database but 0"),
        ("redis+sentinel://one,two", "ends in /service"),
        ("redis+sentinel://one/s/0/1", "ends in /service"),
        ("redis+sentinel://one/s?db", "malformed"),
        ("redis+cluster://[::1", "cannot be used|malformed"),
        ("rediss+cluster://one?ssl_ca_certs=/nowhere.pem", "certificate"),
        ("redis+cluster://user:hunter2/@one", "no database|cannot be used|names no host"),
    ],
)
def test_what_is_wrong_with_a_url_is_said_without_its_password(url: str, sentence: str) -> None:
    with pytest.raises(AddressError, match=sentence) as refusal:
        parse_topology(url)
    assert "hunter2" not in str(refusal.value)


@given(user=TEXTS, password=TEXTS, kind=st.sampled_from(["redis", "redis+cluster", "redis+sentinel"]))
def test_any_user_and_password_survive_the_url(user: str, password: str, kind: str) -> None:
    path = "/s" if kind == "redis+sentinel" else ""
    url = f"{kind}://{quote(user, safe='')}:{quote(password, safe='')}@one{path}"
    topology = parse_topology(url)
    match topology:
        case Address():
            server = topology
        case Cluster():
            server = topology.seeds[0]
        case Sentinels():
            server = topology.primary
    assert (server.username, server.password) == (user, password)


@given(
    text=st.text(), scheme=st.sampled_from(["redis://", "redis+sentinel://", "rediss+cluster://", "unix://", ""])
)
def test_any_text_is_a_topology_or_refused(text: str, scheme: str) -> None:
    with suppress(AddressError):
        parse_topology(scheme + text)
