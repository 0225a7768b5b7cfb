"""/openapi.json: the reference of all that is served, for people and for programs that write clients."""

from edge.calls import Answer, Call
from edge.dialect import ProblemDetails
from edge.http import JSON, Reply, Request
from edge.routes import Route, Surface
from edge.state import EdgeState


async def read(state: EdgeState, request: Request) -> Reply:
    """Made once, when the worker started."""
    return Reply(200, state.document, JSON)


SURFACE = Surface(
    name="reference",
    description="This document.",
    prefix="",
    dialect=ProblemDetails(),
    routes=(
        Route(
            "/openapi.json", {"GET": Call(read, "The OpenAPI document of this service", answers=(Answer(dict),))}
        ),
    ),
)
