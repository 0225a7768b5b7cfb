"""Requests to the Authenticator surface, in files for wrk, and the loads that send them."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from bench.crowd import Asked, Proof
from bench.load import Load, run_wrk
from engine.sealing import Keyring

CONNECTIONS = 64
_PLENTY = "1000000/1"  # calls per client and second: charged every time, reached never
_LINES = Path(__file__).parent / "lines.lua"


class Meant(NamedTuple):
    """What is asked, the status of every answer, and a text that it has."""

    method: str
    status: int
    text: str


class Requests:
    """Files of requests, and the loads that send them."""

    def __init__(self, directory: Path, *, seconds: int) -> None:
        self._directory = directory
        self._seconds = seconds

    def write(self, name: str, lines: Iterable[str]) -> None:
        (self._directory / name).write_text("".join(f"{line}\n" for line in lines))

    def send(
        self, name: str, port: int, *, meant: Meant, token: str, once: bool = False, connections: int = CONNECTIONS
    ) -> Load:
        """Send a file: once at most, or again and again. Answers that are not as meant are told as unlike."""
        method, status, text = meant
        return run_wrk(
            port,
            "/",
            seconds=self._seconds,
            connections=connections,
            script=_LINES,
            arguments=(str(self._directory / name), "once" if once else "again", method, token, str(status), text),
        )


def path_of_all(proof: Proof) -> str:
    """Of all challenges of a factor."""
    return f"/authenticator/v0.1/factors/{proof.factor_id}/challenges"


def path_of(asked: Asked) -> str:
    return f"{path_of_all(asked.proof)}/{asked.challenge_id}"


def answer(asked: Asked, code: str) -> str:
    """A line of a file."""
    return f'{path_of(asked)} [{{"op":"add","path":"/code","value":"{code}"}}]'


def environ_for(redis_url: str, *, courier: str = "off") -> dict[str, str]:
    """Of a service and of the crowds. A courier would ask the same Redis, so there is none unless it is meant."""
    return {
        "WATCHWORD_REDIS_URL": redis_url,
        "WATCHWORD_KEYS": Keyring.generate(),
        "WATCHWORD_CALL_LIMIT_PER_CLIENT": _PLENTY,
        "WATCHWORD_COURIER": courier,
    }
