"""The application of one edge worker, as uvicorn loads it in each of its processes."""

import asyncio
import gc
import os
import signal
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from multiprocessing import parent_process
from pathlib import Path
from threading import Thread

from starlette.types import ASGIApp

from edge.app import create_app
from edge.metrics import Metrics
from edge.routes import Endpoint, Route, Surface
from edge.state import EdgeState, Finding
from engine.assembly import Engine, Options, open_engine
from watchword.logs import configure_logs
from watchword.options import engine_options
from watchword.settings import read_settings

# How many containers may come to be between two collections of the youngest: a few hundred requests' worth.
_YOUNG_OBJECTS = 20_000


def app() -> ASGIApp:
    Thread(target=_leave_with_parent, daemon=True, name="parent").start()
    settings = read_settings(os.environ)
    configure_logs(settings.log_level)
    options = engine_options(settings)
    shared = os.environ.get("PROMETHEUS_MULTIPROC_DIR")  # set by the parent; prometheus_client reads it too
    make_endpoint, end_traces = _traces(settings.traces_url)
    return create_app(
        lambda: _engine(options, end_traces),
        metrics=Metrics(
            Path(shared) if shared else None,
            password_threads=options.password_threads,
            max_requests=settings.max_requests,
        ),
        shows_metrics=not settings.metrics_port,
        trusted_proxies=settings.trusted_proxies,
        access_log=settings.access_log,
        max_in_flight=settings.max_requests,
        public_url=settings.public_url,
        make_endpoint=make_endpoint,
        examine=_examine,
    )


def _examine() -> Sequence[Finding]:
    from watchword.commands.doctor import examine  # the operator asks for it, now and then

    return [*examine()]


def _traces(url: str | None) -> tuple[Callable[[EdgeState, Surface, Route], Endpoint], Callable[[], None]]:
    """What makes endpoints, and what is to be done at the end."""
    if url is None:
        return Endpoint, lambda: None
    from edge.tracing import TracedEndpoint  # here and not above: without traces nothing of it is imported
    from watchword.tracing import tracer_provider

    provider = tracer_provider(url)
    return partial(TracedEndpoint, provider.get_tracer("watchword")), provider.shutdown


@asynccontextmanager
async def _engine(options: Options, end_traces: Callable[[], None]) -> AsyncGenerator[Engine]:
    async with open_engine(options) as engine:
        # What was imported and opened stays: looking through it for garbage took 14 % of the time of a request.
        gc.collect()
        gc.freeze()
        gc.set_threshold(_YOUNG_OBJECTS)
        try:
            yield engine
        finally:
            # The worker ends by the signal that it was sent, so what waits for the end of the interpreter is lost.
            await asyncio.to_thread(end_traces)


def _leave_with_parent() -> None:
    """A parent that was killed cannot tell its workers to go."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
