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
        draft = path.with_name(f"{_NAME}.{os.getpid()}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(Keyring.generate())
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
    return path.read_text("ascii").strip()
