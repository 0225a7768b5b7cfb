"""A running process gives a deployment back to a Redis that has lost it.

What is fixed when a deployment is first started is kept in Redis, and remembered by every process. If Redis comes
back empty, the next process that starts would found another deployment, with another key of digests in key names.
Then one pass key would have two places, by whom one asks.
"""

import asyncio
import logging
from typing import Self

from engine.deployment import open_deployment
from engine.deployment_secrets import DeploymentSecrets
from engine.errors import CannotUnseal, Misconfigured, ScriptFailed, Unavailable
from engine.sealing import Keyring
from engine.store.deployment import DeploymentStore
from engine.store.keys import KeySpace
from engine.store.opening import AnyLink

_AGAIN_SECONDS = 0.5

_logger = logging.getLogger(__name__)


class Refounding:
    """Entered, it looks whether the deployment is still there, whenever Redis may have lost it."""

    def __init__(
        self,
        link: AnyLink,
        store: DeploymentStore,
        space: KeySpace,
        deployment_secrets: DeploymentSecrets,
        *,
        keyring: Keyring,
    ) -> None:
        self._link = link
        self._store = store
        self._space = space
        self._keyring = keyring
        self._secrets = deployment_secrets
        self._may_be_lost = asyncio.Event()
        self._looking: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._link.on_invalidated(self._on_invalidated)
        self._looking = asyncio.create_task(self._keep_looking(), name="refounding")
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)

    def _on_invalidated(self, written: list[bytes] | None) -> None:
        if written is None:  # the link was lost, or the database flushed
            self._may_be_lost.set()

    async def _keep_looking(self) -> None:
        while True:
            await self._may_be_lost.wait()
            await self._link.wait_up()
            self._may_be_lost.clear()
            try:
                await self._join_again()
            except (Unavailable, ScriptFailed):
                self._may_be_lost.set()
                await asyncio.sleep(_AGAIN_SECONDS)
            except (Misconfigured, CannotUnseal) as error:
                _logger.error("this process must be restarted: %s", error)  # noqa: TRY400  # no news in its traceback

    async def _join_again(self) -> None:
        """Found the same deployment again, or adopt another one that somebody was faster to found."""
        space = await open_deployment(
            self._store,
            keyring=self._keyring,
            partitions=self._space.partitions,
            index_key=self._space.index_key,
        )
        if space.index_key != self._space.index_key:
            _logger.warning("Redis holds another deployment than before; it is adopted")
            self._space.adopt(space.index_key)
        await self._secrets.keep_again()
