"""The tenants that a Locust run asks for: given by the environment, or made for it.

`python -m bench.tenants` makes some on the Redis of the settings and prints what to export.
"""

import re
import sys
import uuid
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import NamedTuple

from bench.clients import Client, make_client
from bench.operator import Unusable, run_command

_ENTRY = re.compile(
    r"(?P<id>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}):(?P<key>[A-Za-z0-9]+)", flags=re.ASCII | re.IGNORECASE
)
_LIFE_S = 300
_UNLIMITED, _ONE_PER_SECOND = "0", "1"


@dataclass(frozen=True, slots=True)
class Tenant:
    """A tenant, and how long a passcode of it lives."""

    id: str
    api_key: str = field(repr=False)
    life_s: float = 60


class Made(NamedTuple):
    """Tenants that were made for a run: some without limits, and one with a limit of one request per second.

    Each of those without has a client.
    """

    tenants: tuple[Tenant, ...]
    limited: Tenant
    clients: tuple[Client, ...]


def parse_tenants(name: str, text: str) -> tuple[Tenant, ...]:
    """Read `tenant_id:api_key,tenant_id:api_key`.

    Raises:
        Unusable
    """
    tenants = tuple(_parse_tenant(name, number, entry) for number, entry in enumerate(text.split(","), start=1))
    if len({tenant.id for tenant in tenants}) < len(tenants):
        raise Unusable(f"{name}: a tenant is named twice")
    return tenants


def make_tenants() -> Made:
    """Make two tenants without limits and one with, by the operator's commands.

    Raises:
        Unusable: the command said no; its sentence is passed on.
    """
    with ThreadPoolExecutor() as pool:
        *tenants, limited = pool.map(_make, (_UNLIMITED, _UNLIMITED, _ONE_PER_SECOND))
        clients = pool.map(make_client, [tenant.id for tenant in tenants])
        return Made(tuple(tenants), limited, tuple(clients))


def delete_tenants(tenants: Iterable[Tenant]) -> None:
    """Raises: Unusable."""
    with ThreadPoolExecutor() as pool:
        list(pool.map(_delete, tenants))


def _parse_tenant(name: str, number: int, entry: str) -> Tenant:
    match = _ENTRY.fullmatch(entry.strip())
    if match is None:
        raise Unusable(f"{name}: entry {number} is not tenant_id:api_key")
    return Tenant(match["id"].lower(), match["key"])


def _make(limit: str) -> Tenant:
    made = run_command("tenant", "create", "--name", f"bench {uuid.uuid4().hex[:12]}", "--active")
    tenant = Tenant(made["tenant_id"], made["api_key"])
    limits = ("--submit-limit", limit, "--fetch-limit", limit)
    run_command("tenant", "configure", tenant.id, "--pass-key-expires", str(_LIFE_S), *limits)
    return tenant


def _delete(tenant: Tenant) -> None:
    run_command("tenant", "delete", tenant.id, "--yes")


def main() -> None:
    """Print the variables of a run."""
    try:
        made = make_tenants()
    except Unusable as error:
        sys.exit(str(error))
    print("export BENCH_TENANTS=" + ",".join(f"{tenant.id}:{tenant.api_key}" for tenant in made.tenants))
    print(f"export BENCH_LIMITED_TENANT={made.limited.id}:{made.limited.api_key}")
    print("export BENCH_CLIENTS=" + ",".join(f"{client.id}:{client.secret}" for client in made.clients))


if __name__ == "__main__":
    main()
