"""The application of one edge worker, as uvicorn loads it in each of its processes."""

import os

from starlette.types import ASGIApp

from edge.app import create_app
from engine.assembly import open_engine
from watchword.logs import configure_logs
from watchword.options import engine_options
from watchword.settings import read_settings


def app() -> ASGIApp:
    settings = read_settings(os.environ)
    configure_logs(settings.log_level)
    options = engine_options(settings)
    return create_app(
        lambda: open_engine(options),
        trusted_proxies=settings.trusted_proxies,
        access_log=settings.access_log,
    )
