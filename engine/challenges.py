"""Challenges: a user is asked to prove a factor, within a time and with a number of attempts.

PENDING  ->  VERIFIED   a right code, or approved
         ->  FAILED     wrong codes, or denied
         ->  EXPIRED    nobody answered in time: so it reads from that instant on, and a courier notes it
         ->  CANCELLED  taken back
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from hmac import compare_digest

from engine.challenge_records import KEPT_MS, Challenge, ChallengeRecords, Due, Kind, Name, Page, Record, State
from engine.deliveries import notice
from engine.errors import (
    ChallengeClosed,
    FactorLocked,
    FactorNotActive,
    TooManyChallenges,
    UnknownChallenge,
    UnknownFactor,
    UnknownTenant,
)
from engine.factor_records import Record as FactorRecord
from engine.factors import Factors
from engine.ids import ChallengeId, FactorId, TenantId
from engine.known_tenants import KnownTenants
from engine.outcomes import once_changed
from engine.reading import readable
from engine.sealing import Keyring
from engine.store.challenges import (
    AttemptReply,
    AttemptStatus,
    CancelStatus,
    ChallengeStore,
    ConcludeStatus,
    DecideStatus,
    ExpireStatus,
    OpenStatus,
)
from engine.store.keys import KeySpace, Place
from engine.tenants import Tenant
from engine.totp import matching_step

# How long a factor refuses after too many failures in a row (NIST SP 800-63B-4 3.2.2).
FIRST_LOCK_MS = 30_000
LONGEST_LOCK_MS = 3_600_000
MOST_FAILURES = 100  # in a row: after them a factor is INACTIVE

MOST_KEPT = 1000  # challenges of a factor, of a day

_MOST_UNREADABLE = 1000  # overdue ones of a partition that are looked behind

_logger = logging.getLogger(__name__)

# How many answers with a code are looked at. A wrong one ends a TOTP challenge.
MOST_ATTEMPTS = {Kind.TOTP: 1, Kind.CODE: 5, Kind.DECISION: 0}


class Challenges:
    def __init__(
        self, store: ChallengeStore, factors: Factors, space: KeySpace, *, tenants: KnownTenants, keyring: Keyring
    ) -> None:
        self._store = store
        self._factors = factors
        self._space = space
        self._records = ChallengeRecords(store, factors, space, keyring=keyring)
        self._tenants = tenants
        self._ids = keyring.opens
        self._unreadable = Counter[int]()  # overdue, by partition, when last looked at
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
            UnknownFactor, FactorNotActive, FactorLocked, TooManyChallenges
        """
        factor = self._factors.place(tenant.id, factor_id)
        name = Name(tenant.id, factor_id, ChallengeId(self._space.new_id(factor)))
        record = Record(reference, kind, topic, self._records.digest(name, code) if kind is Kind.CODE else "")
        life_ms = tenant.challenge_policy.life_s * 1000
        reply = await self._store.open(
            factor=factor,
            challenge=self._records.beside(factor, name),
            challenge_id=name.challenge_id,
            due_as=Due(name, topic).text,
            record=self._records.seal(name, record),
            most=MOST_ATTEMPTS[kind],
            life_ms=life_ms,
            kept_ms=KEPT_MS,
            capacity=MOST_KEPT,
        )
        match reply.status:
            case OpenStatus.ABSENT:
                raise UnknownFactor
            case OpenStatus.CLOSED:
                raise FactorNotActive
            case OpenStatus.LOCKED:
                raise FactorLocked(reply.retry_after_ms)
            case OpenStatus.FULL:
                raise TooManyChallenges(reply.retry_after_ms)
            case OpenStatus.OPENED:
                now_ms = reply.now_ms
                self.counts["opened"] += 1
        return Challenge(name.challenge_id, State.PENDING, record, now_ms, now_ms, now_ms + life_ms)

    async def read(self, tenant_id: TenantId, factor_id: FactorId, challenge_id: ChallengeId) -> Challenge:
        """Raises: UnknownFactor, UnknownChallenge: or it is another factor's, or another tenant's."""
        return await self._records.read(Name(tenant_id, factor_id, challenge_id))

    async def answer(
        self, tenant: Tenant, factor_id: FactorId, challenge_id: ChallengeId, *, code: str
    ) -> Challenge:
        """Answer with a code: counted first, compared second, consumed last. Tells what became of the challenge.

        It is PENDING still if the code was wrong and another one may be tried.

        Raises:
            UnknownFactor, UnknownChallenge, FactorLocked
            ChallengeClosed: answered before, expired, or its attempts are spent.
            KeyMissing: it, or its factor, cannot be opened here; the attempt is not counted.
            OutcomeUnknown: also where an attempt is spent, and what became of it could not be noted.
        """
        name = Name(tenant.id, factor_id, challenge_id)
        factor = self._factors.place(tenant.id, factor_id)
        challenge = self._records.beside(factor, name)
        counted = await self._count(tenant, factor_id, challenge, factor)
        record = self._records.unseal(name, counted.record)
        held = self._factors.unseal(tenant.id, factor_id, counted.held)
        is_right, step = self._compare(name, record, held, counted.now_ms, code)
        concluded = await once_changed(
            self._store.conclude(
                challenge=challenge,
                factor=factor,
                is_right=is_right,
                step=step,
                due_as=Due(name, record.topic).text,
                notice=_notice(tenant, name, record.topic),
            )
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
        name = Name(tenant.id, factor_id, challenge_id)
        challenge = await self._records.read(name)
        if challenge.record.kind is not Kind.DECISION:
            raise ChallengeClosed
        decided = await self._store.decide(
            challenge=self._records.place(name),
            factor=self._factors.place(tenant.id, factor_id),
            is_approved=is_approved,
            due_as=Due(name, challenge.record.topic).text,
            notice=_notice(tenant, name, challenge.record.topic),
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
        name = Name(tenant.id, factor_id, challenge_id)
        challenge = await self._records.read(name)
        topic = challenge.record.topic
        cancelled = await self._store.cancel(
            challenge=self._records.place(name),
            due_as=Due(name, topic).text,
            notice=_notice(tenant, name, topic),
        )
        if cancelled.status is CancelStatus.ABSENT:
            raise UnknownChallenge
        if cancelled.status is CancelStatus.CLOSED:
            raise ChallengeClosed
        return challenge._replace(state=self._ended(cancelled.status.name), updated_ms=cancelled.now_ms)

    async def expire_overdue(self, partition: int, *, most: int) -> int:
        """Note the end of challenges of a partition whose time is up, so that it is told. How many there were.

        What cannot be read is left to a courier that can, and what is behind it is looked for.
        """
        unreadable = min(self._unreadable[partition], _MOST_UNREADABLE)
        reply = await self._store.overdue(partition=self._space.partition(partition), most=most + unreadable)
        overdue, self._unreadable[partition] = readable(reply.due_as, Due.parse)
        if self._unreadable[partition] > unreadable:
            _logger.error("%d overdue challenges of a partition cannot be read", self._unreadable[partition])
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
        return await self._records.list(
            tenant_id, factor_id, first=first, most=most, is_oldest_first=is_oldest_first, matches=matches
        )

    async def forget(self, tenant_id: TenantId, factor_id: FactorId, challenge: Challenge) -> bool:
        """Remove a challenge. False if it was gone.

        Raises:
            UnknownFactor: no id of ours.
        """
        return await self._records.forget(Name(tenant_id, factor_id, challenge.id), challenge.record)

    async def _count(self, tenant: Tenant, factor_id: FactorId, challenge: Place, factor: Place) -> AttemptReply:
        """Raises: UnknownChallenge, ChallengeClosed, FactorLocked."""
        counted = await self._store.attempt(
            challenge=challenge,
            factor=factor,
            tenant=self._factors.index_place(tenant.id, factor),
            factor_id=factor_id,
            free=tenant.challenge_policy.lock_after,
            first_ms=FIRST_LOCK_MS,
            longest_ms=LONGEST_LOCK_MS,
            last=MOST_FAILURES,
            ids=self._ids,
        )
        match counted.status:
            case AttemptStatus.ABSENT:
                raise UnknownChallenge
            case AttemptStatus.CLOSED:
                raise ChallengeClosed
            case AttemptStatus.LOCKED:
                raise FactorLocked(counted.retry_after_ms)
            case AttemptStatus.COUNTED | AttemptStatus.SEALED:  # what is sealed says so when it is opened
                return counted

    def _compare(
        self, name: Name, record: Record, held: FactorRecord, now_ms: int, code: str
    ) -> tuple[bool, int | None]:
        """Whether a code is right, and its time step if it has one."""
        if record.kind is Kind.CODE:
            return compare_digest(self._records.digest(name, code), record.code), None
        step = matching_step(held.policy, held.secret, code, now_s=now_ms / 1000)
        return step is not None, step

    async def _expire(self, due: Due) -> None:
        told = ""
        with suppress(UnknownTenant):
            told = _notice(await self._tenants.read(due.name.tenant_id), *due)
        reply = await self._store.expire(challenge=self._records.place(due.name), due_as=due.text, notice=told)
        if reply.status is ExpireStatus.EXPIRED:
            self._ended(reply.status.name)

    def _ended(self, state: str) -> State:
        """Count an end."""
        self.counts[state.lower()] += 1
        return State(state)


def _notice(tenant: Tenant, name: Name, topic: str) -> str:
    """Whom a courier is to tell of the end; empty where the tenant wants to be told nothing."""
    return notice(topic, tenant.id, name.challenge_id) if topic and tenant.callback_url else ""
