"""How a connection becomes one that calls may use, or is refused with a sentence that says why."""

import asyncio
from collections.abc import Sequence
from typing import Any, NamedTuple, cast

from engine.store.address import Address
from engine.store.connection import Argument, Connection
from engine.store.durability import Mode
from engine.store.errors import LinkDown
from engine.store.scripts import Script


class Server(NamedTuple):
    """Who answers, as it says itself; empty where it does not say."""

    name: str
    version: str


class Demands(NamedTuple):
    """What a server must be."""

    is_cluster: bool
    durability: Mode


async def shake_hands(
    connection: Connection, address: Address, scripts: Sequence[Script], demands: Demands
) -> Server | None:
    """Sign in, watch, and load the scripts, in one round trip.

    Raises:
        LinkDown, ScriptFailed: it is not the server that it must be, or does not let us do what we must.
    """
    commands: list[tuple[Argument, ...]] = [
        *_sign_in(address, "watchword"),
        ("CLIENT", "TRACKING", "ON", "OPTIN"),
        ("CLIENT", "CACHING", "YES"),  # allowed? it matters only later
        *(("SCRIPT", "LOAD", script.source) for script in scripts),
    ]
    if demands.durability is Mode.AOF:
        commands.append(("INFO", "persistence"))
    greeting, *answers = await _ask_all(connection, commands)
    _require(greeting)
    _check_role(greeting, demands)  # whoever it is not does not know half of the commands
    for answer in answers:
        _require(answer)
    if demands.durability is Mode.AOF and b"aof_enabled:1" not in answers[-1]:
        raise LinkDown("WATCHWORD_DURABILITY is aof, and this server's append-only file is off")
    if connection.is_lost:
        raise LinkDown
    return _server(greeting)


async def sign_in(connection: Connection, address: Address, name: str) -> None:
    """All that a connection needs which runs no scripts.

    Raises:
        LinkDown, ScriptFailed
    """
    for answer in await _ask_all(connection, _sign_in(address, name)):
        _require(answer)


def _sign_in(address: Address, name: str) -> list[tuple[Argument, ...]]:
    commands: list[tuple[Argument, ...]] = [tuple(address.hello()), ("CLIENT", "SETNAME", name)]
    if address.database:
        commands.append(("SELECT", address.database))
    return commands


async def _ask_all(connection: Connection, commands: Sequence[tuple[Argument, ...]]) -> list[Any]:
    """Their answers, some of which may be errors."""
    return await asyncio.gather(*[connection.ask(*command) for command in commands], return_exceptions=True)


def _require(answer: Any) -> None:  # noqa: ANN401
    if isinstance(answer, BaseException):
        raise answer


def _check_role(greeting: Any, demands: Demands) -> None:  # noqa: ANN401  # what HELLO was answered with
    """What a server does not say of itself is believed."""
    told = cast("dict[bytes, Any]", greeting) if isinstance(greeting, dict) else {}
    mode = told.get(b"mode")
    if mode == b"sentinel":
        raise LinkDown("this is a Sentinel: its URL is redis+sentinel://host:port,.../service")
    if mode == b"cluster" and not demands.is_cluster:
        raise LinkDown("this is a node of a Cluster: its URL is redis+cluster://host:port,...")
    if mode == b"standalone" and demands.is_cluster:
        raise LinkDown("this is no node of a Cluster: its URL is redis://host:port")
    if told.get(b"role") in {b"replica", b"slave"}:
        raise LinkDown("this is a replica, which takes no writes")


def _server(greeting: Any) -> Server | None:  # noqa: ANN401
    match greeting:
        case {b"server": bytes(name), b"version": bytes(version)}:
            return Server(name.decode(), version.decode())
        case _:
            return None
