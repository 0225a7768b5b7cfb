"""Couriers as processes: one inside `watchword serve`, in its parent, and `watchword courier` by itself.

In the parent a receiver that hangs, or a thousand of them, takes no time of the workers that serve.
"""

import asyncio
import logging
import os
import signal
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import uvloop

from engine.assembly import Options
from engine.errors import Misconfigured
from watchword.embedded import running_url
from watchword.logs import configure_logs
from watchword.options import check, engine_options, with_embedded_redis
from watchword.settings import Settings

_STOP_SECONDS = 5.0

_logger = logging.getLogger(__name__)


def require_consistent(settings: Settings) -> None:
    """Raises: Misconfigured: what a courier holds could be taken from it while it waits for an answer."""
    if settings.courier_claim_seconds <= 2 * settings.callback_timeout_seconds:
        raise Misconfigured(
            "WATCHWORD_COURIER_CLAIM_SECONDS must be more than twice WATCHWORD_CALLBACK_TIMEOUT_SECONDS"
        )


@contextmanager
def courier_beside(settings: Settings, options: Options, metrics_dir: Path) -> Generator[None]:
    """A courier in a thread of this process, as long as the block takes; none where the settings say so."""
    if settings.courier == "off":
        yield
        return
    from watchword.delivering import keep_delivering  # it imports prometheus_client

    loop = uvloop.new_event_loop()
    working = loop.create_task(keep_delivering(settings, options, metrics_dir))
    thread = Thread(target=_run, args=(loop, working), daemon=True, name="courier")
    thread.start()
    try:
        yield
    finally:
        _cancel(loop, working)
        thread.join(_STOP_SECONDS)


def run_courier(settings: Settings) -> None:
    """Be a courier until told to stop.

    Raises:
        Misconfigured: this cannot start, and the sentence says why.
    """
    configure_logs(settings.log_level)
    require_consistent(settings)
    complete = _with_redis(settings)
    options = engine_options(complete)
    asyncio.run(check(options))
    with tempfile.TemporaryDirectory(prefix="watchword-courier-") as directory:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = directory
        with _metrics(complete, Path(directory)):
            uvloop.run(_work_until_told(complete, options, Path(directory)))


def _with_redis(settings: Settings) -> Settings:
    """Raises: Misconfigured: no URL, and the embedded server does not run."""
    if settings.redis_url is not None:
        return settings
    url = running_url(settings.data_dir)
    if url is None:
        raise Misconfigured("set WATCHWORD_REDIS_URL, or start `watchword serve` first: it has the embedded Redis")
    return with_embedded_redis(settings, url)


@contextmanager
def _metrics(settings: Settings, directory: Path) -> Generator[None]:
    if not settings.metrics_port:
        yield
        return
    from watchword.metrics_port import metrics_port  # it imports prometheus_client

    with metrics_port(settings.host, settings.metrics_port, directory):
        yield


async def _work_until_told(settings: Settings, options: Options, metrics_dir: Path) -> None:
    from watchword.delivering import keep_delivering  # it imports prometheus_client

    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    working = asyncio.create_task(keep_delivering(settings, options, metrics_dir))
    waiting = asyncio.create_task(told.wait())
    await asyncio.wait({working, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    working.cancel()
    await asyncio.wait({working})
    _log_failure(working)


def _run(loop: asyncio.AbstractEventLoop, working: "asyncio.Task[None]") -> None:
    try:
        loop.run_until_complete(asyncio.wait({working}))
        _log_failure(working)
    finally:
        loop.close()


def _cancel(loop: asyncio.AbstractEventLoop, working: "asyncio.Task[None]") -> None:
    """From another thread."""
    try:
        loop.call_soon_threadsafe(working.cancel)
    except RuntimeError:  # its loop is closed
        _logger.warning("the courier had ended before it was told to")


def _log_failure(working: "asyncio.Task[None]") -> None:
    """What ended a courier that nobody has told to end."""
    if not working.cancelled() and (failure := working.exception()):
        _logger.error("the courier ended", exc_info=failure)
