"""What Redis holds, as its administrator sees it."""

from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

from engine.store.keys import KEY_CHECKS, KEY_HOLDERS
from tests.engine.servers import scan

if TYPE_CHECKING:
    from collections.abc import Generator

    from tests.engine.kinds import AnyServer


RECORDS = {b"audit", b"journal", b"usage"}


def names(redis: "AnyServer", noun: str) -> set[bytes]:
    """The keys of one noun of the key grammar."""
    return {key for key in scan(redis.admin) if _noun(key) == noun.encode()}


def contents(redis: "AnyServer") -> set[tuple[bytes, bytes]]:
    """Every key and its value, in Redis' own serialisation.

    Without what every process renews as it lives, and without what tells of the requests themselves.
    """
    known = [key for key in {*scan(redis.admin)} - {KEY_CHECKS, KEY_HOLDERS} if _noun(key) not in RECORDS]
    with redis.admin.pipeline(transaction=False) as pipeline:
        for key in known:
            pipeline.dump(key)
        values = cast("list[object]", pipeline.execute())
    return {(key, value) for key, value in zip(known, values, strict=True) if isinstance(value, bytes)}


@contextmanager
def nothing_new(redis: "AnyServer") -> "Generator[None]":
    """After the block, no key is new or changed."""
    before = contents(redis)
    yield
    assert contents(redis) <= before


def break_value(redis: "AnyServer", key: bytes) -> None:
    """Change the last byte of what is stored, as if it were sealed by a key that nobody has any more."""
    value = redis.admin.get(key)
    assert isinstance(value, bytes)
    redis.admin.set(key, value[:-1] + bytes([value[-1] ^ 1]), keepttl=True)


def _noun(key: bytes) -> bytes:
    return key.split(b":")[1]
