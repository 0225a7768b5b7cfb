"""The Authenticator surface (seed 001): factors, challenges, and the project that says how they look.

A project is a tenant: its id is the tenant's. A workspace is the account of the tenant's administrator.
"""

from edge.authenticator import operations, projects
from edge.authenticator.dialect import AuthenticatorDialect
from edge.routes import Route, Surface

_DIALECT = AuthenticatorDialect()

SURFACES = (
    Surface(
        prefix="/authenticator/v0.1",
        dialect=_DIALECT,
        routes=(
            Route("/factors", {"POST": operations.create_factor, "GET": operations.list_factors}),
            Route("/factors/{factor_id}", {"GET": operations.read_factor, "PATCH": operations.change_factor}),
            Route(
                "/factors/{factor_id}/challenges",
                {"POST": operations.create_challenge, "GET": operations.list_challenges},
                aliases=("/factors/{factor_id}/challenge",),
                hot=True,
            ),
            Route(
                "/factors/{factor_id}/challenges/{challenge_id}",
                {"GET": operations.read_challenge, "PATCH": operations.answer_challenge},
                aliases=("/factors/{factor_id}/challenge/{challenge_id}",),
                hot=True,
            ),
        ),
    ),
    Surface(
        prefix="/console/v0.2",
        dialect=_DIALECT,
        routes=(
            Route(
                "/workspaces/{workspace_id}/projects/{project_id}",
                {"GET": projects.read_project, "PATCH": projects.change_project},
            ),
        ),
    ),
    Surface(
        prefix="/.well-known",
        dialect=_DIALECT,
        routes=(Route("/jwks.json", {"GET": projects.read_signing_keys}),),
    ),
)
