"""How a tenant's passcodes are made: by whom, of which characters, how long they are and how long they live."""

import secrets
import string
from enum import StrEnum

import msgspec

from engine.errors import Invalid, Problem, out_of_bounds
from engine.totp import TotpPolicy

MIN_LENGTH, MAX_LENGTH = 4, 64
MIN_EXPIRES_S, MAX_EXPIRES_S = 10, 86_400
MIN_PHRASE_LENGTH = 3
MIN_LIFE_S, MAX_LIFE_S = 30, 3600
MAX_LOCK_AFTER = 100  # consecutive failures per account (NIST SP 800-63B-4 3.2.2)


class Mode(StrEnum):
    """Who makes the passcode: this system, or the customer."""

    SYSTEM = "system"
    MANUAL = "manual"


class Alphabet(StrEnum):
    NUMERIC = "numeric"
    ALPHABETS = "alphabets"
    ALPHANUMERIC = "alphanumeric"


# What is drawn is said aloud on a phone: one case, and none of 0 O 1 I L.
_DRAWN = {
    Alphabet.NUMERIC: string.digits,
    Alphabet.ALPHABETS: "ABCDEFGHJKMNPQRSTUVWXYZ",
    Alphabet.ALPHANUMERIC: "23456789ABCDEFGHJKMNPQRSTUVWXYZ",
}
# What customers choose themselves is theirs to read.
_ACCEPTED = {
    Alphabet.NUMERIC: frozenset(string.digits),
    Alphabet.ALPHABETS: frozenset(string.ascii_letters),
    Alphabet.ALPHANUMERIC: frozenset(string.ascii_letters + string.digits),
}


class PasscodePolicy(msgspec.Struct, frozen=True, omit_defaults=True):
    """Six digits by default: 20 bits (NIST SP 800-63B-4 3.1.2.1), drawn by a CSPRNG without bias."""

    mode: Mode = Mode.SYSTEM
    alphabet: Alphabet = Alphabet.NUMERIC
    length: int = 6
    expires_s: int = 60

    def problems(self) -> tuple[Problem, ...]:
        """What is out of bounds, by the names of the fields above."""
        return out_of_bounds(
            ("length", self.length, MIN_LENGTH, MAX_LENGTH),
            ("expires_s", self.expires_s, MIN_EXPIRES_S, MAX_EXPIRES_S),
        )

    def passcode(self, offered: str | None) -> str:
        """Draw a passcode, or take the customer's.

        Raises:
            Invalid: the customer's is missing, too short, too long, or of other characters.
        """
        if self.mode is Mode.SYSTEM:
            return _draw(_DRAWN[self.alphabet], self.length)
        if not offered:
            raise Invalid.value("pass_phrase", "required")
        if len(offered) < MIN_PHRASE_LENGTH:
            raise Invalid.value("pass_phrase", "min_length", MIN_PHRASE_LENGTH)
        if len(offered) > self.length:
            raise Invalid.value("pass_phrase", "max_length", self.length)
        if not _ACCEPTED[self.alphabet].issuperset(offered):
            raise Invalid.value("pass_phrase", "alphabet")
        return offered


def drawn_from(alphabet: Alphabet) -> str:
    """The characters that passcodes of the system consist of."""
    return _DRAWN[alphabet]


class ChallengePolicy(msgspec.Struct, frozen=True, omit_defaults=True):
    """How users are challenged. After `lock_after` failures in a row, over all challenges, a factor refuses for a
    while, and longer each time (NIST SP 800-63B-4 3.2.2)."""

    life_s: int = 300
    lock_after: int = 10
    totp: TotpPolicy = TotpPolicy()

    def problems(self) -> tuple[Problem, ...]:
        """What is out of bounds, by the names of the fields above and of TotpPolicy."""
        own = out_of_bounds(
            ("life_s", self.life_s, MIN_LIFE_S, MAX_LIFE_S), ("lock_after", self.lock_after, 1, MAX_LOCK_AFTER)
        )
        return (*own, *self.totp.problems())


def _draw(alphabet: str, length: int) -> str:
    """One unbiased number from the system's source, written in the alphabet: every passcode is as likely."""
    base = len(alphabet)
    number = secrets.randbelow(base**length)
    characters: list[str] = []
    for _ in range(length):
        number, index = divmod(number, base)
        characters.append(alphabet[index])
    return "".join(characters)
