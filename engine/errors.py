"""Why the engine says no. Every class carries data; sentences are made at the edge.

Refusal                       the answer is no, and nothing was changed
├── Invalid                   values that cannot be used, all of them named
├── Unauthenticated           no credential, or one that is not or no longer good
│   ├── WrongPassword         sign-in failed; unknown e-mail and wrong password are one answer
│   ├── NetworkRefused        the API key is good, but not from where the caller is
│   └── ScopeMissing          the API key is good, but not for this
├── UnknownTenant             there is none with this id, or the credential is another tenant's
├── UnknownApiKey             the tenant has no API key with this id
├── UnknownClient             the tenant has no OAuth client with this id
├── ScopeRefused              an unknown scope, or one that the client does not have
├── UnknownAgent              the tenant has no agent with this e-mail address
├── AgentTaken                it has one already
├── TooManyAgents             it has as many as it may
├── UnknownAdmin              nobody signed up with this e-mail address
├── TenantInactive            not activated yet, or suspended
├── OriginRefused             a web page of this origin may not use the tenant
├── EmailTaken
├── TenantNameTaken
├── AlreadyConfigured         create-only configuration exists
├── PassKeyTaken              a passcode is alive under this pass key
├── PasscodeGone              unknown, expired or used up: one answer for all
├── UserTaken                 the user has a factor already
├── UnknownFactor             there is none with this id, or it is another tenant's
├── FactorNotActive           not activated yet, or not any more
├── FactorNotPending          activated already, or ended: there is nothing to activate
├── WrongCode                 a code that activates nothing
├── UnknownChallenge          there is none with this id, or it is another tenant's
├── ChallengeClosed           answered, expired, or its attempts are spent
├── ChallengesNotSetUp        the tenant has not said how its challenges look
├── FactorLocked              too many failures in a row
├── TooManyChallenges         the factor has as many as are kept
├── UnknownDelivery           no dead letter of the tenant has this message id
├── IdempotencyMismatch       the Idempotency-Key came with another request before
├── KeyMissing                what is stored was sealed with a key that the ring here lacks
├── LimitExceeded
└── Busy                      a bounded queue is full

CannotUnseal                  what is stored cannot be opened
├── KeyMissing                as above
└── SealBroken                it was changed since, or copied from elsewhere: nobody's refusal

Misconfigured                 the deployment cannot start like this

What the store raises passes through: see engine.store.errors, named here for the edge.
"""

from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple

from engine.store.errors import LinkDown as LinkDown
from engine.store.errors import OutcomeUnknown as OutcomeUnknown
from engine.store.errors import Overloaded as Overloaded
from engine.store.errors import ScriptFailed as ScriptFailed
from engine.store.errors import Unavailable as Unavailable


@dataclass(frozen=True, slots=True)
class Problem:
    """One unusable value: the field as the surface spells it, the rule it breaks, and the rule's bound.

    Rules: required, string, integer, object, array, format, email, choice, alphabet, conflict, min, max,
    min_length, max_length, min_items, max_items, max_depth, unknown.
    """

    field: str
    rule: str
    bound: int | None = None


def out_of_bounds(*bounds: tuple[str, int, int, int]) -> tuple[Problem, ...]:
    """What is too low, then what is too high, of fields given by name, value, lowest and highest."""
    below = [Problem(name, "min", low) for name, value, low, _ in bounds if value < low]
    above = [Problem(name, "max", high) for name, value, _, high in bounds if value > high]
    return (*below, *above)


class LimitState(NamedTuple):
    """Where a caller stands with one rate limit, after the request that was charged or refused."""

    policy: str
    quota: int
    window_s: int
    remaining: int
    reset_ms: int


class Refusal(Exception):
    """The engine's answer is no. `reason` is its name in metrics and logs."""

    reason: ClassVar[str] = "refused"


@dataclass
class Invalid(Refusal):
    problems: tuple[Problem, ...]
    reason: ClassVar[str] = "invalid"

    @classmethod
    def value(cls, field: str, rule: str, bound: int | None = None) -> "Invalid":
        """One problem."""
        return cls((Problem(field, rule, bound),))

    def __str__(self) -> str:
        """For logs. What nobody knows is not named: it may be anything, a phone number too."""
        return ", ".join(
            problem.rule if problem.rule == "unknown" else f"{problem.field}: {problem.rule}"
            for problem in self.problems
        )


class Unauthenticated(Refusal):
    reason = "unauthenticated"


class WrongPassword(Unauthenticated):
    reason = "wrong_password"


class NetworkRefused(Unauthenticated):
    """Looks like a key that is none: who has stolen one is not told that it is good elsewhere."""

    reason = "network_refused"


class ScopeMissing(Unauthenticated):
    reason = "scope_missing"


class UnknownTenant(Refusal):
    reason = "unknown_tenant"


class UnknownApiKey(Refusal):
    reason = "unknown_api_key"


class UnknownClient(Refusal):
    reason = "unknown_client"


class ScopeRefused(Refusal):
    reason = "scope_refused"


class UnknownAgent(Refusal):
    reason = "unknown_agent"


class AgentTaken(Refusal):
    reason = "agent_taken"


class TooManyAgents(Refusal):
    reason = "too_many_agents"


class UnknownAdmin(Refusal):
    reason = "unknown_admin"


class TenantInactive(Refusal):
    reason = "tenant_inactive"


class OriginRefused(Refusal):
    reason = "origin_refused"


class EmailTaken(Refusal):
    reason = "email_taken"


class TenantNameTaken(Refusal):
    reason = "tenant_name_taken"


class AlreadyConfigured(Refusal):
    reason = "already_configured"


class PassKeyTaken(Refusal):
    reason = "pass_key_taken"


class PasscodeGone(Refusal):
    reason = "gone"


class UserTaken(Refusal):
    reason = "user_taken"


class UnknownFactor(Refusal):
    reason = "unknown_factor"


class FactorNotActive(Refusal):
    reason = "factor_not_active"


class FactorNotPending(Refusal):
    reason = "factor_not_pending"


class WrongCode(Refusal):
    reason = "wrong_code"


class UnknownChallenge(Refusal):
    reason = "unknown_challenge"


class ChallengeClosed(Refusal):
    reason = "challenge_closed"


class ChallengesNotSetUp(Refusal):
    reason = "challenges_not_set_up"


class UnknownDelivery(Refusal):
    reason = "unknown_delivery"


@dataclass
class FactorLocked(Refusal):
    retry_after_ms: int
    reason: ClassVar[str] = "factor_locked"


@dataclass
class TooManyChallenges(Refusal):
    retry_after_ms: int
    reason: ClassVar[str] = "too_many_challenges"


class IdempotencyMismatch(Refusal):
    reason = "idempotency_mismatch"


class CannotUnseal(Exception):
    """What is stored cannot be opened: for those who go on without it."""


@dataclass
class KeyMissing(CannotUnseal, Refusal):
    key_id: str
    retry_after_ms: int = field(default=1000)  # another edge may have the key
    reason: ClassVar[str] = "key_missing"

    def __str__(self) -> str:
        return f"sealing key {self.key_id} is not in WATCHWORD_KEYS"


class SealBroken(CannotUnseal):
    def __str__(self) -> str:
        return "what is stored was changed since it was sealed"


@dataclass
class LimitExceeded(Refusal):
    state: LimitState
    retry_after_ms: int
    reason: ClassVar[str] = "limited"


@dataclass
class Busy(Refusal):
    retry_after_ms: int = field(default=1000)
    reason: ClassVar[str] = "busy"


class Misconfigured(Exception):
    """The deployment cannot start; the sentence says what to change."""
