"""How passcodes are made: drawn by the system, or chosen by the customer within rules."""

from collections import Counter

import pytest

from engine.errors import Invalid, Problem
from engine.policies import (
    MAX_EXPIRES_S,
    MAX_LENGTH,
    MIN_EXPIRES_S,
    MIN_LENGTH,
    Alphabet,
    Mode,
    PasscodePolicy,
)

SPOKEN = {
    Alphabet.NUMERIC: set("0123456789"),
    Alphabet.ALPHABETS: set("ABCDEFGHJKMNPQRSTUVWXYZ"),
    Alphabet.ALPHANUMERIC: set("23456789ABCDEFGHJKMNPQRSTUVWXYZ"),
}

alphabets = pytest.mark.parametrize("alphabet", list(Alphabet))


def test_six_digits_for_a_minute_are_the_default() -> None:
    policy = PasscodePolicy()
    assert (policy.mode, policy.alphabet, policy.length, policy.expires_s) == ("system", "numeric", 6, 60)
    assert policy.problems() == ()


@alphabets
@pytest.mark.parametrize("length", range(MIN_LENGTH, MAX_LENGTH + 1))
def test_a_drawn_passcode_has_its_length_and_only_its_alphabet(alphabet: Alphabet, length: int) -> None:
    text = PasscodePolicy(alphabet=alphabet, length=length).passcode(None)
    assert len(text) == length
    assert set(text) <= SPOKEN[alphabet]


@alphabets
def test_every_character_is_drawn_about_as_often_as_any_other(alphabet: Alphabet) -> None:
    draws = 1000
    policy = PasscodePolicy(alphabet=alphabet, length=64)
    counts = Counter("".join(policy.passcode(None) for _ in range(draws)))
    assert set(counts) == SPOKEN[alphabet]
    expected = 64 * draws / len(counts)
    chi_square = sum((count - expected) ** 2 / expected for count in counts.values())
    # 30 degrees of freedom at most: a fair draw exceeds 100 less than once in a thousand million runs.
    assert chi_square < 100


def test_no_two_draws_are_alike() -> None:
    policy = PasscodePolicy(length=20)
    assert len({policy.passcode(None) for _ in range(100)}) == 100


def test_what_the_customer_offers_does_not_matter_where_the_system_draws() -> None:
    assert PasscodePolicy().passcode("000") != "000"


@pytest.mark.parametrize(
    ("alphabet", "offered"),
    [
        (Alphabet.NUMERIC, "000"),
        (Alphabet.NUMERIC, "123456"),
        (Alphabet.ALPHABETS, "aZl"),
        (Alphabet.ALPHANUMERIC, "a0OIl1"),
    ],
)
def test_the_customers_choice_is_taken_as_it_is(alphabet: Alphabet, offered: str) -> None:
    assert PasscodePolicy(mode=Mode.MANUAL, alphabet=alphabet).passcode(offered) == offered


@pytest.mark.parametrize(
    ("alphabet", "offered", "problem"),
    [
        (Alphabet.NUMERIC, None, Problem("pass_phrase", "required")),
        (Alphabet.NUMERIC, "", Problem("pass_phrase", "required")),
        (Alphabet.NUMERIC, "12", Problem("pass_phrase", "min_length", 3)),
        (Alphabet.NUMERIC, "1234567", Problem("pass_phrase", "max_length", 6)),
        (Alphabet.NUMERIC, "12a", Problem("pass_phrase", "alphabet")),
        (Alphabet.NUMERIC, "12 3", Problem("pass_phrase", "alphabet")),
        (Alphabet.NUMERIC, "١٢٣", Problem("pass_phrase", "alphabet")),
        (Alphabet.ALPHABETS, "ab1", Problem("pass_phrase", "alphabet")),
        (Alphabet.ALPHABETS, "äöü", Problem("pass_phrase", "alphabet")),
        (Alphabet.ALPHANUMERIC, "a-b", Problem("pass_phrase", "alphabet")),
    ],
)
def test_a_choice_that_breaks_the_rules_is_refused(
    alphabet: Alphabet, offered: str | None, problem: Problem
) -> None:
    with pytest.raises(Invalid) as refusal:
        PasscodePolicy(mode=Mode.MANUAL, alphabet=alphabet).passcode(offered)
    assert refusal.value.problems == (problem,)


@pytest.mark.parametrize("length", [MIN_LENGTH, MAX_LENGTH])
@pytest.mark.parametrize("expires_s", [MIN_EXPIRES_S, MAX_EXPIRES_S])
def test_bounds_are_within_bounds(length: int, expires_s: int) -> None:
    assert PasscodePolicy(length=length, expires_s=expires_s).problems() == ()


def test_all_that_is_out_of_bounds_is_named() -> None:
    below = PasscodePolicy(length=MIN_LENGTH - 1, expires_s=MIN_EXPIRES_S - 1)
    above = PasscodePolicy(length=MAX_LENGTH + 1, expires_s=MAX_EXPIRES_S + 1)
    assert below.problems() == (
        Problem("length", "min", MIN_LENGTH),
        Problem("expires_s", "min", MIN_EXPIRES_S),
    )
    assert above.problems() == (
        Problem("length", "max", MAX_LENGTH),
        Problem("expires_s", "max", MAX_EXPIRES_S),
    )
