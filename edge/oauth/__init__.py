"""Access tokens for clients (RFC 6749 4.4, RFC 7009), which the surfaces with Bearer tokens share."""

from edge.calls import Answer, Call, Content, Credential
from edge.oauth import operations, wire
from edge.oauth.dialect import GrantTypeUnsupported, OAuthDialect
from edge.routes import Route, Surface
from engine import errors as engine

_FORM = "application/x-www-form-urlencoded"

CLIENT = Credential(
    "client",
    {"type": "http", "scheme": "basic", "description": "The id and the secret of an OAuth client of the tenant."},
)

SURFACE = Surface(
    name="oauth",
    description="Access tokens for the clients of a tenant.",
    prefix="/oauth2/v1",
    dialect=OAuthDialect(),
    routes=(
        Route(
            "/token",
            {
                "POST": Call(
                    operations.issue_token,
                    "Get an access token",
                    body=Content(wire.TokenForm, _FORM),
                    answers=(Answer(wire.Token),),
                    credentials=(CLIENT,),
                    refusals=(
                        GrantTypeUnsupported,
                        engine.ScopeRefused,
                        engine.TenantInactive,
                        engine.LimitExceeded,
                    ),
                )
            },
        ),
        Route(
            "/revoke",
            {
                "POST": Call(
                    operations.revoke_token,
                    "Revoke an access token",
                    body=Content(wire.RevocationForm, _FORM),
                    answers=(Answer(),),
                    credentials=(CLIENT,),
                )
            },
        ),
    ),
)
