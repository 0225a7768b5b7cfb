"""The application of one edge worker, as uvicorn loads it in each of its processes."""

import gc
import os
import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from multiprocessing import parent_process
from pathlib import Path
from threading import Thread

from starlette.types import ASGIApp

from edge.app import create_app
from edge.metrics import Metrics
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
    return create_app(
        lambda: _engine(options),
        metrics=Metrics(
            Path(shared) if shared else None,
            password_threads=options.password_threads,
            max_requests=settings.max_requests,
        ),
        shows_metrics=not settings.metrics_port,
        trusted_proxies=settings.trusted_proxies,
        access_log=settings.access_log,
        max_in_flight=settings.max_requests,
    )


@asynccontextmanager
async def _engine(options: Options) -> AsyncGenerator[Engine]:
    async with open_engine(options) as engine:
        # What was imported and opened stays: looking through it for garbage took 14 % of the time of a request.
        gc.collect()
        gc.freeze()
        gc.set_threshold(_YOUNG_OBJECTS)
        yield engine


def _leave_with_parent() -> None:
    """A parent that was killed cannot tell its workers to go."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
