"""The sealing keys of an embedded deployment: made once, kept beside its data, readable by its owner only."""

import os
from contextlib import suppress
from pathlib import Path

from engine.sealing import Keyring

_NAME = "keys"


def kept_keys(data_dir: Path) -> str:
    """Read the key file, or make it. It is linked into place whole: of two starts at once, one makes it."""
    path = data_dir / _NAME
    if not path.exists():
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = _draft(path, Keyring.generate())
        with suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
    return path.read_text("ascii").strip()


def replace_kept_keys(data_dir: Path, keys: str) -> None:
    """Write the key file anew. Whatever happens, there are the old keys or the new ones, whole."""
    path = data_dir / _NAME
    _draft(path, keys).replace(path)
    directory = os.open(data_dir, os.O_RDONLY)
    try:
        os.fsync(directory)  # keys that seal must not be forgotten when the machine stops
    finally:
        os.close(directory)


def _draft(path: Path, keys: str) -> Path:
    """A file beside the path, written to the disk."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(keys)
        file.flush()
        os.fsync(file.fileno())
    return draft
