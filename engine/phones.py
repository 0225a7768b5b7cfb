"""Phone numbers that must be one, in E.164 form."""

import re

from phonenumbers import NumberParseException, PhoneNumberFormat, format_number, is_possible_number, parse

from engine.errors import Invalid

_E164 = re.compile(r"\+?[1-9][0-9]{6,14}")


def e164(text: str, *, field: str) -> str:
    """A phone number with its plus sign, which may be left out.

    Raises:
        Invalid: it has another form, or no country has numbers like it.
    """
    if not _E164.fullmatch(text):
        raise Invalid.value(field, "format")
    try:
        number = parse("+" + text.removeprefix("+"))
    except NumberParseException:
        raise Invalid.value(field, "format") from None
    if not is_possible_number(number):
        raise Invalid.value(field, "format")
    return format_number(number, PhoneNumberFormat.E164)
