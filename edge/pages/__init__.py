"""Pages for people: what the customer and the agent see; and scripts, styles and words, for other sites too."""

from edge.calls import Call
from edge.dialect import ProblemDetails
from edge.pages import agents, docs, operations
from edge.pages.assets import AssetsDialect
from edge.pages.dialect import PagesDialect
from edge.routes import Route, Surface
from engine import errors as engine

_ASSETS = Surface(
    name="assets",
    description="Scripts, styles and words of pages.",
    prefix="/assets",
    dialect=AssetsDialect(),
    is_api=False,
    routes=(
        Route("/{version}/{name}", {"GET": Call(operations.serve_asset, "A file, which may be kept for good")}),
        Route("/{name}", {"GET": Call(operations.serve_asset, "A file of the version that there is")}),
    ),
)
_CUSTOMER = Surface(
    name="customer",
    description="The page of a tenant's customers.",
    prefix="/customer",
    dialect=PagesDialect(),
    is_api=False,
    routes=(
        Route(
            "/{tenant_id}",
            {
                "GET": Call(
                    operations.show_customer_page,
                    "Where a customer gets a passcode",
                    refusals=(engine.UnknownTenant, engine.TenantInactive),
                )
            },
        ),
    ),
)

_DOCS = Surface(
    name="docs",
    description="The OpenAPI document, to read and to try.",
    prefix="/docs",
    dialect=PagesDialect(),
    is_api=False,
    routes=(
        Route("", {"GET": Call(docs.show_docs, "The OpenAPI document, to read and to try")}),
        Route("/{version}/{name}", {"GET": Call(docs.serve_swagger_ui, "A file of Swagger UI")}),
    ),
)
_OF_TENANT = (engine.UnknownTenant, engine.TenantInactive)
# What the agents' page asks for: data, and refusals in words for programs.
_AGENT_SESSION = Surface(
    name="agent session",
    description="The session of an agent.",
    prefix="/agent-api",
    dialect=ProblemDetails(),
    is_api=False,
    routes=(
        Route(
            "/{tenant_id}/session",
            {
                "GET": Call(agents.show_agent_session, "Who is signed in", refusals=(engine.UnknownTenant,)),
                "POST": Call(
                    agents.sign_agent_in,
                    "Sign in",
                    refusals=(
                        *_OF_TENANT,
                        engine.OriginRefused,
                        engine.WrongPassword,
                        engine.LimitExceeded,
                        engine.Busy,
                    ),
                ),
                "DELETE": Call(
                    agents.sign_agent_out, "Sign out", refusals=(engine.UnknownTenant, engine.OriginRefused)
                ),
            },
        ),
        Route(
            "/{tenant_id}/passcode",
            {
                "POST": Call(
                    agents.fetch_for_agent,
                    "Fetch a passcode, once",
                    refusals=(
                        *_OF_TENANT,
                        engine.OriginRefused,
                        engine.Unauthenticated,
                        engine.PasscodeGone,
                        engine.KeyMissing,
                        engine.LimitExceeded,
                    ),
                )
            },
        ),
    ),
)
_AGENT = Surface(
    name="agent",
    description="The page of a tenant's agents.",
    prefix="/agent",
    dialect=PagesDialect(),
    is_api=False,
    routes=(
        Route(
            "/{tenant_id}",
            {"GET": Call(agents.show_agent_page, "Where an agent fetches a passcode", refusals=_OF_TENANT)},
        ),
    ),
)

SURFACES = (_ASSETS, _CUSTOMER, _AGENT_SESSION, _AGENT, _DOCS)
