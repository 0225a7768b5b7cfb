"""Challenges as they are kept: where each is, what of it is sealed, and how they are read and listed."""

import logging
from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple, Self, TypeAlias

import msgspec

from engine.errors import CannotUnseal, UnknownChallenge
from engine.factors import Factors
from engine.ids import ChallengeId, FactorId, TenantId, is_uuid
from engine.sealing import Keyring
from engine.store.challenges import ChallengeStore, ForgetStatus, ReadStatus
from engine.store.keys import KeySpace, Place
from engine.turns import Turns

KEPT_MS = 24 * 3600 * 1000  # how long a challenge can be read

_STEP = 100

_logger = logging.getLogger(__name__)


class Kind(StrEnum):
    """How a challenge is answered."""

    TOTP = "TOTP"  # with a code of the factor's own
    CODE = "CODE"  # with a code that was sent to the factor's address
    DECISION = "DECISION"  # by approving or denying


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


class Name(NamedTuple):
    """All that names a challenge."""

    tenant_id: TenantId
    factor_id: FactorId
    challenge_id: ChallengeId


class Due(NamedTuple):
    """A challenge as the due set has it: a courier can tell of its end without opening anything."""

    name: Name
    topic: str

    @classmethod
    def parse(cls, text: str) -> Self:
        tenant_id, factor_id, challenge_id, topic = text.split(" ")
        return cls(Name(TenantId(tenant_id), FactorId(factor_id), ChallengeId(challenge_id)), topic)

    @property
    def text(self) -> str:
        return " ".join((*self.name, self.topic))


class ChallengeRecords:
    def __init__(self, store: ChallengeStore, factors: Factors, space: KeySpace, *, keyring: Keyring) -> None:
        self._store = store
        self._factors = factors
        self._space = space
        self._keyring = keyring
        self._turns = Turns()

    def place(self, name: Name) -> Place:
        """Raises: UnknownFactor, UnknownChallenge: no id of ours."""
        return self.beside(self._factors.place(name.tenant_id, name.factor_id), name)

    def beside(self, factor: Place, name: Name) -> Place:
        """Where a challenge is: beside its factor, whatever its id says.

        Raises:
            UnknownChallenge: no id of ours.
        """
        if not is_uuid(name.challenge_id):
            raise UnknownChallenge
        return self._space.place_in(factor.partition, "challenge", *name)

    def digest(self, name: Name, code: str) -> str:
        return self._space.digest("code", *name, code)

    def seal(self, name: Name, record: Record) -> bytes:
        content = msgspec.msgpack.encode(record)
        return self._keyring.seal(content, scope=name.tenant_id, bound_to=name.challenge_id.encode())

    def unseal(self, name: Name, sealed: bytes) -> Record:
        content = self._keyring.unseal(sealed, scope=name.tenant_id, bound_to=name.challenge_id.encode())
        return msgspec.msgpack.decode(content, type=Record)

    async def read(self, name: Name) -> Challenge:
        """Raises: UnknownFactor, UnknownChallenge."""
        reply = await self._store.read(challenge=self.place(name))
        if reply.status is ReadStatus.ABSENT:
            raise UnknownChallenge
        return Challenge(
            name.challenge_id,
            State(reply.state.decode()),
            self.unseal(name, reply.record),
            reply.created_ms,
            reply.updated_ms,
            reply.expires_ms,
        )

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

    async def forget(self, name: Name, record: Record) -> bool:
        """Remove a challenge. False if it was gone.

        Raises:
            UnknownFactor, UnknownChallenge: no id of ours.
        """
        reply = await self._store.forget(
            factor=self._factors.place(name.tenant_id, name.factor_id),
            challenge=self.place(name),
            challenge_id=name.challenge_id,
            due_as=Due(name, record.topic).text,
        )
        return reply.status is ForgetStatus.FORGOTTEN

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
        names = [Name(tenant_id, factor_id, ChallengeId(text)) for text in listed.ids.decode().split()]
        found = await self._turns.gather(self._read_if_there, names)
        return listed.total, [challenge for challenge in found if challenge is not None]

    async def _read_if_there(self, name: Name) -> Challenge | None:
        """None, too, if it cannot be opened: one that is lost must not take the others with it."""
        try:
            return await self.read(name)
        except UnknownChallenge:
            return None
        except CannotUnseal as error:
            _logger.warning("a challenge is left out of a list: %s", error)
            return None
