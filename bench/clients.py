"""OAuth clients that a Locust run opens challenges with, and their access tokens."""

import re
import time
from base64 import b64encode
from dataclasses import dataclass, field

from bench.operator import Unusable, run_command

_ENTRY = re.compile(r"(?P<id>[0-9a-f-]{36}\.[0-9a-f]{16}):(?P<secret>[A-Za-z0-9]+)", flags=re.ASCII)


@dataclass(slots=True, eq=False)
class Client:
    """A client of a tenant. It has no good access token at first."""

    id: str
    secret: str = field(repr=False)
    _token: str = field(default="", repr=False)
    _good_until: float = 0.0

    @property
    def tenant_id(self) -> str:
        return self.id.partition(".")[0]

    @property
    def basic(self) -> dict[str, str]:
        pair = b64encode(f"{self.id}:{self.secret}".encode()).decode()
        return {"authorization": f"Basic {pair}"}

    @property
    def bearer(self) -> dict[str, str] | None:
        """None if the token is not good for much longer."""
        return {"authorization": f"Bearer {self._token}"} if time.monotonic() < self._good_until else None

    def keep(self, token: str, life_s: float) -> None:
        self._token, self._good_until = token, time.monotonic() + life_s * 0.9


def parse_clients(name: str, text: str) -> tuple[Client, ...]:
    """Read `client_id:client_secret,client_id:client_secret`.

    Raises:
        Unusable
    """
    clients = tuple(_parse_client(name, number, entry) for number, entry in enumerate(text.split(","), start=1))
    if len({client.tenant_id for client in clients}) < len(clients):
        raise Unusable(f"{name}: a tenant is named twice")
    return clients


def make_client(tenant_id: str) -> Client:
    """A client of a tenant, by the operator's command.

    Raises:
        Unusable
    """
    made = run_command("client", "create", "--tenant", tenant_id, "--scope", "authenticator")
    return Client(made["client_id"], made["client_secret"])


def _parse_client(name: str, number: int, entry: str) -> Client:
    match = _ENTRY.fullmatch(entry.strip())
    if match is None:
        raise Unusable(f"{name}: entry {number} is not client_id:client_secret")
    return Client(match["id"], match["secret"])
