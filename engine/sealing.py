"""Sealing what must be read back: AES-256-GCM (NIST SP 800-38D) under a keyring.

    key id "." nonce (12 bytes) ciphertext tag (16 bytes)

Every scope (a tenant, or the deployment) has a subkey of its own by HKDF-SHA256 (RFC 5869). Random nonces allow
2**32 sealings under one key (SP 800-38D 8.3); with subkeys that bound holds per tenant.
"""

import re
import secrets
from base64 import b64decode, b64encode
from functools import lru_cache
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from engine.errors import KeyMissing, Misconfigured, SealBroken

_KEY_BYTES = 32
_NONCE_BYTES = 12
_KEY_ID = re.compile(r"[a-z0-9]{1,8}")
_SUBKEYS_KEPT = 20_000  # 7 us to derive one, 0.3 kB to keep it
_CIPHERS_KEPT = 4096  # 1 us to make one, 2.6 kB to keep it


class Keyring:
    """Keys by id: the first seals, all of them unseal."""

    def __init__(self, keys: dict[str, bytes]) -> None:
        self._keys = {key_id.encode(): key for key_id, key in keys.items()}
        self._first = next(iter(self._keys))
        self.ids = tuple(keys)
        self.opens = b" %s " % b" ".join(self._keys)  # for scripts: lua/include/opens.lua
        self._subkey = lru_cache(maxsize=_SUBKEYS_KEPT)(self._derive)
        self._cipher = lru_cache(maxsize=_CIPHERS_KEPT)(self._make_cipher)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `id:base64,id:base64`, each key of 32 bytes.

        Raises:
            Misconfigured: anything else. The sentence never repeats key material.
        """
        keys: dict[str, bytes] = {}
        for position, entry in enumerate(text.split(","), 1):
            key_id, _, encoded = entry.strip().partition(":")
            if not _KEY_ID.fullmatch(key_id) or key_id in keys:
                raise Misconfigured(f"key {position}: an id is 1 to 8 of a-z0-9, and used once")
            keys[key_id] = _decode(position, encoded)
        return cls(keys)

    @staticmethod
    def generate(key_id: str = "k1") -> str:
        """A ring of one new key, as text that `parse` reads."""
        return f"{key_id}:" + b64encode(secrets.token_bytes(_KEY_BYTES)).decode()

    @property
    def first(self) -> str:
        """The id of the key that seals."""
        return self.ids[0]

    def check_values(self) -> dict[str, str]:
        """A key check value by key id: the same of the same key only, and of no use for finding it."""
        return {key_id: self._expand(key_id.encode(), b"watchword key check 1").hex() for key_id in self.ids}

    def is_current(self, sealed: bytes) -> bool:
        """Whether a value was sealed with the key that seals now."""
        return sealed.partition(b".")[0] == self._first

    def seal(self, plaintext: bytes, *, scope: str, bound_to: bytes) -> bytes:
        """Seal under the first key. It opens only in the same scope and bound to the same data."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        ciphertext = self._cipher(self._first, scope).encrypt(nonce, plaintext, bound_to)
        return self._first + b"." + nonce + ciphertext

    def unseal(self, sealed: bytes, *, scope: str, bound_to: bytes) -> bytes:
        """Open what was sealed.

        Raises:
            KeyMissing: of which the ring has no key.
            SealBroken: in another scope, bound to something else, or changed since.
        """
        key_id, _, rest = sealed.partition(b".")
        if key_id not in self._keys:
            raise KeyMissing(key_id_of(sealed))
        try:
            return self._cipher(key_id, scope).decrypt(rest[:_NONCE_BYTES], rest[_NONCE_BYTES:], bound_to)
        except (InvalidTag, ValueError):  # ValueError: too short to hold a nonce
            raise SealBroken from None

    def _make_cipher(self, key_id: bytes, scope: str) -> AESGCM:
        return AESGCM(self._subkey(key_id, scope))

    def _derive(self, key_id: bytes, scope: str) -> bytes:
        return self._expand(key_id, b"watchword seal 1 " + scope.encode())

    def _expand(self, key_id: bytes, info: bytes) -> bytes:
        kdf = HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=info)
        return kdf.derive(self._keys[key_id])


def key_id_of(sealed: bytes) -> str:
    """The id of the key that a value was sealed with.

    Raises:
        SealBroken: it is no sealed value.
    """
    key_id, dot, _ = sealed.partition(b".")
    text = key_id.decode("ascii", "replace")
    if not dot or not _KEY_ID.fullmatch(text):
        raise SealBroken
    return text


def _decode(position: int, encoded: str) -> bytes:
    try:
        key = b64decode(encoded, validate=True)
    except ValueError:
        raise Misconfigured(f"key {position}: not base64") from None
    if len(key) != _KEY_BYTES:
        raise Misconfigured(f"key {position}: {_KEY_BYTES} bytes are needed")
    return key
