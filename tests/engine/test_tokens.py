"""API keys and session tokens as texts."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.tokens import Kind, digest, mint, parse

SUBJECT = "0123456789abcdef" * 2

kinds = pytest.mark.parametrize("kind", list(Kind))


@kinds
def test_a_minted_token_tells_its_subject_and_its_digest(kind: Kind) -> None:
    text = mint(kind, SUBJECT)
    token = parse(kind, text)
    assert token == (SUBJECT, digest(text))


@kinds
def test_a_token_has_no_character_that_needs_quoting_anywhere(kind: Kind) -> None:
    text = mint(kind, SUBJECT)
    assert len(text) >= 58
    assert set(text) <= set(string.ascii_letters + string.digits)


def test_no_two_tokens_are_alike() -> None:
    tokens = {mint(Kind.API_KEY, SUBJECT) for _ in range(1000)}
    assert len(tokens) == 1000
    assert len({token[35:40] for token in tokens}) > 990


@kinds
def test_a_token_of_another_kind_is_none(kind: Kind) -> None:
    for other in set(Kind) - {kind}:
        assert parse(other, mint(kind, SUBJECT)) is None


@given(position=st.integers(0, 85), character=st.characters())
def test_a_mistyped_token_is_none(position: int, character: str) -> None:
    text = mint(Kind.API_KEY, SUBJECT)
    mistyped = text[:position] + character + text[position + 1 :]
    assert (parse(Kind.API_KEY, mistyped) is None) == (mistyped != text)


@pytest.mark.parametrize("around", ["{} ", " {}", "{}\n", "{}x", "x{}", "{}\0"])
def test_a_token_with_anything_around_it_is_none(around: str) -> None:
    assert parse(Kind.API_KEY, around.format(mint(Kind.API_KEY, SUBJECT))) is None


@given(st.text())
def test_any_other_text_is_none(text: str) -> None:
    assert parse(Kind.API_KEY, text) is None
    assert parse(Kind.API_KEY, "wwk" + text) is None


def test_a_digest_is_sha256_in_hexadecimal() -> None:
    assert digest("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
