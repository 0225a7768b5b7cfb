"""From refusals to HTTP: one table, and what the edge itself refuses.

A surface speaks its dialect by a table of its own rows and a function that shapes bodies. Lookup goes from the
error's class to its bases; the route's rows come first, then the surface's, then the table here.

EdgeRefusal
├── NotFound
├── NotReady
├── MethodNotAllowed
├── BodyTooLarge
├── BodyTooSlow
├── MalformedBody
├── UnsupportedMediaType
└── HeaderRefused
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from engine import errors as engine


class EdgeRefusal(engine.Refusal):
    """Refused before the engine was asked."""


class NotFound(EdgeRefusal):
    reason = "not_found"


class NotReady(EdgeRefusal):
    reason = "not_ready"


@dataclass
class MethodNotAllowed(EdgeRefusal):
    allowed: str
    reason: ClassVar[str] = "method_not_allowed"


class BodyTooLarge(EdgeRefusal):
    reason = "body_too_large"


class BodyTooSlow(EdgeRefusal):
    reason = "body_too_slow"


class MalformedBody(EdgeRefusal):
    reason = "malformed"


class UnsupportedMediaType(EdgeRefusal):
    reason = "media_type"


@dataclass
class HeaderRefused(EdgeRefusal):
    name: str
    reason: ClassVar[str] = "header"


class Row(NamedTuple):
    """How a refusal looks: its status, its sentence, and the field it is about if a dialect names one."""

    status: int
    sentence: str
    field: str | None = None


Rows = Mapping[type[Exception], Row]

ROWS: Rows = {
    NotFound: Row(404, "There is nothing at this address."),
    NotReady: Row(503, "This worker is leaving, or Redis does not answer it."),
    MethodNotAllowed: Row(405, "This address does not take this method."),
    BodyTooLarge: Row(413, "The request body is larger than 16 KiB."),
    BodyTooSlow: Row(408, "The request body did not arrive within 5 seconds."),
    MalformedBody: Row(400, "The request body is not a JSON object."),
    UnsupportedMediaType: Row(415, "The request body must be application/json."),
    HeaderRefused: Row(400, "A request header is malformed or given more than once."),
    engine.Invalid: Row(400, "The given data was invalid."),
    engine.Unauthenticated: Row(401, "Unauthenticated."),
    engine.WrongPassword: Row(401, "Invalid credentials"),
    engine.NetworkRefused: Row(401, "Unauthenticated."),
    engine.ScopeMissing: Row(401, "Unauthenticated."),
    engine.UnknownTenant: Row(404, "There is no such tenant."),
    engine.UnknownApiKey: Row(404, "There is no such API key."),
    engine.UnknownClient: Row(404, "There is no such client."),
    engine.ScopeRefused: Row(403, "The scope is unknown or not granted."),
    engine.UnknownAgent: Row(404, "There is no such agent."),
    engine.AgentTaken: Row(409, "An agent has this e-mail address already."),
    engine.TooManyAgents: Row(409, "The tenant has as many agents as it may have."),
    engine.UnknownAdmin: Row(404, "There is no such administrator."),
    engine.TenantInactive: Row(403, "The tenant is not active."),
    engine.OriginRefused: Row(403, "Pages of this origin may not use this tenant."),
    engine.EmailTaken: Row(409, "The e-mail address is taken."),
    engine.TenantNameTaken: Row(409, "The tenant name is taken."),
    engine.AlreadyConfigured: Row(409, "There is a configuration already."),
    engine.PassKeyTaken: Row(409, "A passcode is alive under this key."),
    engine.PasscodeGone: Row(410, "There is no passcode under this key."),
    engine.UserTaken: Row(409, "The user has a factor already."),
    engine.UnknownFactor: Row(404, "There is no such factor."),
    engine.FactorNotActive: Row(409, "The factor is not active."),
    engine.FactorNotPending: Row(409, "The factor is not waiting to be activated."),
    engine.WrongCode: Row(400, "The code is wrong."),
    engine.UnknownChallenge: Row(404, "There is no such challenge."),
    engine.ChallengeClosed: Row(409, "The challenge can no longer be answered."),
    engine.ChallengesNotSetUp: Row(409, "The tenant has not set its challenges up."),
    engine.UnknownDelivery: Row(404, "There is no such delivery."),
    engine.FactorLocked: Row(429, "Too many wrong codes. Please try again later."),
    engine.TooManyChallenges: Row(429, "The user was challenged too often. Please try again later."),
    engine.IdempotencyMismatch: Row(422, "The Idempotency-Key was used with another request."),
    engine.KeyMissing: Row(503, "What is stored cannot be opened here. Nothing was changed. Please try again."),
    engine.LimitExceeded: Row(429, "Too Many Attempts."),
    engine.Busy: Row(503, "Too many requests of this kind are waiting. Please try again."),
    engine.LinkDown: Row(503, "The service is temporarily unavailable. Please try again."),
    engine.Overloaded: Row(503, "The service is overloaded. Please try again."),
    engine.OutcomeUnknown: Row(
        503, "The request may or may not have been carried out. Please check before trying again."
    ),
}

BROKEN = Row(500, "Something went wrong. Please contact Administrator")


def find_row(refusal: type[Exception], *tables: Rows) -> Row:
    """The row of the nearest class, in the first table that has it."""
    for kind in refusal.__mro__:
        for table in (*tables, ROWS):
            if kind in table:
                return table[kind]
    return BROKEN
