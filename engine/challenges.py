"""Challenges: a user is asked to prove a factor, within a time and with a number of attempts.

PENDING  ->  VERIFIED   a right code, or approved
         ->  FAILED     wrong codes, or denied
         ->  EXPIRED    nobody answered in time: so it reads from that instant on, and a courier notes it
         ->  CANCELLED  taken back
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from enum import StrEnum
from hmac import compare_digest
from typing import NamedTuple, TypeAlias

import msgspec

from engine.deliveries import notice
from engine.errors import (
    ChallengeClosed,
    FactorLocked,
    FactorNotActive,
    UnknownChallenge,
    UnknownFactor,
    UnknownTenant,
)
from engine.factors import Factors
from engine.ids import ChallengeId, FactorId, TenantId, is_uuid
from engine.known_tenants import KnownTenants
from engine.sealing import Keyring
from engine.store.challenges import (
    AttemptReply,
    AttemptStatus,
    CancelStatus,
    ChallengeStore,
    ConcludeStatus,
    DecideStatus,
    ExpireStatus,
    ForgetStatus,
    OpenStatus,
    ReadStatus,
)
from engine.store.keys import KeySpace, Place
from engine.tenants import Tenant
from engine.totp import matching_step

KEPT_MS = 24 * 3600 * 1000  # how long a challenge can be read

# How long a factor refuses after too many failures in a row (NIST SP 800-63B-4 3.2.2).
FIRST_LOCK_MS = 30_000
LONGEST_LOCK_MS = 3_600_000

_STEP = 100


class Kind(StrEnum):
    """How a challenge is answered."""

    TOTP = "TOTP"  # with a code of the factor's own
    CODE = "CODE"  # with a code that was sent to the factor's address
    DECISION = "DECISION"  # by approving or denying


# How many answers with a code are looked at. A wrong one ends a TOTP challenge.
MOST_ATTEMPTS = {Kind.TOTP: 1, Kind.CODE: 5, Kind.DECISION: 0}


class State(StrEnum):
    PENDING = "PENDING"
    VERIFIED = "VERIFIED"
    FAILED = "FAILED"
    EXPIRED = "EXPIRED"
    CANCELLED = "CANCELLED"


class Record(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is sealed. `reference` is the tenant's own name for the occasion, `topic` says who tells of the end,
    `code` is the keyed digest of the code that was sent."""

    reference: str | None = None
    kind: Kind = Kind.TOTP
    topic: str = ""
    code: str = ""


class Challenge(NamedTuple):
    """A challenge as it is. Instants are milliseconds since the epoch, by the clock of Redis."""

    id: ChallengeId
    state: State
    record: Record
    created_ms: int
    updated_ms: int
    expires_ms: int


Page: TypeAlias = tuple[int, list[Challenge]]
"""How many there are, and some of them."""


class _Name(NamedTuple):
    """All that names a challenge. Its text is the member of the due set."""

    tenant_id: TenantId
    factor_id: FactorId
    challenge_id: ChallengeId

    @property
    def text(self) -> str:
        return " ".join(self)


