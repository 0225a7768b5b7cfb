"""What a Locust run is told by the environment: the variables BENCH_*, read once."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bench.clients import Client, parse_clients
from bench.curves import CURVES
from bench.operator import Unusable
from bench.tenants import Tenant, parse_tenants

PREFIX = "BENCH_"


@dataclass(frozen=True, slots=True)
class Settings:
    """A field `wait` is the variable BENCH_WAIT."""

    tenants: tuple[Tenant, ...] = ()
    limited_tenant: Tenant | None = None
    clients: tuple[Client, ...] = ()
    setup: bool = False
    shape: str | None = None
    wait: float = 0.1
    sweep: int = 2000


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Read the environment. An empty variable counts as unset.

    Raises:
        Unusable: an unknown variable, or a value that cannot be used.
    """
    given = {name: text for name, text in environ.items() if name.startswith(PREFIX) and text}
    if unknown := sorted(given.keys() - READERS.keys()):
        raise Unusable(f"unknown variable {', '.join(unknown)}: see bench/LOCUST.md")
    values = {name.removeprefix(PREFIX).lower(): READERS[name](name, text) for name, text in given.items()}
    settings = Settings(**values)
    if settings.setup and (settings.tenants or settings.limited_tenant or settings.clients):
        raise Unusable(
            "BENCH_SETUP makes tenants: unset it, or unset BENCH_TENANTS, BENCH_LIMITED_TENANT and BENCH_CLIENTS"
        )
    return settings


def _one_tenant(name: str, text: str) -> Tenant:
    tenants = parse_tenants(name, text)
    if len(tenants) != 1:
        raise Unusable(f"{name}: one tenant_id:api_key is needed")
    return tenants[0]


def _switch(name: str, text: str) -> bool:
    if text not in ("0", "1"):
        raise Unusable(f"{name}: 1 or 0 is needed")
    return text == "1"


def _shape(name: str, text: str) -> str:
    if text not in CURVES:
        raise Unusable(f"{name}: one of {', '.join(CURVES)} is needed")
    return text


def _seconds(name: str, text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds <= 3600:
        raise Unusable(f"{name}: seconds from 0 to 3600 are needed")
    return seconds


def _count(name: str, text: str) -> int:
    if not (text.isascii() and text.isdecimal()):
        raise Unusable(f"{name}: a whole number is needed")
    return int(text)


READERS: Mapping[str, Callable[[str, str], Any]] = {
    "BENCH_TENANTS": parse_tenants,
    "BENCH_LIMITED_TENANT": _one_tenant,
    "BENCH_CLIENTS": parse_clients,
    "BENCH_SETUP": _switch,
    "BENCH_SHAPE": _shape,
    "BENCH_WAIT": _seconds,
    "BENCH_SWEEP": _count,
}
