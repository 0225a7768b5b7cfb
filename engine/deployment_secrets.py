"""Secrets that a deployment makes once and all of its processes share, sealed in Redis."""

from collections.abc import Callable

from engine.sealing import Keyring
from engine.store.deployment import DeploymentStore

_SCOPE = "deployment"


class DeploymentSecrets:
    def __init__(self, store: DeploymentStore, keyring: Keyring) -> None:
        self._store = store
        self._keyring = keyring
        self._known: dict[str, bytes] = {}

    async def read(self, name: str, make: Callable[[], bytes]) -> bytes:
        """The secret of this name. If there is none, one is made; of several makers at once one wins.

        Raises:
            CannotUnseal: it was sealed by a key that is not in the ring.
        """
        if name not in self._known:
            bound_to = name.encode()
            proposal = self._keyring.seal(make(), scope=_SCOPE, bound_to=bound_to)
            kept = await self._store.keep(name=name, proposal=proposal)
            self._known[name] = self._keyring.unseal(kept.secret, scope=_SCOPE, bound_to=bound_to)
        return self._known[name]
