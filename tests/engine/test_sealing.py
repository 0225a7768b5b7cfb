"""The keyring: what it seals, only the same ring, scope and binding opens."""

from base64 import b64encode
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import CannotUnseal, KeyMissing, Misconfigured, SealBroken
from engine.sealing import Keyring, key_id_of

OLD = "old:" + b64encode(b"o" * 32).decode()
NEW = "new:" + b64encode(b"n" * 32).decode()


def seal(ring: Keyring, plaintext: bytes = b"123456") -> bytes:
    return ring.seal(plaintext, scope="tenant", bound_to=b"key")


def unseal(ring: Keyring, sealed: bytes) -> bytes:
    return ring.unseal(sealed, scope="tenant", bound_to=b"key")


@given(plaintext=st.binary(), scope=st.text(), bound_to=st.binary())
def test_what_is_sealed_is_read_back(plaintext: bytes, scope: str, bound_to: bytes) -> None:
    ring = Keyring.parse(NEW)
    assert ring.unseal(ring.seal(plaintext, scope=scope, bound_to=bound_to), scope=scope, bound_to=bound_to) == (
        plaintext
    )


def test_nothing_of_the_plaintext_shows() -> None:
    sealed = seal(Keyring.parse(NEW), b"a passcode")
    assert b"passcode" not in sealed
    assert sealed != seal(Keyring.parse(NEW), b"a passcode")


@pytest.mark.parametrize(("scope", "bound_to"), [("other tenant", b"key"), ("tenant", b"other key"), ("", b"")])
def test_it_opens_in_no_other_scope_and_bound_to_nothing_else(scope: str, bound_to: bytes) -> None:
    ring = Keyring.parse(NEW)
    with pytest.raises(CannotUnseal):
        ring.unseal(seal(ring), scope=scope, bound_to=bound_to)


def test_after_a_rotation_the_old_key_still_opens_and_the_first_one_seals() -> None:
    before, rotated = Keyring.parse(OLD), Keyring.parse(f"{NEW},{OLD}")
    assert unseal(rotated, seal(before)) == b"123456"
    assert unseal(Keyring.parse(NEW), seal(rotated)) == b"123456"


def test_without_its_key_it_does_not_open_and_the_key_is_named() -> None:
    with pytest.raises(KeyMissing) as refusal:
        unseal(Keyring.parse(NEW), seal(Keyring.parse(OLD)))
    assert (refusal.value.key_id, refusal.value.reason) == ("old", "key_missing")
    assert str(refusal.value) == "sealing key old is not in WATCHWORD_KEYS"


@pytest.mark.parametrize("garbage", [b"", b"old", b".", b"OLD.x", b"nine chars.x", b"\xff\n.x", b"123456789.x"])
def test_what_names_no_key_is_broken_and_not_repeated(garbage: bytes) -> None:
    with pytest.raises(SealBroken) as refusal:
        unseal(Keyring.parse(NEW), garbage)
    assert str(refusal.value) == "what is stored was changed since it was sealed"


def test_another_key_of_the_same_name_does_not_open_it() -> None:
    impostor = Keyring.parse("new:" + b64encode(b"x" * 32).decode())
    with pytest.raises(CannotUnseal):
        unseal(impostor, seal(Keyring.parse(NEW)))


@given(position=st.integers(0, 37), bit=st.integers(0, 7))
def test_a_changed_seal_does_not_open(position: int, bit: int) -> None:
    ring = Keyring.parse(NEW)
    sealed = bytearray(seal(ring))
    sealed[position] ^= 1 << bit
    with pytest.raises(CannotUnseal):
        unseal(ring, bytes(sealed))


@given(length=st.integers(0, 37))
def test_a_truncated_seal_does_not_open(length: int) -> None:
    ring = Keyring.parse(NEW)
    with pytest.raises(CannotUnseal):
        unseal(ring, seal(ring)[:length])


