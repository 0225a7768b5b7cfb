"""Passcodes in Redis: the two transactions that the engine is judged on."""

from enum import IntEnum
from typing import NamedTuple

from engine.store import keys
from engine.store.clock import clock
from engine.store.keys import Place
from engine.store.runner import Runner
from engine.store.scripts import load

_SUBMIT = load("passcode/submit")
_FETCH = load("passcode/fetch")


class SubmitStatus(IntEnum):
    STORED = 0
    REPLAYED = 1
    TAKEN = 2
    EXCEEDED = 3


class SubmitReply(NamedTuple):
    status: SubmitStatus
    sealed: bytes
    remaining: int
    reset_ms: int
    retry_after_ms: int


class FetchStatus(IntEnum):
    FETCHED = 0
    REPLAYED = 1
    GONE = 2
    SEALED = 3


class FetchReply(NamedTuple):
    """`left_ms` is -1 where nobody asked."""

    status: FetchStatus
    sealed: bytes
    left_ms: int


# By number: calling an enumeration costs ten times as much as indexing a tuple.
_SUBMIT_STATUSES = tuple(SubmitStatus)
_FETCH_STATUSES = tuple(FetchStatus)


class PasscodeStore:
    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    async def submit(
        self,
        *,
        subject: Place,
        sealed: bytes,
        ttl_ms: int,
        fetches: int,
        request: str | None,
        quota: int,
        window_us: int,
        now_us: int | None = None,
    ) -> SubmitReply:
        """`request` is the digest of the Idempotency-Key; `fetches` and `quota` of 0 mean no bound."""
        passcode = keys.passcode(subject)
        receipt = passcode if request is None else keys.submit_receipt(subject, request)
        reply = await self._runner.run(
            _SUBMIT,
            subject.partition,
            [passcode, receipt, keys.limit(subject)],
            [
                sealed,
                ttl_ms,
                fetches,
                0 if request is None else 1,
                quota,
                window_us,
                clock(now_us),
            ],
        )
        return SubmitReply(_SUBMIT_STATUSES[reply[0]], *reply[1:])

    async def fetch(
        self, *, subject: Place, request: str | None, ids: bytes = b"", is_timed: bool = False
    ) -> FetchReply:
        """`request` is the digest of the Idempotency-Key, `ids` are those of the keys that the caller has.

        Without a request there is no receipt, and the name of the passcode stands in its place: a Cluster serves a
        call that names one key while its partition moves, and none that names two of which one is absent.
        """
        passcode = keys.passcode(subject)
        receipt = passcode if request is None else keys.fetch_receipt(subject, request)
        reply = await self._runner.run(
            _FETCH,
            subject.partition,
            [passcode, receipt],
            [0 if request is None else 1, 1 if is_timed else 0, ids],
        )
        return FetchReply(_FETCH_STATUSES[reply[0]], reply[1], reply[2])
