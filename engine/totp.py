"""Time-based one-time passwords (RFC 6238): the part that needs no Redis."""

import secrets
from base64 import b32encode
from enum import StrEnum
from hmac import compare_digest
from urllib.parse import quote, urlencode

import msgspec
import segno
from pyotp.hotp import HOTP

from engine.errors import Problem, out_of_bounds

_SECRET_BYTES = 20  # 160 bits, as RFC 4226 4 R6 recommends
_MIN_DIGITS, _MAX_DIGITS = 6, 8
_MIN_STEP_S, _MAX_STEP_S = 15, 120
_MAX_WINDOW = 10
# What an otpauth URI says of names, in bytes of UTF-8. Each may take three characters, and the issuer stands there
# twice: so that the 2,331 characters that a QR code of level M has room for are never too few.
_MOST_OF_ACCOUNT, _MOST_OF_ISSUER = 255, 200


class Digest(StrEnum):
    """The hash of the HMAC, by its name in `otpauth` URIs."""

    SHA1 = "SHA1"
    SHA256 = "SHA256"
    SHA512 = "SHA512"


class TotpPolicy(msgspec.Struct, frozen=True, omit_defaults=True):
    """What authenticator apps assume by default. `window` is how many steps a clock may be off, either way."""

    digest: Digest = Digest.SHA1
    digits: int = 6
    step_s: int = 30
    window: int = 1

    def problems(self) -> tuple[Problem, ...]:
        """What is out of bounds, by the names of the fields above."""
        return out_of_bounds(
            ("digits", self.digits, _MIN_DIGITS, _MAX_DIGITS),
            ("step_s", self.step_s, _MIN_STEP_S, _MAX_STEP_S),
            ("window", self.window, 0, _MAX_WINDOW),
        )


class _Generator(HOTP):
    """pyotp's, with the key as it is. To decode it from Base32 for every code anew takes longer than the codes."""

    def __init__(self, policy: TotpPolicy, secret: bytes) -> None:
        self._key = secret
        super().__init__("", digits=policy.digits, digest=policy.digest.lower())

    def byte_secret(self) -> bytes:
        return self._key


def new_secret() -> bytes:
    return secrets.token_bytes(_SECRET_BYTES)


def matching_step(policy: TotpPolicy, secret: bytes, code: str, *, now_s: float) -> int | None:
    """The time step within the window that a code belongs to; None if it belongs to none.

    The latest such step, so that whoever burns it burns the others that the code would match. All of them are
    compared, so that the time that it takes tells nothing.
    """
    if len(code) != policy.digits or not (code.isascii() and code.isdigit()):
        return None
    generator = _Generator(policy, secret)
    now = int(now_s // policy.step_s)
    steps = range(max(now - policy.window, 0), now + policy.window + 1)
    matching = [step for step in steps if compare_digest(generator.at(step), code)]
    return matching[-1] if matching else None


def code_at(policy: TotpPolicy, secret: bytes, *, now_s: float) -> str:
    """The code that an authenticator app shows at an instant."""
    return _Generator(policy, secret).at(int(now_s // policy.step_s))


def otpauth_uri(policy: TotpPolicy, secret: bytes, *, account: str, issuer: str) -> str:
    """The key as authenticator apps read it (Key Uri Format); nothing is left to their defaults.

    Names that are very long are shortened, to what a QR code has room for. Apps only show them.
    """
    account, issuer = _shortened(account, _MOST_OF_ACCOUNT), _shortened(issuer, _MOST_OF_ISSUER)
    label = f"{quote(issuer, safe='')}:{quote(account, safe='')}"
    parameters = {
        "secret": _text(secret),
        "issuer": issuer,
        "algorithm": policy.digest.value,
        "digits": policy.digits,
        "period": policy.step_s,
    }
    return f"otpauth://totp/{label}?{urlencode(parameters, quote_via=quote)}"


def qr_data_uri(text: str) -> str:
    """A QR code (ISO/IEC 18004, error correction M) as a PNG in a `data:` URI.

    The mask is fixed: to look for the best of eight takes most of the time, and every reader reads them all.
    """
    return segno.make_qr(text, error="m", mask=3, boost_error=False).png_data_uri(scale=5, border=4)


def _shortened(name: str, most_bytes: int) -> str:
    """As many whole characters as fit."""
    return name.encode()[:most_bytes].decode(errors="ignore")


def _text(secret: bytes) -> str:
    """Base32 without padding, as apps expect it."""
    return b32encode(secret).decode().rstrip("=")
