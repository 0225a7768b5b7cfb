"""Secrets that a deployment makes once and all of its processes share, sealed in Redis."""

from collections.abc import Callable

from engine.deployment import NOT_SEALED, SCOPE, bound_to
from engine.sealing import Keyring
from engine.seats import Seat
from engine.store import keys
from engine.store.deployment import DeploymentStore


class DeploymentSecrets:
    def __init__(self, store: DeploymentStore, keyring: Keyring) -> None:
        self._store = store
        self._keyring = keyring
        self._known: dict[str, bytes] = {}

    async def read(self, name: str, make: Callable[[], bytes]) -> bytes:
        """The secret of this name. If there is none, one is made; of several makers at once one wins.

        Raises:
            KeyMissing: it was sealed by a key that is not in the ring.
        """
        if name not in self._known:
            self._known[name] = await self._keep(name, make())
        return self._known[name]

    async def keep_again(self) -> None:
        """Give the secrets that are known here back to a Redis that has lost them, or know those that it has.

        Raises:
            KeyMissing: as `read`.
        """
        for name, secret in [*self._known.items()]:
            self._known[name] = await self._keep(name, secret)

    async def _keep(self, name: str, proposed: bytes) -> bytes:
        """The secret that is in force from now on."""
        proposal = self._keyring.seal(proposed, scope=SCOPE, bound_to=bound_to(name))
        kept = await self._store.keep(name=name, proposal=proposal)
        return self._keyring.unseal(kept.secret, scope=SCOPE, bound_to=bound_to(name))

    async def seats(self) -> list[Seat]:
        """Where they are kept, and the key of the digests in key names beside them."""
        names = (await self._store.list()).names.decode().splitlines()
        return [Seat(0, keys.DEPLOYMENT, name, SCOPE, bound_to(name)) for name in names if name not in NOT_SEALED]
