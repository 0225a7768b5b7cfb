"""Bearer secrets: API keys, session tokens, secrets and access tokens of OAuth clients.

    wwk 5d8f...32 hex digits...  43 letters and digits  8 hex digits
    kind       subject                  secret             checksum

The subject says whose it is, so a request routes from the token alone. The secret has 256 bits. The checksum
lets scanners and the edge tell a token from a typing error without asking Redis. Only a SHA-256 digest is ever
stored: a fast hash is right for a secret that cannot be guessed.
"""

import re
import secrets
import string
from enum import StrEnum
from hashlib import sha256
from typing import NamedTuple
from zlib import crc32

_ALPHABET = string.ascii_letters + string.digits
_SECRET_LENGTH = 43  # 43 * log2(62) = 256 bits
_SHAPE = re.compile(r"(ww[acgks])([0-9a-f]{32})[A-Za-z0-9]{43}([0-9a-f]{8})")


class Kind(StrEnum):
    ACCESS_TOKEN = "wwa"  # noqa: S105  # a prefix
    AGENT_SESSION = "wwg"
    API_KEY = "wwk"
    CLIENT_SECRET = "wwc"  # noqa: S105
    SESSION = "wws"


class Token(NamedTuple):
    """A token that is well-formed. Whether it is good, only the store can tell."""

    subject: str
    digest: str


def mint(kind: Kind, subject: str) -> str:
    """A new token for a subject of 32 hexadecimal digits. Shown once, never stored."""
    body = kind + subject + "".join(secrets.choice(_ALPHABET) for _ in range(_SECRET_LENGTH))
    return body + _checksum(body)


def parse(kind: Kind, text: str) -> Token | None:
    """Read a token; None if it is malformed, mistyped or of another kind."""
    match = _SHAPE.fullmatch(text)
    if match is None or match[1] != kind or match[3] != _checksum(text[:-8]):
        return None
    return Token(match[2], digest(text))


def digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def _checksum(body: str) -> str:
    return f"{crc32(body.encode()):08x}"
