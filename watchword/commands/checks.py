"""What `watchword doctor` looks at in Redis. A check says what it found and, if need be, what to do."""

import re
import statistics
import time
from collections.abc import Callable, Generator
from enum import StrEnum
from typing import Any, TypeAlias

import msgspec
import redis

from engine.store.durability import Durability, Mode
from engine.store.scripts import load_all
from watchword.servers import MINIMUM

_PINGS = 20
_SLOW_PING_MS = 10
_CLOCKS_APART_S = 1
_MEMORY_WARN, _MEMORY_FAIL = 0.80, 0.95


class Verdict(StrEnum):
    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


class Check(msgspec.Struct, frozen=True):
    """`to_do` is null where there is nothing to do, or where what was found says it already."""

    check: str
    verdict: Verdict
    found: str
    to_do: str | None = None


Facts: TypeAlias = dict[str, Any]
Look: TypeAlias = Callable[[Facts], Check]


def redis_checks(client: "redis.Redis", wanted: Durability) -> Generator[Check]:
    """Raises: redis.RedisError: it cannot be asked at all."""
    yield _latency(client)
    facts = _facts(client)
    for name, look in _LOOKS.items():
        try:
            yield look(facts)
        except KeyError as fact:
            yield _not_told(name, f"INFO or CONFIG: {fact.args[0]}")
    if wanted.mode is Mode.REPLICAS and "connected_slaves" in facts:
        yield replicas(facts, wanted.replicas)
    yield _timed(client)
    yield _scripts(client)


def _facts(client: "redis.Redis") -> Facts:
    """What Redis says of itself; what our user may not ask is not among it."""
    info: Facts | None = _ask(lambda: client.info())
    config: dict[str, str] | None = _ask(lambda: client.config_get("appendfsync"))
    return {**(info or {}), **(config or {})}


def _ask(command: Callable[[], Any]) -> Any:  # noqa: ANN401  # whatever Redis answers
    """The answer, or None if our user may not have it, or the service hides the command."""
    try:
        return command()
    except redis.ResponseError:
        return None


def _not_told(name: str, what: str) -> Check:
    to_do = "Check by hand, or allow it to this user."
    return Check(name, Verdict.WARN, f"not allowed to ask for it ({what})", to_do)


def _latency(client: "redis.Redis") -> Check:
    took: list[float] = []
    for _ in range(_PINGS):
        began = time.perf_counter()
        client.ping()
        took.append(time.perf_counter() - began)
    typical_ms = statistics.median(took) * 1000
    found = f"{typical_ms:.2f} ms for a round trip"
    if typical_ms > _SLOW_PING_MS:
        return Check("latency", Verdict.WARN, found, "Run the edges near Redis: every request waits so long.")
    return Check("latency", Verdict.OK, found)


def version(info: Facts) -> Check:
    name = "valkey" if "valkey_version" in info else "redis"
    told = str(info[f"{name}_version"])
    found = f"{name.capitalize()} {told}"
    if tuple(map(int, re.findall(r"\d+", told)[:3])) < MINIMUM[name]:
        return Check("version", Verdict.FAIL, found, "Update: Redis 7.0 or Valkey 8.0 is the oldest that works.")
    return Check("version", Verdict.OK, found)


def role(info: Facts) -> Check:
    if info["role"] != "master":
        return Check("role", Verdict.FAIL, "a replica, which refuses writes", "Give the URL of the primary.")
    return Check("role", Verdict.OK, "primary")


def eviction(info: Facts) -> Check:
    policy = str(info["maxmemory_policy"])
    if policy != "noeviction":
        to_do = "Set maxmemory-policy noeviction, or Redis drops passcodes and limits when memory is short."
        return Check("eviction", Verdict.FAIL, f"maxmemory-policy is {policy}", to_do)
    return Check("eviction", Verdict.OK, "maxmemory-policy is noeviction")


def memory(info: Facts) -> Check:
    used, most = int(info["used_memory"]), int(info["maxmemory"])
    if not most:
        return Check("memory", Verdict.OK, f"{_mib(used)} in use, no maxmemory")
    found = f"{_mib(used)} of {_mib(most)} in use"
    to_do = "Raise maxmemory: when it is reached, every write is refused (503)."
    if used >= _MEMORY_FAIL * most:
        return Check("memory", Verdict.FAIL, found, to_do)
    if used >= _MEMORY_WARN * most:
        return Check("memory", Verdict.WARN, found, to_do)
    return Check("memory", Verdict.OK, found)


def persistence(info: Facts) -> Check:
    name = "persistence"
    if not info["aof_enabled"]:
        to_do = "Set appendonly yes: what was acknowledged is lost when this Redis stops."
        return Check(name, Verdict.WARN, "the append-only file is off", to_do)
    if info["aof_last_write_status"] != "ok":
        to_do = "Look at its disk and its log: until it can, every write is refused (503)."
        return Check(name, Verdict.FAIL, "Redis cannot write its append-only file", to_do)
    found = f"append-only file, fsync {info['appendfsync']}"
    if info["appendfsync"] == "no":
        to_do = "Set appendfsync everysec: a crash of the machine can cost half a minute of writes."
        return Check(name, Verdict.WARN, found, to_do)
    return Check(name, Verdict.OK, found)


def replicas(info: Facts, wanted: int) -> Check:
    there = int(info["connected_slaves"])
    found = f"{there} connected, {wanted} must confirm each write"
    if there < wanted:
        to_do = (
            "Bring replicas up, or ask for fewer in WATCHWORD_DURABILITY: until then writes are answered with 503."
        )
        return Check("replicas", Verdict.FAIL, found, to_do)
    if there == wanted:
        to_do = "Add one more: the restart of any of them is an outage."
        return Check("replicas", Verdict.WARN, found, to_do)
    return Check("replicas", Verdict.OK, found)


_LOOKS: dict[str, Look] = {
    "version": version,
    "role": role,
    "eviction": eviction,
    "memory": memory,
    "persistence": persistence,
}


def clock(told: tuple[int, int] | None, host_s: float) -> Check:
    """Compare what TIME told, in seconds and microseconds, with the time of this host."""
    if told is None:
        return _not_told("clock", "TIME")
    apart = told[0] + told[1] / 1_000_000 - host_s
    found = f"{abs(apart):.3f} s {'ahead of' if apart > 0 else 'behind'} this host"
    if abs(apart) > _CLOCKS_APART_S:
        return Check("clock", Verdict.WARN, found, "Let both follow one time service (NTP).")
    return Check("clock", Verdict.OK, found)


def _timed(client: "redis.Redis") -> Check:
    before = time.time()
    told: tuple[int, int] | None = _ask(lambda: client.time())
    return clock(told, (before + time.time()) / 2)


def _scripts(client: "redis.Redis") -> Check:
    scripts = load_all()
    for script in scripts:
        try:
            client.script_load(script.source)
        except redis.ResponseError as error:
            to_do = "Allow the user +script|load and +evalsha, and the commands that the scripts call."
            return Check("scripts", Verdict.FAIL, f"{script.name}: {error}", to_do)
    return Check("scripts", Verdict.OK, f"{len(scripts)} loaded")


def _mib(size: int) -> str:
    return f"{size / 1024 / 1024:.1f} MiB"
