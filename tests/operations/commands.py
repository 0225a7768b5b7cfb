"""What the documents tell people to type, typed."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

DOCUMENT = Path(__file__).parents[2] / "docs" / "backup.md"

_UNPACKED = Path(sys.prefix, "redis", "usr")
_BLOCK = re.compile(r"^ *```sh\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)


def commands(heading: str) -> list[str]:
    """The blocks of commands in a section of the document, without the sections below it."""
    text = DOCUMENT.read_text("utf-8")
    match = re.search(rf"^#+ {re.escape(heading)}\n(.*?)(?=^#|\Z)", text, re.MULTILINE | re.DOTALL)
    assert match, heading
    return _BLOCK.findall(match[1])


class Shell:
    """Runs commands in a directory, where `redis-cli` stands for one that speaks to a server of the tests."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._redis_cli = _redis_cli()

    def run(self, text: str, *, socket: Path) -> None:
        """`$DIR` is where the server has its files: the directory of its socket. Whatever fails is an error."""
        programs = self._directory / "bin"
        programs.mkdir(exist_ok=True)
        command = programs / "redis-cli"
        command.write_text(f'#!/bin/sh\nexec "{self._redis_cli}" -s "{socket}" "$@"\n')
        command.chmod(0o755)
        libraries = os.pathsep.join(map(str, (_UNPACKED / "lib").glob("*")))
        environment = {
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
            "DIR": str(socket.parent),
            "LD_LIBRARY_PATH": os.environ.get("LD_LIBRARY_PATH", libraries),
        }
        ran = subprocess.run(
            ["/bin/sh", "-euc", text],
            cwd=self._directory,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr


def _redis_cli() -> str:
    """Without it a newcomer's tests are skipped, and those of CI fail."""
    path = shutil.which("redis-cli", path=os.pathsep.join([*os.get_exec_path(), str(_UNPACKED / "bin")]))
    if path is None:
        missing = (
            "there is no redis-cli: install the Debian package redis-tools, or run `make test` where apt-get is"
        )
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    return path
