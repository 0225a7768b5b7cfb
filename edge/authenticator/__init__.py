"""The Authenticator surface (seed 001): factors, challenges, and the project that says how they look.

A project is a tenant: its id is the tenant's. A workspace is the account of the tenant's administrator.
"""

from edge.authenticator import operations, projects, wire
from edge.authenticator.dialect import SCOPE, AuthenticatorDialect
from edge.calls import Answer, Call, Content, Credential, HeaderField, Kind
from edge.errors import BodyTooLarge, Row, Rows
from edge.limits import RATE_LIMIT_FIELDS, RETRY_AFTER, X_RATE_LIMIT_FIELDS
from edge.routes import Route, Surface
from engine import errors as engine

_DIALECT = AuthenticatorDialect()
_FIELDS: dict[type[Exception], tuple[HeaderField, ...]] = {
    engine.LimitExceeded: (*X_RATE_LIMIT_FIELDS, *RATE_LIMIT_FIELDS, RETRY_AFTER),
    engine.ScopeRefused: (HeaderField("WWW-Authenticate", "The scope that is needed (RFC 6750 3)."),),
}
_PATCH = "application/json-patch+json"
# A patch of very many operations is a bad one, before it is anything else.
_OF_PATCHES: Rows = {BodyTooLarge: Row(400, "There are too many operations, or they are too large.")}
_TOKEN = Credential(
    "accessToken",
    {
        "type": "oauth2",
        "flows": {
            "clientCredentials": {"tokenUrl": "/oauth2/v1/token", "scopes": {SCOPE: "Factors and challenges"}}
        },
    },
    (SCOPE,),
)
_ADMISSION = (engine.ScopeRefused, engine.TenantInactive, engine.OriginRefused, engine.LimitExceeded)
_SET_UP = (*_ADMISSION, engine.ChallengesNotSetUp)
_OF_FACTOR = (*_SET_UP, engine.UnknownFactor, engine.KeyMissing)
_OF_CHALLENGE = (*_OF_FACTOR, engine.UnknownChallenge)


def _told(kind: Kind, status: int = 200, media_type: str = "application/hal+json") -> tuple[Answer, ...]:
    return (Answer(kind, status, media_type, X_RATE_LIMIT_FIELDS),)


_FACTORS = Surface(
    name="authenticator",
    description="TOTP factors of users, and the challenges that they answer.",
    prefix="/authenticator/v0.1",
    dialect=_DIALECT,
    fields=_FIELDS,
    routes=(
        Route(
            "/factors",
            {
                "POST": Call(
                    operations.create_factor,
                    "Give a user a factor",
                    body=Content(wire.NewFactor),
                    answers=_told(wire.Factor, 201),
                    credentials=(_TOKEN,),
                    refusals=(*_SET_UP, engine.UserTaken),
                ),
                "GET": Call(
                    operations.list_factors,
                    "List factors, or search for them",
                    query=wire.PageQuery,
                    answers=_told(wire.Collection[wire.Factors]),
                    credentials=(_TOKEN,),
                    refusals=_SET_UP,
                ),
            },
        ),
        Route(
            "/factors/{factor_id}",
            {
                "GET": Call(
                    operations.read_factor,
                    "Read a factor",
                    answers=_told(wire.Factor),
                    credentials=(_TOKEN,),
                    refusals=_OF_FACTOR,
                ),
                "PATCH": Call(
                    operations.change_factor,
                    "Activate, rename or end a factor",
                    body=Content(wire.FactorPatch, _PATCH),
                    answers=_told(wire.Factor),
                    credentials=(_TOKEN,),
                    refusals=(
                        *_OF_FACTOR,
                        engine.FactorNotPending,
                        engine.FactorNotActive,
                        engine.WrongCode,
                        engine.UserTaken,
                    ),
                ),
            },
            rows=_OF_PATCHES,
        ),
        Route(
            "/factors/{factor_id}/challenges",
            {
                "POST": Call(
                    operations.create_challenge,
                    "Challenge the holder of a factor",
                    body=Content(wire.NewChallenge),
                    answers=_told(wire.Challenge, 201),
                    credentials=(_TOKEN,),
                    refusals=(
                        *_OF_FACTOR,
                        engine.FactorNotActive,
                        engine.FactorLocked,
                        engine.TooManyChallenges,
                    ),
                ),
                "GET": Call(
                    operations.list_challenges,
                    "List the challenges of a factor",
                    query=wire.PageQuery,
                    answers=_told(wire.Collection[wire.Challenges]),
                    credentials=(_TOKEN,),
                    refusals=_OF_FACTOR,
                ),
            },
            aliases=("/factors/{factor_id}/challenge",),
            hot=True,
        ),
        Route(
            "/factors/{factor_id}/challenges/{challenge_id}",
            {
                "GET": Call(
                    operations.read_challenge,
                    "Read a challenge",
                    answers=_told(wire.Challenge),
                    credentials=(_TOKEN,),
                    refusals=_OF_CHALLENGE,
                ),
                "PATCH": Call(
                    operations.answer_challenge,
                    "Answer a challenge with a code",
                    description="A right code makes it VERIFIED, a wrong one FAILED: both are answered with 200.",
                    body=Content(wire.ChallengePatch, _PATCH),
                    answers=_told(wire.Challenge),
                    credentials=(_TOKEN,),
                    refusals=(*_OF_CHALLENGE, engine.ChallengeClosed, engine.FactorLocked),
                ),
            },
            rows=_OF_PATCHES,
            aliases=("/factors/{factor_id}/challenge/{challenge_id}",),
            hot=True,
        ),
    ),
)

_CONSOLE = Surface(
    name="console",
    description="How a project, that is a tenant, presents its challenges.",
    prefix="/console/v0.2",
    dialect=_DIALECT,
    fields=_FIELDS,
    routes=(
        Route(
            "/workspaces/{workspace_id}/projects/{project_id}",
            {
                "GET": Call(
                    projects.read_project,
                    "Read a project",
                    answers=_told(projects.Project, media_type="application/json"),
                    credentials=(_TOKEN,),
                    refusals=(*_ADMISSION, engine.UnknownTenant),
                ),
                "PATCH": Call(
                    projects.change_project,
                    "Configure a project",
                    body=Content(projects.ProjectPatch, _PATCH),
                    answers=_told(projects.Project, media_type="application/json"),
                    credentials=(_TOKEN,),
                    refusals=(*_ADMISSION, engine.UnknownTenant),
                ),
            },
            rows=_OF_PATCHES,
        ),
    ),
)

_KEYS = Surface(
    name="keys",
    description="What callbacks are signed with.",
    prefix="/.well-known",
    dialect=_DIALECT,
    routes=(
        Route(
            "/jwks.json",
            {
                "GET": Call(
                    projects.read_signing_keys,
                    "Read the public keys of callbacks",
                    answers=(Answer(projects.KeySet, media_type="application/jwk-set+json"),),
                )
            },
        ),
    ),
)

SURFACES = (_FACTORS, _CONSOLE, _KEYS)
