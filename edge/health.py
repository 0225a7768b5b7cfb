"""For orchestrators and Prometheus: /livez, /readyz, /metrics."""

from edge.dialect import ProblemDetails
from edge.errors import NotReady
from edge.http import NO_STORE, TEXT, Reply, Request
from edge.metrics import CONTENT_TYPE
from edge.routes import Route, Surface
from edge.state import EdgeState
from engine.errors import LinkDown


async def livez(state: EdgeState, request: Request) -> Reply:
    """The process serves. Asks nobody."""
    return Reply(200, b"ok\n", TEXT)


async def readyz(state: EdgeState, request: Request) -> Reply:
    """Redis answers with all scripts loaded, and this worker is not about to leave.

    Raises:
        NotReady
    """
    if state.draining:
        raise NotReady
    try:
        await state.engine.link.ping()
    except LinkDown:
        raise NotReady from None
    return Reply(200, b"ready\n", TEXT)


async def metrics(state: EdgeState, request: Request) -> Reply:
    state.metrics.sample(state.engine)
    return Reply(200, state.metrics.render(), ((b"content-type", CONTENT_TYPE), NO_STORE))


SURFACE = Surface(
    prefix="",
    dialect=ProblemDetails(),
    routes=(
        Route("/livez", {"GET": livez}),
        Route("/readyz", {"GET": readyz}),
        Route("/metrics", {"GET": metrics}),
    ),
)
