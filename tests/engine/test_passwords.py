"""Passwords: hashed slowly, in few threads, and never on the event loop."""

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

from engine.errors import Busy
from engine.passwords import Passwords
from tests.waiting import wait_until_async

if TYPE_CHECKING:
    from collections.abc import Generator

pytestmark = pytest.mark.anyio

ROOM_OF_ONE_THREAD = 17


@pytest.fixture
def passwords() -> "Generator[Passwords]":
    passwords = Passwords(threads=1)
    yield passwords
    passwords.close()


async def test_the_right_password_is_right_and_any_other_wrong(passwords: Passwords) -> None:
    hashed = await passwords.hash("correct horse")
    assert await passwords.verify(hashed, "correct horse")
    for wrong in ("", "Correct horse", "correct horse ", "correct"):
        assert not await passwords.verify(hashed, wrong)


async def test_one_password_has_many_hashes_all_of_them_argon2id(passwords: Passwords) -> None:
    hashes = {await passwords.hash("correct horse") for _ in range(3)}
    assert len(hashes) == 3
    assert all(hashed.startswith("$argon2id$v=19$m=19456,t=2,p=1$") for hashed in hashes)


async def test_one_password_typed_on_two_keyboards_is_one(passwords: Passwords) -> None:
    composed, decomposed = "caf\u00e9 \ufb01", "cafe\u0301 fi"
    assert await passwords.verify(await passwords.hash(composed), decomposed)


async def test_nobody_has_a_password(passwords: Passwords) -> None:
    for guess in ("", "nobody has this password"):
        assert not await passwords.verify(None, guess)


async def test_nobody_takes_as_long_as_somebody(passwords: Passwords) -> None:
    somebody = await passwords.hash("correct horse")

    async def cpu_seconds(password_hash: str | None) -> float:
        before = time.process_time()
        for _ in range(10):
            await passwords.verify(password_hash, "wrong")
        return time.process_time() - before

    ratio = await cpu_seconds(None) / await cpu_seconds(somebody)
    assert 0.5 < ratio < 2


async def test_beyond_a_bounded_queue_there_is_a_refusal_at_once(passwords: Passwords) -> None:
    waiting = [asyncio.create_task(passwords.hash("x")) for _ in range(ROOM_OF_ONE_THREAD)]
    await wait_until_async(lambda: passwords.queued == ROOM_OF_ONE_THREAD)
    with pytest.raises(Busy):
        await passwords.hash("one too many")
    with pytest.raises(Busy):
        await passwords.verify(None, "one too many")
    await asyncio.gather(*waiting)
    assert passwords.queued == 0
    assert await passwords.hash("room again")


async def test_whoever_gives_up_leaves_the_queue(passwords: Passwords) -> None:
    waiting = [asyncio.create_task(passwords.hash("x")) for _ in range(ROOM_OF_ONE_THREAD)]
    await wait_until_async(lambda: passwords.queued == ROOM_OF_ONE_THREAD)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert passwords.queued == 0
    assert await passwords.hash("room again")


async def test_the_event_loop_goes_on_while_passwords_are_hashed(passwords: Passwords) -> None:
    turns, loop = 0, asyncio.get_running_loop()

    def turn() -> None:
        nonlocal turns
        turns += 1
        if not hashing.done():
            loop.call_soon(turn)

    hashing = asyncio.create_task(passwords.hash("x"))
    loop.call_soon(turn)
    await hashing
    assert turns > 20
