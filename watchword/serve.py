"""`watchword serve`: the embedded Redis if need be, and uvicorn's workers under one parent.

The parent starts Redis first and stops it last. It must not import prometheus_client before the directory of the
workers' metrics is set, so it imports nothing of the edge but what the settings need.
"""

import asyncio
import os
import signal
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from pathlib import Path
from threading import Thread

import uvicorn
from uvicorn.supervisors import Multiprocess

from engine.errors import Misconfigured
from watchword.courier import courier_beside, require_consistent
from watchword.demo import show_demo
from watchword.embedded import EmbeddedRedis
from watchword.logs import configure_logs
from watchword.options import check, engine_options, with_embedded_redis
from watchword.protocol import EdgeHttpProtocol
from watchword.settings import PREFIX, Settings

# Dialers hold connections open between calls; longer than the idle time of common load balancers (60 s).
_KEEP_ALIVE_SECONDS = 75


class Supervisor(Multiprocess):
    """uvicorn's parent process, with a pause between being unready and leaving."""

    def __init__(self, config: uvicorn.Config, *, drain_seconds: int) -> None:
        listener = config.bind_socket()
        listener.listen(config.backlog)  # from now on connections wait in line, also while a worker is replaced
        super().__init__(config, [listener])
        self._drain_seconds = drain_seconds

    def handle_term(self) -> None:
        """Be unready on every worker, give load balancers time to look away, then leave."""
        if self._drain_seconds:
            for process in self.processes:
                if process.pid is not None:
                    os.kill(process.pid, signal.SIGUSR1)
            deadline = time.monotonic() + self._drain_seconds
            while time.monotonic() < deadline and not self.signal_queue:
                time.sleep(0.05)
        super().handle_term()

    @property
    def port(self) -> int:
        """The port that was bound, which a port of 0 leaves to the system."""
        return self.sockets[0].getsockname()[1]

    @property
    def failed(self) -> bool:
        """Whether a worker could not start."""
        return any(
            process.exitcode not in (None, 0, -signal.SIGTERM, -signal.SIGINT) for process in self.processes
        )


def serve(settings: Settings, *, demo: bool = False) -> bool:
    """Serve until told to stop; tell whether that was in good order.

    Raises:
        Misconfigured: this cannot start, and the sentence says why.
        EmbeddedError: the embedded Redis cannot start.
    """
    configure_logs(settings.log_level)
    if settings.courier == "on":
        require_consistent(settings)
    if settings.traces_url and not _can_trace():
        raise Misconfigured("WATCHWORD_TRACES_URL needs OpenTelemetry: pip install 'watchword[otel]'")
    with _redis(settings) as complete, tempfile.TemporaryDirectory(prefix="watchword-metrics-") as metrics_dir:
        options = engine_options(complete)
        asyncio.run(check(options))
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = metrics_dir
        _hand_down(complete)
        supervisor = Supervisor(_uvicorn_config(complete), drain_seconds=complete.drain_seconds)
        if demo:
            shown = partial(
                show_demo, complete, options, port=supervisor.port, is_embedded=settings.redis_url is None
            )
            Thread(target=shown, daemon=True, name="demo").start()
        directory = Path(metrics_dir)
        with _metrics_port(complete, directory), courier_beside(complete, options, directory):
            supervisor.run()
        return not supervisor.failed


def _can_trace() -> bool:
    try:
        import_module("watchword.tracing")
    except ImportError:
        return False
    return True


@contextmanager
def _redis(settings: Settings) -> Generator[Settings]:
    if settings.redis_url is not None:
        yield settings
    else:
        with EmbeddedRedis(settings.data_dir) as redis:
            yield with_embedded_redis(settings, redis.url)


@contextmanager
def _metrics_port(settings: Settings, metrics_dir: Path) -> Generator[None]:
    """Raises: Misconfigured: the port cannot be had."""
    if not settings.metrics_port:
        yield
        return
    from watchword.metrics_port import metrics_port  # it imports prometheus_client

    with metrics_port(settings.host, settings.metrics_port, metrics_dir):
        yield


def _hand_down(settings: Settings) -> None:
    """Workers read the environment too: let it say what was completed here and on the command line."""
    for name in ("redis_url", "keys"):
        os.environ[PREFIX + name.upper()] = getattr(settings, name)


def _uvicorn_config(settings: Settings) -> uvicorn.Config:
    return uvicorn.Config(
        "watchword.worker:app",
        factory=True,
        interface="asgi3",
        host=settings.host,
        port=settings.port,
        workers=settings.workers,
        ssl_certfile=settings.tls_cert,
        ssl_keyfile=settings.tls_key,
        loop="uvloop",
        http=EdgeHttpProtocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,  # the edge reads X-Forwarded-For itself, and only from trusted proxies
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=settings.shutdown_seconds,
    )
