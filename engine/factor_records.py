"""What a factor is, what may become of it, and what that means for the claim on its name. No Redis here."""

from enum import StrEnum
from typing import NamedTuple

import msgspec

from engine.errors import FactorNotActive, FactorNotPending
from engine.ids import FactorId, UserName
from engine.totp import TotpPolicy, matching_step


class State(StrEnum):
    PENDING = "PENDING"
    ACTIVE = "ACTIVE"
    INACTIVE = "INACTIVE"


class Kind(StrEnum):
    TOTP = "TOTP"


class Record(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is sealed. `secret` is the shared secret of a TOTP factor; other kinds will bring fields of their own.

    `home` is the name under which the factor was enrolled: its partition is that user's for good. `phone` is the
    user's number (E.164), where it was told. `claim` is the value of the claim on `user`, empty = the factor's id.
    """

    user: UserName
    home: UserName
    kind: Kind
    secret: bytes
    policy: TotpPolicy
    phone: str | None = None
    claim: str = ""


class Factor(NamedTuple):
    """A factor as it is. Instants are milliseconds since the epoch, by the clock of Redis."""

    id: FactorId
    state: State
    record: Record
    created_ms: int
    updated_ms: int


class Changes(NamedTuple):
    """What may be changed of a factor, all of it at once. None = left as it is."""

    code: str | None = None
    user: UserName | None = None
    is_ended: bool = False


def apply_changes(factor: Factor, changes: Changes) -> Factor:
    """Raises: FactorNotPending, FactorNotActive."""
    if factor.state is State.INACTIVE:
        raise FactorNotActive
    state = factor.state
    if changes.code is not None:
        if state is not State.PENDING:
            raise FactorNotPending
        state = State.ACTIVE
    if changes.is_ended:
        state = State.INACTIVE
    user = factor.record.user if changes.user is None else changes.user
    return factor._replace(state=state, record=msgspec.structs.replace(factor.record, user=user))


def step_of(record: Record, code: str, now_ms: int) -> int | None:
    return matching_step(record.policy, record.secret, code, now_s=now_ms / 1000)


def claim_of(factor: Factor) -> str:
    """The value of the claim by which a factor has its name."""
    return factor.record.claim or factor.id


def must_keep_name(factor: Factor, changed: Factor) -> bool:
    """Whether a name would lapse that no script of the factor keeps: it was renamed, and is pending no longer."""
    is_at_home = changed.record.user == changed.record.home
    return not is_at_home and changed.state is not factor.state is State.PENDING


def is_moved_away(factor: Factor, changed: Factor) -> bool:
    """Whether a factor had a name that its own script cannot release."""
    return changed.record.user != factor.record.user != factor.record.home
