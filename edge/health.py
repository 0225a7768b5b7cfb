"""For orchestrators and Prometheus: /livez, /readyz, /metrics."""

import asyncio

from edge.calls import Answer, Call
from edge.dialect import ProblemDetails
from edge.errors import NotReady
from edge.exposition import CONTENT_TYPE
from edge.http import NO_STORE, TEXT, Reply, Request
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
    """Over all workers of this parent. Read in a thread: it takes longer than a request may."""
    state.metrics.sample(state.engine)
    text = await asyncio.to_thread(state.metrics.render)
    return Reply(200, text, ((b"content-type", CONTENT_TYPE), NO_STORE))


_PLAIN = "text/plain"
METRICS = Route(
    "/metrics",
    {
        "GET": Call(
            metrics,
            "What all workers count, for Prometheus",
            answers=(Answer(str, media_type=_PLAIN),),
            refusals=(LinkDown,),
        )
    },
    vital=True,
)
SURFACE = Surface(
    name="health",
    description="For orchestrators and for Prometheus.",
    prefix="",
    dialect=ProblemDetails(),
    routes=(
        Route(
            "/livez",
            {"GET": Call(livez, "Whether this process serves", answers=(Answer(str, media_type=_PLAIN),))},
            vital=True,
        ),
        Route(
            "/readyz",
            {
                "GET": Call(
                    readyz,
                    "Whether this worker should be sent requests",
                    answers=(Answer(str, media_type=_PLAIN),),
                    refusals=(NotReady,),
                )
            },
            vital=True,
        ),
        METRICS,
    ),
)
