"""Challenges: a user is asked to prove a factor, within a time and with a number of attempts."""

import asyncio
from contextlib import suppress
from enum import StrEnum
from typing import NamedTuple

import msgspec

from engine.errors import ChallengeClosed, FactorLocked, FactorNotActive, UnknownChallenge, UnknownFactor
from engine.factors import Factors
from engine.ids import ChallengeId, FactorId, TenantId, is_uuid
from engine.sealing import Keyring
from engine.store.challenges import (
    AttemptStatus,
    ChallengeStore,
    ConcludeStatus,
    ForgetStatus,
    OpenStatus,
    ReadStatus,
)
from engine.store.keys import KeySpace, Place
from engine.totp import matching_step

LIFE_MS = 300_000
KEPT_MS = 24 * 3600 * 1000  # how long a challenge can be read
MOST_ATTEMPTS = 1  # a wrong code ends a TOTP challenge

# After so many failures in a row, over all challenges of a factor, it refuses for a while, and longer each time
# (NIST SP 800-63B-4 3.2.2).
FREE_FAILURES = 10
FIRST_LOCK_MS = 30_000
LONGEST_LOCK_MS = 3_600_000


class State(StrEnum):
    PENDING = "PENDING"
    VERIFIED = "VERIFIED"
    FAILED = "FAILED"
    EXPIRED = "EXPIRED"


class Record(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is sealed. `reference` is the tenant's own name for the occasion."""

    reference: str | None = None


class Challenge(NamedTuple):
    """A challenge as it is. Instants are milliseconds since the epoch, by the clock of Redis."""

    id: ChallengeId
    state: State
    record: Record
    created_ms: int
    updated_ms: int
    expires_ms: int


class Challenges:
    def __init__(self, store: ChallengeStore, factors: Factors, space: KeySpace, *, keyring: Keyring) -> None:
        self._store = store
        self._factors = factors
        self._space = space
        self._keyring = keyring

    async def open(self, tenant_id: TenantId, factor_id: FactorId, *, reference: str | None) -> Challenge:
        """Challenge the holder of a factor.

        Raises:
            UnknownFactor, FactorNotActive, FactorLocked
        """
        factor = self._factors.place(tenant_id, factor_id)
        challenge_id = ChallengeId(self._space.new_id(factor))
        record = Record(reference)
        reply = await self._store.open(
            factor=factor,
            challenge=self._place(tenant_id, factor_id, challenge_id),
            challenge_id=challenge_id,
            record=self._seal(tenant_id, challenge_id, record),
            life_ms=LIFE_MS,
            kept_ms=KEPT_MS,
        )
        match reply.status:
            case OpenStatus.ABSENT:
                raise UnknownFactor
            case OpenStatus.CLOSED:
                raise FactorNotActive
            case OpenStatus.LOCKED:
                raise FactorLocked(reply.retry_after_ms)
            case OpenStatus.OPENED:
                now_ms = reply.now_ms
        return Challenge(challenge_id, State.PENDING, record, now_ms, now_ms, now_ms + LIFE_MS)

    async def read(self, tenant_id: TenantId, factor_id: FactorId, challenge_id: ChallengeId) -> Challenge:
        """Raises: UnknownFactor, UnknownChallenge: or it is another factor's, or another tenant's."""
        reply = await self._store.read(challenge=self._place(tenant_id, factor_id, challenge_id))
        if reply.status is ReadStatus.ABSENT:
            raise UnknownChallenge
        return Challenge(
            challenge_id,
            State(reply.state.decode()),
            self._unseal(tenant_id, challenge_id, reply.record),
            reply.created_ms,
            reply.updated_ms,
            reply.expires_ms,
        )

    async def answer(
        self, tenant_id: TenantId, factor_id: FactorId, challenge_id: ChallengeId, *, code: str
    ) -> Challenge:
        """Answer with a code: counted first, compared second, consumed last. Tells what became of the challenge.

        Raises:
            UnknownFactor, UnknownChallenge, FactorLocked
            ChallengeClosed: answered before, expired, or its attempts are spent.
        """
        challenge = self._place(tenant_id, factor_id, challenge_id)
        factor = self._factors.place(tenant_id, factor_id)
        counted = await self._store.attempt(challenge=challenge, factor=factor, most=MOST_ATTEMPTS)
        match counted.status:
            case AttemptStatus.ABSENT:
                raise UnknownChallenge
            case AttemptStatus.CLOSED:
                raise ChallengeClosed
            case AttemptStatus.LOCKED:
                raise FactorLocked(counted.retry_after_ms)
            case AttemptStatus.COUNTED:
                held = self._factors.unseal(tenant_id, factor_id, counted.record)
        concluded = await self._store.conclude(
            challenge=challenge,
            factor=factor,
            step=matching_step(held.policy, held.secret, code, now_s=counted.now_ms / 1000),
            free=FREE_FAILURES,
            first_ms=FIRST_LOCK_MS,
            longest_ms=LONGEST_LOCK_MS,
        )
        if concluded.status is ConcludeStatus.CLOSED:
            raise ChallengeClosed
        return await self.read(tenant_id, factor_id, challenge_id)

    async def list(
        self, tenant_id: TenantId, factor_id: FactorId, *, first: int, most: int
    ) -> tuple[int, list[Challenge]]:
        """How many challenges of a factor can be read, and some of them, the youngest first.

        Raises:
            UnknownFactor
        """
        listed = await self._store.list(
            factor=self._factors.place(tenant_id, factor_id), first=first, most=most, kept_ms=KEPT_MS
        )
        ids = [ChallengeId(text) for text in listed.ids.decode().split()]
        found = await asyncio.gather(*[self._read_if_there(tenant_id, factor_id, one) for one in ids])
        return listed.total, [challenge for challenge in found if challenge is not None]

    async def forget(self, tenant_id: TenantId, factor_id: FactorId, challenge_id: ChallengeId) -> bool:
        """Remove a challenge. False if it was gone.

        Raises:
            UnknownFactor, UnknownChallenge: no id of ours.
        """
        reply = await self._store.forget(
            factor=self._factors.place(tenant_id, factor_id),
            challenge=self._place(tenant_id, factor_id, challenge_id),
            challenge_id=challenge_id,
        )
        return reply.status is ForgetStatus.FORGOTTEN

    async def _read_if_there(
        self, tenant_id: TenantId, factor_id: FactorId, challenge_id: ChallengeId
    ) -> Challenge | None:
        with suppress(UnknownChallenge):
            return await self.read(tenant_id, factor_id, challenge_id)

    def _place(self, tenant_id: TenantId, factor_id: FactorId, challenge_id: ChallengeId) -> Place:
        """Beside its factor, whatever the id says.

        Raises:
            UnknownFactor, UnknownChallenge: no id of ours.
        """
        if not is_uuid(challenge_id):
            raise UnknownChallenge
        partition = self._factors.place(tenant_id, factor_id).partition
        return self._space.place_in(partition, "challenge", tenant_id, factor_id, challenge_id)

    def _seal(self, tenant_id: TenantId, challenge_id: ChallengeId, record: Record) -> bytes:
        content = msgspec.msgpack.encode(record)
        return self._keyring.seal(content, scope=tenant_id, bound_to=challenge_id.encode())

    def _unseal(self, tenant_id: TenantId, challenge_id: ChallengeId, sealed: bytes) -> Record:
        content = self._keyring.unseal(sealed, scope=tenant_id, bound_to=challenge_id.encode())
        return msgspec.msgpack.decode(content, type=Record)