class Challenges:
    def __init__(
        self, store: ChallengeStore, factors: Factors, space: KeySpace, *, tenants: KnownTenants, keyring: Keyring
    ) -> None:
        self._store = store
        self._factors = factors
        self._space = space
        self._tenants = tenants
        self._keyring = keyring
        self.counts = Counter[str]()  # of openings, ends and wrong answers, for the metrics

    async def open(
        self,
        tenant: Tenant,
        factor_id: FactorId,
        *,
        reference: str | None = None,
        topic: str = "",
        kind: Kind = Kind.TOTP,
        code: str = "",
    ) -> Challenge:
        """Challenge the holder of a factor. A challenge of kind CODE is answered with this code.

        Raises:
            UnknownFactor, FactorNotActive, FactorLocked
        """
        factor = self._factors.place(tenant.id, factor_id)
        name = _Name(tenant.id, factor_id, ChallengeId(self._space.new_id(factor)))
        record = Record(reference, kind, topic, self._digest(name, code) if kind is Kind.CODE else "")
        life_ms = tenant.challenge_policy.life_s * 1000
        reply = await self._store.open(
            factor=factor,
            challenge=self._place(name),
            challenge_id=name.challenge_id,
            due_as=name.text,
            record=self._seal(name, record),
            most=MOST_ATTEMPTS[kind],
            life_ms=life_ms,
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
                self.counts["opened"] += 1
        return Challenge(name.challenge_id, State.PENDING, record, now_ms, now_ms, now_ms + life_ms)

    async def read(self, tenant_id: TenantId, factor_id: FactorId, challenge_id: ChallengeId) -> Challenge:
        """Raises: UnknownFactor, UnknownChallenge: or it is another factor's, or another tenant's."""
        return await self._read(_Name(tenant_id, factor_id, challenge_id))

    async def answer(
        self, tenant: Tenant, factor_id: FactorId, challenge_id: ChallengeId, *, code: str
    ) -> Challenge:
        """Answer with a code: counted first, compared second, consumed last. Tells what became of the challenge.

        It is PENDING still if the code was wrong and another one may be tried.

        Raises:
            UnknownFactor, UnknownChallenge, FactorLocked
            ChallengeClosed: answered before, expired, or its attempts are spent.
        """
        name = _Name(tenant.id, factor_id, challenge_id)
        counted = await self._count(name)
        record = self._unseal(name, counted.record)
        is_right, step = self._compare(name, record, counted, code)
        concluded = await self._store.conclude(
            challenge=self._place(name),
            factor=self._factors.place(tenant.id, factor_id),
            is_right=is_right,
            step=step,
            free=tenant.challenge_policy.lock_after,
            first_ms=FIRST_LOCK_MS,
            longest_ms=LONGEST_LOCK_MS,
            due_as=name.text,
            notice=_notice(tenant, name, record),
        )
        if concluded.status is ConcludeStatus.CLOSED:
            raise ChallengeClosed
        if concluded.status is ConcludeStatus.WRONG:
            self.counts["wrong"] += 1
            state = State.PENDING
        else:
            state = self._ended(concluded.status.name)
        return Challenge(challenge_id, state, record, counted.created_ms, concluded.now_ms, counted.expires_ms)

    async def decide(
        self, tenant: Tenant, factor_id: FactorId, challenge_id: ChallengeId, *, is_approved: bool
    ) -> Challenge:
        """Approve or deny. Of many decisions the first stands.

        Raises:
            UnknownFactor, UnknownChallenge
            ChallengeClosed: it has ended, or it is not one to be decided.
        """
        name = _Name(tenant.id, factor_id, challenge_id)
        challenge = await self._read(name)
        if challenge.record.kind is not Kind.DECISION:
            raise ChallengeClosed
        decided = await self._store.decide(
            challenge=self._place(name),
            factor=self._factors.place(tenant.id, factor_id),
            is_approved=is_approved,
            due_as=name.text,
            notice=_notice(tenant, name, challenge.record),
        )
        if decided.status is DecideStatus.ABSENT:
            raise UnknownChallenge
        if decided.status is DecideStatus.CLOSED:
            raise ChallengeClosed
        return challenge._replace(state=self._ended(decided.status.name), updated_ms=decided.now_ms)

    async def cancel(self, tenant: Tenant, factor_id: FactorId, challenge_id: ChallengeId) -> Challenge:
        """Take a challenge back that nobody has answered.

        Raises:
            UnknownFactor, UnknownChallenge
            ChallengeClosed: it has ended.
        """
        name = _Name(tenant.id, factor_id, challenge_id)
        challenge = await self._read(name)
        cancelled = await self._store.cancel(
            challenge=self._place(name), due_as=name.text, notice=_notice(tenant, name, challenge.record)
        )
        if cancelled.status is CancelStatus.ABSENT:
            raise UnknownChallenge
        if cancelled.status is CancelStatus.CLOSED:
            raise ChallengeClosed
        return challenge._replace(state=self._ended(cancelled.status.name), updated_ms=cancelled.now_ms)

    async def expire_overdue(self, partition: int, *, most: int) -> int:
        """Note the end of challenges of a partition whose time is up, so that it is told. How many there were."""
        reply = await self._store.overdue(partition=self._space.partition(partition), most=most)
        overdue = [_name(line) for line in reply.due_as.decode().splitlines()]
        await asyncio.gather(*map(self._expire, overdue))
        return len(overdue)

    async def list(
        self,
        tenant_id: TenantId,
        factor_id: FactorId,
        *,
        first: int,
        most: int,
        is_oldest_first: bool = False,
        matches: Callable[[Challenge], bool] | None = None,
    ) -> Page:
        """How many challenges of a factor there are, of those that match, and some of them, the youngest first.

        Raises:
            UnknownFactor
        """
        if matches is None:
            return await self._page(tenant_id, factor_id, first, most, is_oldest_first=is_oldest_first)
        found: list[Challenge] = []
        seen, total = 0, 1
        while seen < total:
            total, page = await self._page(tenant_id, factor_id, seen, _STEP, is_oldest_first=is_oldest_first)
            found += filter(matches, page)
            seen += _STEP
        return len(found), found[first : first + most]

    async def forget(self, tenant_id: TenantId, factor_id: FactorId, challenge_id: ChallengeId) -> bool:
        """Remove a challenge. False if it was gone.

        Raises:
            UnknownFactor, UnknownChallenge: no id of ours.
        """
        name = _Name(tenant_id, factor_id, challenge_id)
        reply = await self._store.forget(
            factor=self._factors.place(tenant_id, factor_id),
            challenge=self._place(name),
            challenge_id=challenge_id,
            due_as=name.text,
        )
        return reply.status is ForgetStatus.FORGOTTEN

    async def _count(self, name: _Name) -> AttemptReply:
        """Raises: UnknownFactor, UnknownChallenge, ChallengeClosed, FactorLocked."""
        counted = await self._store.attempt(
            challenge=self._place(name), factor=self._factors.place(name.tenant_id, name.factor_id)
        )
        match counted.status:
            case AttemptStatus.ABSENT:
                raise UnknownChallenge
            case AttemptStatus.CLOSED:
                raise ChallengeClosed
            case AttemptStatus.LOCKED:
                raise FactorLocked(counted.retry_after_ms)
            case AttemptStatus.COUNTED:
                return counted

    def _compare(self, name: _Name, record: Record, counted: AttemptReply, code: str) -> tuple[bool, int | None]:
        """Whether a code is right, and its time step if it has one."""
        if record.kind is Kind.CODE:
            return compare_digest(self._digest(name, code), record.code), None
        held = self._factors.unseal(name.tenant_id, name.factor_id, counted.held)
        step = matching_step(held.policy, held.secret, code, now_s=counted.now_ms / 1000)
        return step is not None, step

    async def _expire(self, name: _Name) -> None:
        told = ""
        with suppress(UnknownFactor, UnknownChallenge, UnknownTenant):
            challenge = await self._read(name)
            told = _notice(await self._tenants.read(name.tenant_id), name, challenge.record)
        reply = await self._store.expire(challenge=self._place(name), due_as=name.text, notice=told)
        if reply.status is ExpireStatus.EXPIRED:
            self._ended(reply.status.name)

    def _ended(self, state: str) -> State:
        """Count an end."""
        self.counts[state.lower()] += 1
        return State(state)

    async def _read(self, name: _Name) -> Challenge:
        """Raises: UnknownFactor, UnknownChallenge."""
        reply = await self._store.read(challenge=self._place(name))
        if reply.status is ReadStatus.ABSENT:
            raise UnknownChallenge
        return Challenge(
            name.challenge_id,
            State(reply.state.decode()),
            self._unseal(name, reply.record),
            reply.created_ms,
            reply.updated_ms,
            reply.expires_ms,
        )

    async def _page(
        self, tenant_id: TenantId, factor_id: FactorId, first: int, most: int, *, is_oldest_first: bool
    ) -> Page:
        listed = await self._store.list(
            factor=self._factors.place(tenant_id, factor_id),
            is_oldest_first=is_oldest_first,
            first=first,
            most=most,
            kept_ms=KEPT_MS,
        )
        names = [_Name(tenant_id, factor_id, ChallengeId(text)) for text in listed.ids.decode().split()]
        found = await asyncio.gather(*map(self._read_if_there, names))
        return listed.total, [challenge for challenge in found if challenge is not None]

    async def _read_if_there(self, name: _Name) -> Challenge | None:
        with suppress(UnknownChallenge):
            return await self._read(name)

    def _place(self, name: _Name) -> Place:
        """Beside its factor, whatever the id says.

        Raises:
            UnknownFactor, UnknownChallenge: no id of ours.
        """
        if not is_uuid(name.challenge_id):
            raise UnknownChallenge
        partition = self._factors.place(name.tenant_id, name.factor_id).partition
        return self._space.place_in(partition, "challenge", *name)

    def _digest(self, name: _Name, code: str) -> str:
        return self._space.digest("code", *name, code)

    def _seal(self, name: _Name, record: Record) -> bytes:
        content = msgspec.msgpack.encode(record)
        return self._keyring.seal(content, scope=name.tenant_id, bound_to=name.challenge_id.encode())

    def _unseal(self, name: _Name, sealed: bytes) -> Record:
        content = self._keyring.unseal(sealed, scope=name.tenant_id, bound_to=name.challenge_id.encode())
        return msgspec.msgpack.decode(content, type=Record)


def _name(due_as: str) -> _Name:
    tenant_id, factor_id, challenge_id = due_as.split(" ")
    return _Name(TenantId(tenant_id), FactorId(factor_id), ChallengeId(challenge_id))


def _notice(tenant: Tenant, name: _Name, record: Record) -> str:
    """Whom a courier is to tell of the end; empty where the tenant wants to be told nothing."""
    return notice(record.topic, tenant.id, name.challenge_id) if record.topic and tenant.callback_url else ""
