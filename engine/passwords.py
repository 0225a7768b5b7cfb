"""Passwords: Argon2id (RFC 9106) in a bounded pool of threads, so that sign-ins never stall the event loop."""

import asyncio
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher, Type
from argon2.exceptions import VerifyMismatchError

from engine.errors import Busy

# OWASP Password Storage Cheat Sheet, Argon2id: 19 MiB, 2 passes, 1 lane. Small enough for a pool of threads in
# every edge worker, and above the cheat sheet's minimum cost.
MEMORY_KIB = 19 * 1024
TIME_COST = 2
PARALLELISM = 1

_WAITING_PER_THREAD = 16

T = TypeVar("T")


class Passwords:
    """Hashes and verifies, at most `threads` at once and a bounded number waiting."""

    def __init__(self, *, threads: int) -> None:
        self._hasher = PasswordHasher(
            time_cost=TIME_COST, memory_cost=MEMORY_KIB, parallelism=PARALLELISM, type=Type.ID
        )
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="argon2")
        self._room = threads * (1 + _WAITING_PER_THREAD)
        self._queued = 0
        self._nobody = self._hasher.hash("nobody has this password")

    @property
    def queued(self) -> int:
        """Passwords that are being hashed or wait for a thread."""
        return self._queued

    async def hash(self, password: str) -> str:
        """Raises: Busy."""
        return await self._run(lambda: self._hasher.hash(_normal(password)))

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Tell whether the password is right. None stands for nobody, and takes as long.

        Raises:
            Busy: too many are waiting.
        """
        return await self._run(lambda: self._matches(password_hash or self._nobody, _normal(password))) and (
            password_hash is not None
        )

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _matches(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except VerifyMismatchError:
            return False

    async def _run(self, work: Callable[[], T]) -> T:
        if self._queued >= self._room:
            raise Busy
        self._queued += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self._queued -= 1


def _normal(password: str) -> str:
    """One password typed on two keyboards is one password (NIST SP 800-63B-4 3.1.1.2)."""
    return unicodedata.normalize("NFKC", password)
