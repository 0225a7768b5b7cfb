"""Access tokens for clients (RFC 6749 4.4, RFC 7009), which the surfaces with Bearer tokens share."""

from edge.oauth import operations
from edge.oauth.dialect import OAuthDialect
from edge.routes import Route, Surface

SURFACE = Surface(
    prefix="/oauth2/v1",
    dialect=OAuthDialect(),
    routes=(
        Route("/token", {"POST": operations.issue_token}),
        Route("/revoke", {"POST": operations.revoke_token}),
    ),
)
