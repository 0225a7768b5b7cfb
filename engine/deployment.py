"""What holds for the life of a deployment: its number of partitions, and the secret of its key names."""

import secrets

from engine.errors import CannotUnseal, Misconfigured
from engine.sealing import Keyring
from engine.store.deployment import DeploymentStore
from engine.store.keys import MAX_PARTITIONS, KeySpace

SCOPE = "deployment"
NOT_SEALED = frozenset({"partitions"})  # of what is kept

_INDEX_KEY = "index_key"
_INDEX_KEY_BYTES = 32


async def open_deployment(
    store: DeploymentStore, *, keyring: Keyring, partitions: int, index_key: bytes | None = None
) -> KeySpace:
    """Found the deployment or join it. The sealed index key is also the proof that our keyring is the right one.

    Args:
        store: where it is kept.
        keyring: seals the index key.
        partitions: as many as it must have.
        index_key: what it is to be founded with if there is none: that of a deployment that Redis has lost.

    Raises:
        Misconfigured: another number of partitions, or a keyring that does not open what is stored.
    """
    if not 1 <= partitions <= MAX_PARTITIONS:
        raise Misconfigured(f"WATCHWORD_PARTITIONS is 1 to {MAX_PARTITIONS}")
    index_key = index_key or secrets.token_bytes(_INDEX_KEY_BYTES)
    proposal = keyring.seal(index_key, scope=SCOPE, bound_to=bound_to(_INDEX_KEY))
    fixed = await store.open(partitions=partitions, index_key=proposal)
    if fixed.partitions != partitions:
        raise Misconfigured(
            f"this deployment was started with {fixed.partitions} partitions and keeps them: "
            f"set WATCHWORD_PARTITIONS={fixed.partitions}"
        )
    try:
        index_key = keyring.unseal(fixed.index_key, scope=SCOPE, bound_to=bound_to(_INDEX_KEY))
    except CannotUnseal as error:
        raise Misconfigured(
            "WATCHWORD_KEYS does not open what is stored in this Redis: give the keys it was started with, "
            f"or resealed with ({error})"
        ) from None
    return KeySpace(partitions=partitions, index_key=index_key)


def bound_to(name: str) -> bytes:
    """What a secret that is kept under this name is bound to."""
    return b"index key" if name == _INDEX_KEY else name.encode()
