"""From settings to what an engine is opened with, and whether it can be."""

import asyncio

import msgspec

from edge.scopes import SCOPES
from engine.assembly import Options, open_engine
from engine.errors import Misconfigured
from engine.sealing import Keyring
from engine.store.address import AddressError
from engine.store.topology import parse_topology
from watchword.keyfile import kept_keys
from watchword.settings import Settings

_REDIS_PATIENCE_SECONDS = 10


def with_embedded_redis(settings: Settings, url: str) -> Settings:
    """The settings of everything that talks to an embedded Redis: its URL, and the keys kept beside it."""
    keys = settings.keys or kept_keys(settings.data_dir)
    return msgspec.structs.replace(settings, redis_url=url, redis_password=None, keys=keys)


def engine_options(settings: Settings) -> Options:
    """Raises: Misconfigured: an unusable Redis URL, unusable keys, or none."""
    if settings.redis_url is None:
        raise Misconfigured("WATCHWORD_REDIS_URL is not set")
    if settings.keys is None:
        raise Misconfigured(
            "WATCHWORD_REDIS_URL needs WATCHWORD_KEYS, the same on every edge; "
            'a new one: echo "k1:$(head -c 32 /dev/urandom | base64)"'
        )
    try:
        redis = parse_topology(settings.redis_url, password=settings.redis_password)
    except AddressError as error:
        raise Misconfigured(f"WATCHWORD_REDIS_URL: {error}") from None
    return Options(
        redis=redis,
        durability=settings.durability,
        keyring=Keyring.parse(settings.keys),
        rates=settings.rates,
        partitions=settings.partitions,
        deadline_ms=settings.call_deadline_ms,
        max_in_flight=settings.max_in_flight,
        password_threads=settings.password_threads,
        scopes=SCOPES,
        retention=settings.retention,
    )


async def check(options: Options) -> None:
    """Open an engine once, so that what is wrong is said here and now, in one sentence.

    Raises:
        Misconfigured
    """
    try:
        async with asyncio.timeout(_REDIS_PATIENCE_SECONDS), open_engine(options):
            return
    except TimeoutError:
        raise Misconfigured(
            f"Redis did not answer within {_REDIS_PATIENCE_SECONDS} s: check WATCHWORD_REDIS_URL; "
            "`watchword doctor` tells more"
        ) from None
