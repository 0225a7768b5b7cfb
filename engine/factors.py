"""Factors: what a user proves to be there with. One of a kind so far, TOTP; a record has room for others."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from functools import partial
from typing import TypeVar

import msgspec

from engine.errors import CannotUnseal, FactorNotPending, UnknownFactor, WrongCode
from engine.factor_index import FactorIndex
from engine.factor_names import FactorNames, Held
from engine.factor_records import (
    Changes,
    Factor,
    Kind,
    Record,
    State,
    apply_changes,
    claim_of,
    is_moved_away,
    must_keep_name,
    step_of,
)
from engine.ids import FactorId, TenantId, UserName, is_uuid
from engine.outcomes import once_changed
from engine.sealing import Keyring
from engine.seats import Seat
from engine.store import keys
from engine.store.claims import ClaimStore
from engine.store.factors import (
    AttemptReply,
    AttemptStatus,
    ChangeReply,
    ChangeStatus,
    EnrolStatus,
    FactorStore,
    ForgetStatus,
    ReadStatus,
)
from engine.store.keys import KeySpace, Place
from engine.totp import TotpPolicy, new_secret
from engine.turns import Turns

N = TypeVar("N", FactorId, UserName)

PENDING_LIFE_MS = 24 * 3600 * 1000
MOST_ACTIVATIONS = 5

_logger = logging.getLogger(__name__)


class Factors:
    def __init__(self, store: FactorStore, claims: ClaimStore, space: KeySpace, *, keyring: Keyring) -> None:
        self._store = store
        self._names = FactorNames(claims, space, self._name_of)
        self._space = space
        self._keyring = keyring
        self._index = FactorIndex(store, space, pending_life_ms=PENDING_LIFE_MS)
        self._turns = Turns()

    async def enrol(
        self, tenant_id: TenantId, *, user: UserName, policy: TotpPolicy, phone: str | None = None
    ) -> Factor:
        """Give a user a TOTP factor. It is forgotten after 24 hours, unless a code activates it.

        Raises:
            UserTaken
        """
        home = self._names.place(tenant_id, user)
        factor_id = FactorId(self._space.new_id(home))
        record = Record(user, user, Kind.TOTP, new_secret(), policy, phone)
        while True:
            reply = await self._store.enrol(
                user=home,
                factor=self.place(tenant_id, factor_id),
                tenant=self.index_place(tenant_id, home),
                factor_id=factor_id,
                record=self._seal(tenant_id, factor_id, record),
                life_ms=PENDING_LIFE_MS,
            )
            if reply.status is EnrolStatus.ENROLLED:
                return Factor(factor_id, State.PENDING, record, reply.now_ms, reply.now_ms)
            await self._names.give_up(tenant_id, user, reply.value, now_ms=reply.now_ms)

    async def read(self, tenant_id: TenantId, factor_id: FactorId) -> Factor:
        """Raises: UnknownFactor."""
        return (await self._read(tenant_id, factor_id))[1]

    async def list(
        self,
        tenant_id: TenantId,
        *,
        first: int,
        most: int,
        states: Collection[State] = tuple(State),
        is_oldest_first: bool = False,
    ) -> tuple[int, list[Factor]]:
        """How many factors a tenant has in these states, and some of them, the youngest first."""
        initials = "".join(state[0] for state in states)
        total, ids = await self._index.top(
            tenant_id, first + most, states=initials, is_oldest_first=is_oldest_first
        )
        found = await self._turns.gather(partial(_if_there, self.read, tenant_id), ids[first:])
        return total, [factor for factor in found if factor is not None]

    async def of_users(self, tenant_id: TenantId, users: Collection[UserName]) -> "list[Factor]":
        """The factors that some users have, in their order."""
        found = await self._turns.gather(partial(_if_there, self.find, tenant_id), users)
        return [factor for factor in found if factor is not None]

    async def find(self, tenant_id: TenantId, user: UserName) -> Factor:
        """The factor that a user has.

        Raises:
            UnknownFactor: none.
        """
        owner = await self._names.owner(tenant_id, user)
        if owner is None:
            raise UnknownFactor
        factor = await self.read(tenant_id, owner)
        if factor.record.user != user:
            raise UnknownFactor
        return factor

    async def forget(self, tenant_id: TenantId, factor: Factor) -> bool:
        """Remove a factor with its names. False if somebody else was faster."""
        home = self._names.place(tenant_id, factor.record.home)
        reply = await self._store.forget(
            factor=self.place(tenant_id, factor.id),
            user=home,
            tenant=self.index_place(tenant_id, home),
            factor_id=factor.id,
        )
        if factor.record.user != factor.record.home:
            await self._names.release(tenant_id, factor.record.user, claim_of(factor))
        return reply.status is ForgetStatus.FORGOTTEN

    async def change(self, tenant_id: TenantId, factor_id: FactorId, changes: Changes) -> Factor:
        """Change all that is asked for, or nothing. A code is looked at once its attempt is counted.

        Raises:
            UnknownFactor
            FactorNotPending: there is a code, and nothing to activate.
            FactorNotActive: the factor has ended.
            WrongCode: the fifth one ends the factor.
            KeyMissing: it cannot be opened here; the attempt is not counted.
            UserTaken: another factor has the new name.
            OutcomeUnknown: also where an attempt is spent, and what became of it could not be noted.
        """
        if changes.code is None:
            return await self._apply(tenant_id, factor_id, changes)
        counted = await self._count_activation(tenant_id, factor_id)
        return await once_changed(self._activate(tenant_id, factor_id, changes, changes.code, counted))

    def place(self, tenant_id: TenantId, factor_id: FactorId) -> Place:
        """Where a factor is. Another tenant's has another place, so that it is never found.

        Raises:
            UnknownFactor: it is no id of ours.
        """
        if not is_uuid(factor_id):
            raise UnknownFactor
        return self._space.place_of_new(factor_id, "factor", tenant_id)

    def index_place(self, tenant_id: TenantId, beside: Place) -> Place:
        """Where the index of a tenant's factors is, in the partition of one of them."""
        return self._space.place_in(beside.partition, "factors", tenant_id)

    def unseal(self, tenant_id: TenantId, factor_id: FactorId, sealed: bytes) -> Record:
        content = self._keyring.unseal(sealed, scope=tenant_id, bound_to=factor_id.encode())
        return msgspec.msgpack.decode(content, type=Record)

    async def seats(self, tenant_id: TenantId, *, step: int) -> AsyncIterator[Sequence[Seat]]:
        """Where the records of a tenant's factors are kept, of those that live for good, some at a time."""
        async for ids in self._index.kept(tenant_id, step=step):
            yield [self._seat(tenant_id, factor_id) for factor_id in ids]

    def kept(self, tenant_id: TenantId, *, step: int) -> AsyncIterator[Sequence[FactorId]]:
        """The ids of a tenant's factors, of those that live for good, whether or not they can be opened."""
        return self._index.kept(tenant_id, step=step)

    async def lost(self, tenant_id: TenantId, user: UserName) -> FactorId | None:
        """The factor that has claimed a name, if it cannot be opened here."""
        owner = await self._names.owner(tenant_id, user)
        try:
            if owner is not None:
                await self.read(tenant_id, owner)
        except CannotUnseal:
            return owner
        return None

    async def forget_lost(self, tenant_id: TenantId, factor_id: FactorId) -> bool:
        """Remove a factor that cannot be opened. Nobody knows its name: that heals when somebody asks for it."""
        place = self.place(tenant_id, factor_id)
        tenant = self.index_place(tenant_id, place)
        reply = await self._store.forget(factor=place, user=place, tenant=tenant, factor_id=factor_id)
        return reply.status is ForgetStatus.FORGOTTEN

    def _seat(self, tenant_id: TenantId, factor_id: FactorId) -> Seat:
        place = self.place(tenant_id, factor_id)
        return Seat(place.partition, keys.factor(place), "record", tenant_id, factor_id.encode())

    async def _read(self, tenant_id: TenantId, factor_id: FactorId) -> tuple[int, Factor]:
        reply = await self._store.read(factor=self.place(tenant_id, factor_id))
        if reply.status is ReadStatus.ABSENT:
            raise UnknownFactor
        record = self.unseal(tenant_id, factor_id, reply.record)
        factor = Factor(factor_id, State(reply.state.decode()), record, reply.created_ms, reply.updated_ms)
        return reply.version, factor

    async def _count_activation(self, tenant_id: TenantId, factor_id: FactorId) -> AttemptReply:
        """Count an attempt, before its code is looked at.

        Raises:
            UnknownFactor, FactorNotPending, KeyMissing
        """
        reply = await self._store.attempt(
            factor=self.place(tenant_id, factor_id), most=MOST_ACTIVATIONS, ids=self._keyring.opens
        )
        if reply.status is AttemptStatus.ABSENT:
            raise UnknownFactor
        if reply.status is AttemptStatus.CLOSED:
            raise FactorNotPending
        if reply.status is AttemptStatus.SEALED:
            self.unseal(tenant_id, factor_id, reply.record)
        return reply

    async def _activate(
        self, tenant_id: TenantId, factor_id: FactorId, changes: Changes, code: str, counted: AttemptReply
    ) -> Factor:
        """Look at the code of an attempt that was counted. The time is that of Redis.

        Raises:
            WrongCode
        """
        version, factor = await self._read(tenant_id, factor_id)
        if step_of(factor.record, code, counted.now_ms) is None:
            if counted.attempts == MOST_ACTIVATIONS:
                ended = factor._replace(state=State.INACTIVE)
                await self._replace(tenant_id, version, factor, ended, step=None)
            raise WrongCode
        return await self._apply(tenant_id, factor_id, changes, counted.now_ms)

    async def _apply(self, tenant_id: TenantId, factor_id: FactorId, changes: Changes, now_ms: int = 0) -> Factor:
        """Raises: UnknownFactor, FactorNotPending, FactorNotActive, WrongCode, UserTaken."""
        while True:
            version, factor = await self._read(tenant_id, factor_id)
            changed = apply_changes(factor, changes)
            step = None if changes.code is None else step_of(factor.record, changes.code, now_ms)
            reply, changed = await self._replace(
                tenant_id, version, factor, changed, step=step, is_named=changes.user is not None
            )
            if reply.status is ChangeStatus.CHANGED:
                return changed._replace(updated_ms=reply.now_ms)
            if reply.status is not ChangeStatus.STALE:
                raise WrongCode if reply.status is ChangeStatus.REPLAYED else UnknownFactor

    async def _replace(
        self,
        tenant_id: TenantId,
        version: int,
        factor: Factor,
        changed: Factor,
        *,
        step: int | None,
        is_named: bool = False,
    ) -> tuple[ChangeReply, Factor]:
        """Write a factor, its name held ahead and the one that it had released after. Tells what was written.

        Raises:
            UserTaken
        """
        held: Held | None = None
        if is_named or must_keep_name(factor, changed):
            held = await self._hold(tenant_id, changed)
            changed = changed._replace(record=msgspec.structs.replace(changed.record, claim=held.value))
        reply = await self._write(tenant_id, version, factor, changed, step=step, held=held)
        if held is not None and reply.status is ChangeStatus.ABSENT:
            await self._names.release(tenant_id, changed.record.user, held.value)
        if reply.status is ChangeStatus.CHANGED and is_moved_away(factor, changed):
            await self._names.release(tenant_id, factor.record.user, claim_of(factor))
        return reply, changed

    async def _write(
        self,
        tenant_id: TenantId,
        version: int,
        factor: Factor,
        changed: Factor,
        *,
        step: int | None,
        held: Held | None,
    ) -> ChangeReply:
        home = self._names.place(tenant_id, factor.record.home)
        is_moved_from_home = changed.record.user != factor.record.user == factor.record.home
        return await self._store.change(
            factor=self.place(tenant_id, factor.id),
            user=home,
            tenant=self.index_place(tenant_id, home),
            factor_id=factor.id,
            version=version,
            state=changed.state,
            record=self._seal(tenant_id, factor.id, changed.record),
            step=step,
            releases=claim_of(factor) if is_moved_from_home else "",
            until_ms=None if held is None else held.until_ms,
        )

    async def _hold(self, tenant_id: TenantId, changed: Factor) -> Held:
        """Raises: UserTaken."""
        lapse_ms = PENDING_LIFE_MS if changed.state is State.PENDING else None
        return await self._names.hold(tenant_id, changed.id, changed.record.user, lapse_ms=lapse_ms)

    async def _name_of(self, tenant_id: TenantId, factor_id: FactorId) -> UserName | None:
        try:
            return (await self.read(tenant_id, factor_id)).record.user
        except UnknownFactor:
            return None

    def _seal(self, tenant_id: TenantId, factor_id: FactorId, record: Record) -> bytes:
        return self._keyring.seal(msgspec.msgpack.encode(record), scope=tenant_id, bound_to=factor_id.encode())


async def _if_there(
    read: Callable[[TenantId, N], Awaitable[Factor]], tenant_id: TenantId, name: N
) -> Factor | None:
    """None, too, if it cannot be opened: one that is lost must not take the others with it."""
    try:
        return await read(tenant_id, name)
    except UnknownFactor:
        return None
    except CannotUnseal as error:
        _logger.warning("a factor is left out of a list: %s", error)
        return None
