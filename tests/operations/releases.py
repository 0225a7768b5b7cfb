"""A release before this one: the same packages with other scripts, in a folder of their own."""

import shutil
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("edge", "engine", "lua", "watchword")
# What its passcodes lived longer than was said. Harmless, and it shows in Redis which release has stored one.
GRACE_MS = 1000

_SUBMIT = "lua/passcode/submit.lua"
_NOW = "'NX', 'PX', ttl_ms)"
_THEN = f"'NX', 'PX', ttl_ms + {GRACE_MS})"


def release_before(folder: Path) -> Path:
    """Every script has another address than it has here, and one of them does something else."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    for path in (folder / "lua").glob("*/*.lua"):
        if path.parent.name != "include":
            path.write_text(f"{path.read_text('utf-8')}-- the release before\n", "utf-8")
    submit = folder / _SUBMIT
    text = submit.read_text("utf-8")
    assert text.count(_NOW) == 1
    submit.write_text(text.replace(_NOW, _THEN), "utf-8")
    return folder
