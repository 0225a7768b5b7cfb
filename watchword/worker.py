"""The application of one edge worker, as uvicorn loads it in each of its processes."""

import os
import signal
from multiprocessing import parent_process
from threading import Thread

from starlette.types import ASGIApp

from edge.app import create_app
from engine.assembly import open_engine
from watchword.logs import configure_logs
from watchword.options import engine_options
from watchword.settings import read_settings


def app() -> ASGIApp:
    Thread(target=_leave_with_parent, daemon=True, name="parent").start()
    settings = read_settings(os.environ)
    configure_logs(settings.log_level)
    options = engine_options(settings)
    return create_app(
        lambda: open_engine(options),
        trusted_proxies=settings.trusted_proxies,
        access_log=settings.access_log,
    )


def _leave_with_parent() -> None:
    """A parent that was killed cannot tell its workers to go."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
