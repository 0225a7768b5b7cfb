"""Rings of the keys k1, k2 and k3, and engines that have them."""

from base64 import b64encode
from dataclasses import replace
from typing import TYPE_CHECKING

from engine.assembly import Engine, Options, open_engine
from engine.sealing import Keyring

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager


def ring(*ids: str, salt: bytes = b"") -> str:
    """As WATCHWORD_KEYS has it. Another salt makes other keys of the same ids."""
    return ",".join(f"{key_id}:{b64encode((key_id.encode() + salt).ljust(32)).decode()}" for key_id in ids)


def having(options: Options, *ids: str) -> "AbstractAsyncContextManager[Engine]":
    """An engine with these keys, of which the first seals."""
    return open_engine(replace(options, keyring=Keyring.parse(ring(*ids))))
