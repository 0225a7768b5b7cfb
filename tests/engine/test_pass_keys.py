"""Pass keys: what is one key, however it is spelled, and what is none."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine.errors import Invalid
from engine.pass_keys import MAX_LENGTH, normalise

GERMANY, USA = 49, 1


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("4930123456", "4930123456"),
        ("+4930123456", "4930123456"),
        ("+49 (30) 123-456", "4930123456"),
        ("49.30.12.34.56", "4930123456"),
        ("  4930123456\t", "4930123456"),
        ("(030) 123456", "030123456"),
        ("00493012345678", "493012345678"),
        ("00 49 30 12345678", "493012345678"),
        ("+1 650-253-0000", "16502530000"),
        ("2345", "2345"),
        ("0042", "0042"),
        ("0012345678", "0012345678"),
        ("00-12345678", "0012345678"),
        ("0", "0"),
    ],
)
def test_what_looks_like_a_phone_number_loses_its_decoration(text: str, key: str) -> None:
    assert normalise(text) == key


@pytest.mark.parametrize(
    ("text", "country_code", "key"),
    [
        ("030 123456", GERMANY, "4930123456"),
        ("+49 30 123456", GERMANY, "4930123456"),
        ("0049 30 123456", GERMANY, "4930123456"),
        ("(650) 253-0000", USA, "16502530000"),
        ("+1 650 253 0000", USA, "16502530000"),
        ("+49 30 123456", USA, "4930123456"),
        ("0049 30 123456", USA, "4930123456"),
        ("0042", GERMANY, "0042"),
        ("0012345678", USA, "0012345678"),
        ("0012345678", GERMANY, "0012345678"),
        ("00-493-0123", GERMANY, "004930123"),
        ("1", USA, "1"),
        ("99999999999999999999", USA, "99999999999999999999"),
        ("customer 7", USA, "customer 7"),
    ],
)
def test_with_a_country_code_national_and_international_forms_meet(text: str, country_code: int, key: str) -> None:
    assert normalise(text, country_code=country_code) == key


@pytest.mark.parametrize(
    "text",
    [
        "customer-7",
        "A b",
        "a@b.example",
        "#7/x_y~!",
        "é",
        "नमस्ते",
        "山田\u3000太郎",
        "٤٢",
        "+",
        "()",
        "+49x",
        "4+9",
        "٠٣٠-1",
    ],
)
def test_anything_else_is_opaque_and_compared_exactly(text: str) -> None:
    assert normalise(text) == text
    assert normalise(f" {text} ") == text


def test_case_and_inner_blanks_of_opaque_keys_matter() -> None:
    assert len({normalise(text) for text in ("ab", "AB", "a b", "a  b")}) == 4


@pytest.mark.parametrize("text", ["", " ", "\t\n", "\u00a0"])
def test_nothing_is_no_key(text: str) -> None:
    with pytest.raises(Invalid) as refusal:
        normalise(text)
    assert [problem.rule for problem in refusal.value.problems] == ["required"]


@pytest.mark.parametrize(
    "text",
    ["a\0b", "a\nb", "a\x7fb", "a\x1bb", "😀", "a☎", "a\u200bb", "a\u202eb", "a\ue000", "a\ud800", "a\u2028b"],
)
def test_what_cannot_be_typed_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as refusal:
        normalise(text)
    assert [problem.rule for problem in refusal.value.problems] == ["format"]


@pytest.mark.parametrize("character", ["1", "x", "é"])
def test_a_key_has_64_characters_at_most(character: str) -> None:
    assert normalise(" " + character * MAX_LENGTH)
    with pytest.raises(Invalid) as refusal:
        normalise(character * (MAX_LENGTH + 1))
    (problem,) = refusal.value.problems
    assert (problem.field, problem.rule, problem.bound) == ("pass_key", "max_length", MAX_LENGTH)


numbers = st.text("0123456789", min_size=1, max_size=20)
decorated = st.text("+0123456789 ().-", min_size=1, max_size=20)


@given(st.one_of(numbers, decorated, st.text(max_size=70)))
@example("000012345678901")
def test_a_normal_form_is_its_own_normal_form(text: str) -> None:
    try:
        key = normalise(text)
    except Invalid:
        return
    assert normalise(key) == key


@given(
    number=st.integers(1, 9).flatmap(lambda first: st.text("0123456789", max_size=14).map(f"{first}{{}}".format))
)
def test_decoration_makes_no_difference(number: str) -> None:
    spellings = [f"+{number}", f"({number[:2]}) {number[2:]}", "-".join(number), f"{number}."]
    assert {normalise(spelling) for spelling in spellings} == {number}


@given(decorated, st.sampled_from([GERMANY, USA]))
def test_an_international_number_stays_what_it_is(text: str, country_code: int) -> None:
    try:
        key = normalise(text, country_code=country_code)
    except Invalid:
        return
    assert key
    assert normalise(f"+{key}", country_code=country_code) in {key, normalise(f"+{key}")}
