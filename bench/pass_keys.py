"""Pass keys of a run: phone numbers that no other process makes, and no other run."""

import secrets
from itertools import count

_WORKERS = 10_000


class PassKeys:
    """Numbers of 20 digits: a random run, a worker, a count. Longer than any number that a person has."""

    def __init__(self, worker: int = 0) -> None:
        run = 10_000_000 + secrets.randbelow(90_000_000)
        self._prefix = f"{run}{worker % _WORKERS:04d}"
        self._numbers = count()

    def new(self) -> str:
        return f"{self._prefix}{next(self._numbers):08d}"


def typed(pass_key: str) -> str:
    """A pass key as a customer types it: the dialer sends the bare digits, and they must meet."""
    return f"+{pass_key[:4]} ({pass_key[4:8]}) {pass_key[8:12]}-{pass_key[12:]}"
