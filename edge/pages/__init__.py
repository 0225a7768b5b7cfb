"""Pages for people: what the customer sees; and scripts, styles and words, for these pages and for other sites."""

from edge.calls import Call
from edge.pages import docs, operations
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

SURFACES = (_ASSETS, _CUSTOMER, _DOCS)
