"""The Identity surface (seed 000): passcodes that a customer submits and an agent fetches.

Where the document and its clients in the field differ, both are served. One path is ambiguous: a pass key named
`config` can be fetched by the older `verify` paths only.
"""

from typing import Annotated

from msgspec import Meta

from edge.calls import IDEMPOTENCY_KEY, Answer, Call, Content, Credential
from edge.errors import Row, Rows
from edge.identity import operations, wire
from edge.identity.dialect import IdentityDialect
from edge.limits import RATE_LIMIT_FIELDS
from edge.routes import Route, Surface
from engine import errors as engine

_TENANT_ID_ROWS: Rows = {engine.UnknownTenant: Row(400, "The tenant id is invalid.", "tenant_id")}
_CONFIG_ROWS: Rows = {engine.UnknownTenant: Row(400, "The selected tenant id is invalid.", "tenant_id")}

ADMINISTRATOR = Credential(
    "administrator",
    {"type": "http", "scheme": "bearer", "description": "The token that the administrator got by signing in."},
)
AGENT = Credential(
    "apiKey",
    {"type": "apiKey", "in": "header", "name": "x-api-key", "description": "The API key of the agent's dialer."},
)
MANAGER = Credential(
    "managingApiKey",
    {"type": "apiKey", "in": "header", "name": "x-api-key", "description": "An API key with the scope `manage`."},
)
_OF_TENANT = (engine.UnknownTenant, engine.TenantInactive)
_CONFIGURED = (Answer(wire.ConfiguredOuter),)

SURFACE = Surface(
    name="identity",
    description="Reverse two-factor passcodes: a customer submits a pass key, and the agent fetches the passcode.",
    prefix="/api/v2",
    dialect=IdentityDialect(),
    params={
        "tenant_id": Annotated[str, Meta(examples=["2dddb241-4dac-4a3b-9f42-7b56797cf451"])],
        "key": wire.PassKey,
    },
    routes=(
        Route(
            "/{tenant_id}/identity/passcode/config",
            {
                "GET": Call(
                    operations.read_config,
                    "Read the configuration of passcodes",
                    description="Without credentials, `tenant_config_details` is JSON in a string.",
                    answers=(Answer(wire.Config),),
                    credentials=(ADMINISTRATOR, None),
                    refusals=_OF_TENANT,
                ),
                "POST": Call(
                    operations.create_config,
                    "Configure passcodes, once",
                    body=Content(wire.NewConfig),
                    answers=_CONFIGURED,
                    credentials=(ADMINISTRATOR, MANAGER),
                    refusals=(*_OF_TENANT, engine.AlreadyConfigured),
                ),
                "PUT": Call(
                    operations.replace_config,
                    "Configure passcodes, or configure them anew",
                    body=Content(wire.NewConfig),
                    answers=_CONFIGURED,
                    credentials=(ADMINISTRATOR, MANAGER),
                    refusals=_OF_TENANT,
                ),
            },
            aliases=("/tenant/{tenant_id}/config",),
            rows=_CONFIG_ROWS,
            hot=True,
        ),
        Route(
            "/{tenant_id}/identity/passcode",
            {
                "POST": Call(
                    operations.submit,
                    "Submit a pass key, and get a passcode",
                    body=Content(wire.SubmitEither),
                    headers=(IDEMPOTENCY_KEY,),
                    answers=(Answer(wire.Submitted, headers=RATE_LIMIT_FIELDS),),
                    refusals=(
                        *_OF_TENANT,
                        engine.PassKeyTaken,
                        engine.IdempotencyMismatch,
                        engine.KeyMissing,
                        engine.LimitExceeded,
                    ),
                )
            },
            aliases=("/tenant/{tenant_id}/trust",),
            rows=_TENANT_ID_ROWS,
            hot=True,
        ),
        Route(
            "/{tenant_id}/identity/passcode/{key}",
            {
                "GET": Call(
                    operations.fetch,
                    "Fetch a passcode, once",
                    headers=(IDEMPOTENCY_KEY,),
                    answers=(Answer(wire.Fetched, headers=RATE_LIMIT_FIELDS),),
                    credentials=(AGENT,),
                    refusals=(
                        *_OF_TENANT,
                        engine.Invalid,
                        engine.PasscodeGone,
                        engine.KeyMissing,
                        engine.LimitExceeded,
                    ),
                )
            },
            aliases=("/tenant/{tenant_id}/verify/{key}", "/{tenant_id}/verify/{key}"),
            hot=True,
        ),
        Route(
            "/tenant/user",
            {
                "POST": Call(
                    operations.sign_up,
                    "Sign up as an administrator",
                    body=Content(wire.SignUp),
                    answers=(Answer(wire.SignedUp),),
                    refusals=(engine.EmailTaken, engine.LimitExceeded, engine.Busy),
                )
            },
        ),
        Route(
            "/login",
            {
                "POST": Call(
                    operations.login,
                    "Sign in",
                    body=Content(wire.Login),
                    answers=(Answer(wire.LoggedIn),),
                    refusals=(engine.WrongPassword, engine.LimitExceeded, engine.Busy),
                )
            },
            aliases=("/user/login", "/tenant/user/login"),
        ),
        Route(
            "/tenant",
            {
                "POST": Call(
                    operations.create_tenant,
                    "Create a tenant",
                    description="It is inactive until the operator activates it.",
                    body=Content(wire.NewTenant),
                    answers=(Answer(wire.TenantCreated),),
                    credentials=(ADMINISTRATOR,),
                    refusals=(engine.TenantNameTaken, engine.LimitExceeded),
                )
            },
        ),
        Route(
            "/tenant/{tenant_id}/api_key/refresh",
            {
                "POST": Call(
                    operations.refresh_api_key,
                    "Get a new API key, and end the earlier ones",
                    answers=(Answer(wire.ApiKeyRefreshed),),
                    credentials=(ADMINISTRATOR,),
                    refusals=_OF_TENANT,
                )
            },
            rows=_TENANT_ID_ROWS,
        ),
    ),
)