@given(st.binary())
def test_what_was_never_sealed_does_not_open(garbage: bytes) -> None:
    with pytest.raises(CannotUnseal):
        unseal(Keyring.parse(NEW), b"new." + garbage)


def test_a_generated_ring_is_a_ring_of_one_key() -> None:
    text = Keyring.generate()
    assert unseal(Keyring.parse(text), seal(Keyring.parse(text))) == b"123456"
    assert text != Keyring.generate()


def test_blanks_between_keys_do_not_matter() -> None:
    assert unseal(Keyring.parse(f" {NEW} , {OLD} "), seal(Keyring.parse(OLD))) == b"123456"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "key 1: an id"),
        ("c2VjcmV0", "key 1: an id"),
        (f"{NEW},{NEW}", "key 2: an id"),
        (f"{NEW},", "key 2: an id"),
        ("TOP SECRET:c2VjcmV0", "key 1: an id"),
        ("k1:c2VjcmV0", "key 1: 32 bytes"),
        (NEW[:-1], "key 1: not base64"),
        (f"{OLD},k1:c2Vjc*mV0", "key 2: not base64"),
        ("k1:c2VjcmV0é", "key 1: not base64"),
    ],
)
def test_a_malformed_ring_is_refused_and_no_key_material_repeated(text: str, message: str) -> None:
    with pytest.raises(Misconfigured, match=message) as refusal:
        Keyring.parse(text)
    assert refusal.value.__suppress_context__ or refusal.value.__context__ is None
    for entry in text.replace(":", ",").split(","):
        assert not entry or entry not in str(refusal.value)


def test_a_printed_ring_does_not_show_its_keys() -> None:
    printed = repr(Keyring.parse(NEW))
    assert "n" * 32 not in printed
    assert NEW.partition(":")[2] not in printed


KEYS = st.binary(min_size=32, max_size=32)
IDS = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=8)
RINGS = st.dictionaries(IDS, KEYS, min_size=1, max_size=5)


def spelled(ring: dict[str, bytes], blank: str = "") -> str:
    return ",".join(f"{blank}{key_id}:{b64encode(key).decode()}{blank}" for key_id, key in ring.items())


@given(ring=RINGS, blank=st.sampled_from(["", " ", "  ", "\n"]))
def test_every_ring_that_is_spelled_right_is_read_in_its_order(ring: dict[str, bytes], blank: str) -> None:
    read = Keyring.parse(spelled(ring, blank))

    assert read.ids == tuple(ring)
    assert read.first == key_id_of(seal(read)) == next(iter(ring))
    assert read.is_current(seal(read))
    assert read.opens.decode().split() == list(ring)


@given(ring=RINGS)
def test_every_key_of_a_ring_opens_what_it_sealed_alone(ring: dict[str, bytes]) -> None:
    read = Keyring.parse(spelled(ring))
    for key_id, key in ring.items():
        assert unseal(read, seal(Keyring.parse(spelled({key_id: key})))) == b"123456"


@given(ring=RINGS, place=st.integers(0, 400), inserted=st.sampled_from([*",:;=*-_ A", "\0", "é", ""]))
def test_a_ring_with_a_typing_error_is_refused_or_is_the_same_but_never_half_of_it(
    ring: dict[str, bytes], place: int, inserted: str
) -> None:
    text = spelled(ring)
    place %= len(text)
    wrong = text[:place] + inserted + text[place + 1 :]
    with suppress(Misconfigured):
        assert len(Keyring.parse(wrong).ids) == len(ring)


def test_a_check_value_tells_keys_apart_and_is_none_of_them() -> None:
    values = Keyring.parse(f"{NEW},{OLD}").check_values()

    assert values == Keyring.parse(NEW).check_values() | Keyring.parse(OLD).check_values()
    assert (
        len({*values.values(), *Keyring.parse("new:" + b64encode(b"x" * 32).decode()).check_values().values()})
        == 3
    )
    assert not {b"n" * 32, b"o" * 32} & {bytes.fromhex(value) for value in values.values()}
