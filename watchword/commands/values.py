"""What operators type, read and checked. Each function is the type of an option or an argument."""

import re
import unicodedata
from ipaddress import IPv4Network, IPv6Network, ip_network

import click
from phonenumbers.phonenumberutil import region_code_for_country_code

from engine.tenants import ANY_ORIGIN

# Given, and meaning that there shall be no value: None is what click says of an option that was not given.
NO_VALUE = object()

_MAX_NUMBER = 1_000_000  # no limiter tells more than one request in a microsecond apart
_MAX_NAME_LENGTH = 100
_MAX_EMAIL_LENGTH = 254
_CONTROL_OR_SURROGATE = {"Cc", "Cs"}
_UNREADABLE = "there are control characters in it."
# As RFC 6454 6.2 serializes an origin.
_ORIGIN = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<host>[a-z0-9._-]+|\[[0-9a-f:.]+\])(:(?P<port>[0-9]{1,5}))?"
)
_IMPLIED_PORTS = {"http": 80, "https": 443}
_MAX_PORT = 65535
_CALLING_CODE = re.compile(r"\+?([0-9]{1,3})")
# ZZ: there is no such code. 001: it is no country's, so there are no national numbers to complete.
_NO_COUNTRY = {"ZZ", "001"}


def name(text: str) -> str:
    return _text(text, _MAX_NAME_LENGTH)


def user(text: str) -> str:
    """What a tenant calls a user, as it is; blanks may be part of it."""
    if _is_unreadable(text):
        raise click.BadParameter(_UNREADABLE)
    return text


def email(text: str) -> str:
    return _text(text, _MAX_EMAIL_LENGTH)


def origins(text: str) -> tuple[str, ...]:
    """Origins as browsers say them, separated by commas; or `*`."""
    given = [part.strip().lower() for part in text.split(",")]
    if given == [ANY_ORIGIN]:
        return (ANY_ORIGIN,)
    return tuple(dict.fromkeys(map(_origin, given)))


def calling_code(text: str) -> object:
    """A country's calling code, with or without its plus; empty or 0 for none."""
    if text.strip() in {"", "0"}:
        return NO_VALUE
    match = _CALLING_CODE.fullmatch(text.strip())
    if match is None or region_code_for_country_code(int(match[1])) in _NO_COUNTRY:
        raise click.BadParameter("a country's calling code is needed, as in 49 or +49; 0 for none.")
    return int(match[1])


def network(text: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text.strip())
    except ValueError:
        raise click.BadParameter(
            "a network is needed, as in 10.0.0.0/8 or 2001:db8::/32, without host bits."
        ) from None


def per_second(text: str) -> object:
    """A number, with 0 for no limit; or `default`, for what the deployment has."""
    if text == "default":
        return NO_VALUE
    return _number(text, "(no limit), or default")


def fetches(text: str) -> int:
    """A number, with 0 for no bound."""
    return _number(text, "(until it expires)")


def _number(text: str, zero: str) -> int:
    if not re.fullmatch("[0-9]{1,7}", text) or int(text) > _MAX_NUMBER:
        raise click.BadParameter(f"a number from 1 to {_MAX_NUMBER} is needed, or 0 {zero}.")
    return int(text)


def _text(text: str, longest: int) -> str:
    text = text.strip()
    if not 1 <= len(text) <= longest:
        raise click.BadParameter(f"1 to {longest} characters are needed.")
    if _is_unreadable(text):
        raise click.BadParameter(_UNREADABLE)
    return text


def _is_unreadable(text: str) -> bool:
    return any(unicodedata.category(character) in _CONTROL_OR_SURROGATE for character in text)


def _origin(text: str) -> str:
    match = _ORIGIN.fullmatch(text)
    if match is None or int(match["port"] or 0) > _MAX_PORT:
        raise click.BadParameter(
            f"{text!r} is no origin: write scheme://host or scheme://host:port, without a path, as in "
            "https://example.com; or a single * for any."
        )
    scheme, host, port = match["scheme"], match["host"], match["port"]
    if port is None or int(port) == _IMPLIED_PORTS.get(scheme):
        return f"{scheme}://{host}"
    return f"{scheme}://{host}:{int(port)}"
