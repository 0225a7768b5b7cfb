"""The key grammar, and the check that every test ends with."""

import uuid
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.store import keys
from engine.store.keys import KeySpace
from tests.engine.servers import leaks

if TYPE_CHECKING:
    from tests.engine.servers import Admin


@pytest.fixture
def space() -> KeySpace:
    return KeySpace(partitions=64, index_key=bytes(32))


@pytest.mark.parametrize(
    ("key", "fault"),
    [
        (b"{1}:passcode:" + b"x" * 22, "has no expiry"),
        (b"{1}:tenant", None),
        (b"{1}:passcode:+4930123456", "is outside the grammar"),
        (b"passcode:" + b"x" * 22, "is outside the grammar"),
        (b"{x}:tenant", "is outside the grammar"),
    ],
)
def test_the_leak_check_finds_what_must_not_be_there(admin_redis: "Admin", key: bytes, fault: str | None) -> None:
    admin_redis.set(key, "")
    found = leaks(admin_redis)
    admin_redis.delete(key)
    assert found == ([f"{key!r} {fault}"] if fault else [])


def test_all_keys_of_a_subject_are_in_its_partition(space: KeySpace) -> None:
    place = space.place("passcode", "tenant", "4930123456")
    names = [
        keys.claim(place),
        keys.admin(place),
        keys.session(place, "f" * 64),
        keys.tenant(place),
        keys.tenants(place),
        keys.passcode(place),
        keys.submit_receipt(place, "f" * 32),
        keys.fetch_receipt(place, "f" * 32),
        keys.limit(place),
        keys.request(place),
    ]
    assert {name.partition(b":")[0] for name in names} == {b"{%d}" % place.partition}
    assert len(set(names)) == len(names)


def test_a_key_name_tells_nothing_of_its_subject(space: KeySpace) -> None:
    assert b"4930123456" not in keys.passcode(space.place("passcode", "tenant", "4930123456"))
    assert "ada@example.com" not in space.digest("admin", "ada@example.com")


def test_without_the_index_key_nobody_can_find_a_subject(space: KeySpace) -> None:
    other = KeySpace(partitions=64, index_key=bytes(31) + b"\1")
    assert other.place("passcode", "tenant", "1") != space.place("passcode", "tenant", "1")
    assert other.digest("admin", "a") != space.digest("admin", "a")


def test_an_identifier_leads_to_the_place_of_its_subject(space: KeySpace) -> None:
    assert space.place_of_id(space.digest("admin", "ada@example.com")) == space.place("admin", "ada@example.com")


@given(
    first=st.lists(st.text("ab:", max_size=3), min_size=1), second=st.lists(st.text("ab:", max_size=3), min_size=1)
)
def test_two_subjects_never_share_a_place(first: list[str], second: list[str]) -> None:
    space = KeySpace(partitions=64, index_key=bytes(32))
    assert (space.place(*first) == space.place(*second)) == (first == second)


def test_subjects_spread_over_all_partitions(space: KeySpace) -> None:
    tenant = str(uuid.UUID(int=1))
    counts = [0] * space.partitions
    for number in range(64 * 100):
        counts[space.place("passcode", tenant, f"49301{number:06}").partition] += 1
    assert min(counts) > 50
    assert max(counts) < 150
