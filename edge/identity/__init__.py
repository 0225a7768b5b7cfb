"""The Identity surface (seed 000): passcodes that a customer submits and an agent fetches.

Where the document and its clients in the field differ, both are served. One path is ambiguous: a pass key named
`config` can be fetched by the older `verify` paths only.
"""

from edge.errors import Row, Rows
from edge.identity import operations
from edge.identity.dialect import IdentityDialect
from edge.routes import Route, Surface
from engine.errors import UnknownTenant

_TENANT_ID_ROWS: Rows = {UnknownTenant: Row(400, "The tenant id is invalid.", "tenant_id")}
_CONFIG_ROWS: Rows = {UnknownTenant: Row(400, "The selected tenant id is invalid.", "tenant_id")}

SURFACE = Surface(
    prefix="/api/v2",
    dialect=IdentityDialect(),
    routes=(
        Route(
            "/{tenant_id}/identity/passcode/config",
            {
                "GET": operations.read_config,
                "POST": operations.create_config,
                "PUT": operations.replace_config,
            },
            aliases=("/tenant/{tenant_id}/config",),
            rows=_CONFIG_ROWS,
            hot=True,
        ),
        Route(
            "/{tenant_id}/identity/passcode",
            {"POST": operations.submit},
            aliases=("/tenant/{tenant_id}/trust",),
            rows=_TENANT_ID_ROWS,
            hot=True,
        ),
        Route(
            "/{tenant_id}/identity/passcode/{key}",
            {"GET": operations.fetch},
            aliases=("/tenant/{tenant_id}/verify/{key}", "/{tenant_id}/verify/{key}"),
            hot=True,
        ),
        Route("/tenant/user", {"POST": operations.sign_up}),
        Route("/login", {"POST": operations.login}, aliases=("/user/login", "/tenant/user/login")),
        Route("/tenant", {"POST": operations.create_tenant}),
        Route(
            "/tenant/{tenant_id}/api_key/refresh",
            {"POST": operations.refresh_api_key},
            rows=_TENANT_ID_ROWS,
        ),
    ),
)
