"""What a courier's process does: an engine, a sender, a courier on both, and what it counts."""

import asyncio
import logging
from dataclasses import replace
from pathlib import Path

from edge.authenticator.callbacks import TOPIC, AuthenticatorTeller
from edge.courier.courier import Courier, CourierStats
from edge.courier.guard import Guard
from edge.courier.metrics import CourierMetrics
from edge.courier.sender import Sender
from engine.assembly import Options, open_engine
from watchword.settings import Settings

_RESTART_SECONDS = 1.0
# A courier asks all partitions at once, and bounds itself. What workers may have under way is a bound on callers.
_CALLS_PER_PARTITION = 32

_logger = logging.getLogger(__name__)


async def keep_delivering(settings: Settings, options: Options, metrics_dir: Path) -> None:
    """Begin again if it breaks: events wait meanwhile, and are not lost."""
    stats = CourierStats()
    metrics = CourierMetrics(metrics_dir)
    while True:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(_work(settings, options, stats), name="courier")
                group.create_task(metrics.keep_sampling(stats), name="metrics")
        except Exception:
            _logger.exception("the courier broke")
            await asyncio.sleep(_RESTART_SECONDS)


async def _work(settings: Settings, options: Options, stats: CourierStats) -> None:
    guard = Guard(settings.callback_networks)
    timeout_s = float(settings.callback_timeout_seconds)
    slots = settings.courier_slots
    own = replace(options, max_in_flight=max(options.max_in_flight, _CALLS_PER_PARTITION * options.partitions))
    async with open_engine(own) as engine, Sender(guard, timeout_s=timeout_s, max_connections=slots) as sender:
        tellers = {TOPIC: AuthenticatorTeller(engine.callback_secrets, engine.deployment_secrets)}
        courier = Courier(
            engine,
            sender,
            tellers,
            slots=slots,
            claim_s=settings.courier_claim_seconds,
            timeout_s=timeout_s,
            stats=stats,
        )
        await courier.run()
