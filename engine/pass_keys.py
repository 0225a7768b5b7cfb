"""Pass keys in their normal form, so that what the customer types and what the dialer sends meet."""

import re
import unicodedata
from functools import lru_cache

from phonenumbers import NumberParseException, PhoneNumberFormat, format_number, is_possible_number, parse
from phonenumbers.phonenumberutil import region_code_for_country_code

from engine.errors import Invalid
from engine.ids import PassKey

MAX_LENGTH = 64

_PHONE = re.compile(r"\+?[0-9 ().\-]*[0-9][0-9 ().\-]*")
_DECORATION = re.compile(r"[^0-9]")
# Temporary ids have up to 10 digits, and a leading 00 is part of one. Longer, it is the international prefix.
_LONGEST_TEMPORARY_ID = 10


def normalise(text: str, *, country_code: int | None = None) -> PassKey:
    """The normal form of a pass key.

    What looks like a phone number loses its decoration; with a country code its national and its international
    form become one. Anything else is opaque and compared exactly.

    Raises:
        Invalid: empty, too long, or with characters that cannot be typed on any phone or keyboard.
    """
    if country_code is None and text.isdigit() and text.isascii() and len(text) <= MAX_LENGTH:
        return PassKey(_bare(text))
    key = text.strip()
    if not key:
        raise Invalid.value("pass_key", "required")
    if len(key) > MAX_LENGTH:
        raise Invalid.value("pass_key", "max_length", MAX_LENGTH)
    if not _PHONE.fullmatch(key):
        if not all(map(_is_typed, key)):
            raise Invalid.value("pass_key", "format")
        return PassKey(key)
    if country_code is not None:
        return PassKey(_international(key, country_code))
    return PassKey(_bare(key))


def _bare(key: str) -> str:
    digits = key if key.isdigit() else _DECORATION.sub("", key)
    # No country code begins with 0, so a normal form is its own normal form.
    if len(digits) > _LONGEST_TEMPORARY_ID and digits.startswith("00") and digits[2] != "0":
        return digits[2:]
    return digits


@lru_cache(maxsize=8192)
def _international(key: str, country_code: int) -> str:
    """The number in full, without its plus; what is no possible number stays as it was typed."""
    bare = _bare(key)
    explicit = key.startswith("+") or bare != _DECORATION.sub("", key)
    if not explicit and bare.startswith("00"):
        return bare
    try:
        number = parse("+" + bare if explicit else bare, region_code_for_country_code(country_code))
    except NumberParseException:
        return bare
    if not is_possible_number(number):
        return bare
    return format_number(number, PhoneNumberFormat.E164)[1:]


def _is_typed(character: str) -> bool:
    """Letters, marks, digits, punctuation and blanks of any script, and all that is printable in ASCII."""
    if character.isascii():
        return character.isprintable()
    category = unicodedata.category(character)
    return category[0] in "LMNP" or category == "Zs"
