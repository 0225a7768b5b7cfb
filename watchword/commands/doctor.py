"""`watchword doctor`: what is wrong, and what to do about it."""

import asyncio
import os
import ssl
from collections.abc import Generator, Iterable
from typing import Any

import click
import msgspec
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from engine.assembly import Engine
from engine.errors import Misconfigured
from engine.store.address import Address, AddressError
from engine.store.durability import Durability
from engine.store.errors import LinkDown
from engine.store.keys import DEPLOYMENT
from engine.store.topology import parse_topology
from watchword.commands.checks import Check, Verdict, redis_checks
from watchword.commands.output import answer, json_option
from watchword.commands.session import REDIS_PATIENCE_SECONDS, redis_of, run
from watchword.embedded import running_url
from watchword.options import engine_options
from watchword.servers import EmbeddedError
from watchword.settings import PREFIX, Settings, read_settings


class Report(msgspec.Struct):
    healthy: bool
    checks: list[Check]


@click.command("doctor")
@json_option
@click.pass_context
def doctor(context: click.Context, *, as_json: bool) -> None:
    """Say what is wrong, and what to do about it.

    Looks at the settings, at Redis and at what is stored there. The exit code is 1 if anything fails. It does not
    start a deployment, and changes none.
    """
    checks = list(examine())
    healthy = all(check.verdict is not Verdict.FAIL for check in checks)
    answer(Report(healthy, checks), _text(checks), as_json=as_json)
    context.exit(0 if healthy else 1)


def _text(checks: Iterable[Check]) -> str:
    known = list(checks)
    width = max(len(check.check) for check in known)
    lines: list[str] = []
    for check in known:
        lines.append(f"{check.verdict:4}  {check.check:{width}}  {check.found}")
        if check.to_do is not None:
            lines.append(f"{'':{width + 6}}  {check.to_do}")
    return "\n".join(lines)


def examine() -> Generator[Check]:
    """Look at settings and Redis, one thing after the other."""
    try:
        settings = read_settings(os.environ)
    except Misconfigured as error:
        yield Check("settings", Verdict.FAIL, str(error))
        return
    given = sorted(name for name, text in os.environ.items() if name.startswith(PREFIX) and text)
    yield Check("settings", Verdict.OK, f"set: {', '.join(given)}" if given else "none set: the defaults apply")
    if settings.tls_cert is not None or settings.tls_key is not None:
        yield _tls(settings)
    try:
        runs = settings.redis_url is not None or running_url(settings.data_dir) is not None
        with redis_of(settings) as complete:
            yield from _examine_redis(complete, runs=runs)
    except (EmbeddedError, OSError) as error:
        yield Check("redis", Verdict.FAIL, str(error))


def _tls(settings: Settings) -> Check:
    if settings.tls_cert is None or settings.tls_key is None:
        return Check("tls", Verdict.FAIL, "a certificate and its key belong together", "Set both, or neither.")
    try:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(settings.tls_cert, settings.tls_key, password=lambda: "")
    except OSError as error:
        return Check(
            "tls", Verdict.FAIL, str(error), "Give a PEM certificate chain and its unencrypted private key."
        )
    return Check("tls", Verdict.OK, f"{settings.tls_cert} and its key fit")


def _examine_redis(settings: Settings, *, runs: bool) -> Generator[Check]:
    try:
        topology = parse_topology(settings.redis_url or "", password=settings.redis_password)
    except AddressError as error:
        yield Check("redis", Verdict.FAIL, str(error), "Correct WATCHWORD_REDIS_URL.")
        return
    found = str(topology) if runs else f"{topology}, started for this check"
    try:
        primaries = asyncio.run(topology.primaries())
        with _client(primaries[0]) as first:
            first.ping()
            yield Check("redis", Verdict.OK, found)
            for primary in primaries:
                yield from _examine_primary(primary, settings.durability, alone=len(primaries) == 1)
            yield _deployment(first, settings)
    except (redis.RedisError, LinkDown) as error:
        to_do = "Start it, or correct WATCHWORD_REDIS_URL: host, port, user, password, TLS."
        yield Check("redis", Verdict.FAIL, f"{topology} cannot be asked: {error}", to_do)


def _examine_primary(address: Address, durability: Durability, *, alone: bool) -> Generator[Check]:
    """Of several, each check has the name of its server behind its own."""
    with _client(address) as client:
        for check in redis_checks(client, durability):
            name = check.check if alone else f"{check.check} {address.host}:{address.port}"
            yield msgspec.structs.replace(check, check=name)


def _client(address: Address) -> "redis.Redis":
    options: dict[str, Any] = {**address.client_options(), "retry": Retry(NoBackoff(), 0)}
    client: redis.Redis = redis.Redis(
        **options,
        decode_responses=True,
        socket_timeout=REDIS_PATIENCE_SECONDS,
        socket_connect_timeout=REDIS_PATIENCE_SECONDS,
    )
    return client


def _deployment(client: "redis.Redis", settings: Settings) -> Check:
    """Whether these settings fit what is stored. An engine is opened only where there is a deployment to join."""
    name = "deployment"
    try:
        engine_options(settings)
        stored: list[Any] = client.hmget(DEPLOYMENT.decode(), "partitions")
        if stored[0] is None:
            found = f"not started yet: the first start fixes {settings.partitions} partitions for good"
            return Check(name, Verdict.OK, found)
        run(settings, _look)
    except redis.ResponseError as error:
        return Check(name, Verdict.WARN, f"not allowed to ask: {error}", "Allow the user its keys, ~{*}:*.")
    except (Misconfigured, click.ClickException) as error:
        return Check(name, Verdict.FAIL, str(error))
    return Check(name, Verdict.OK, f"{stored[0]} partitions, and the keys open it")


async def _look(engine: Engine) -> None:
    """Opening it was the check."""
