"""Somebody who types commands, and what they may leave behind."""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import psutil
import redis
from click.testing import CliRunner, Result

from engine.assembly import Engine
from engine.errors import Unauthenticated
from engine.ids import TenantId
from watchword.cli import main
from watchword.commands.session import run
from watchword.settings import Settings

T = TypeVar("T")

UNKNOWN = TenantId("00000000-0000-4000-8000-000000000000")


class Operator:
    """Somebody who types commands."""

    def __init__(self, data_dir: Path, **environ: str) -> None:
        self.data_dir = data_dir
        self._environ = {"WATCHWORD_DATA_DIR": str(data_dir), **environ}

    def types(self, *words: str, then: str | None = None) -> Result:
        result = CliRunner().invoke(main, words, env=self._environ, input=then)
        assert isinstance(result.exception, SystemExit | None), result.exception
        return result

    def reads(self, *words: str) -> str:
        """What a command that succeeds says."""
        result = self.types(*words)
        assert (result.exit_code, result.stderr) == (0, "")
        return result.stdout

    def gets(self, *words: str) -> Any:  # noqa: ANN401  # whatever JSON says
        """The one value that a command answers with --json."""
        result = self.types(*words, "--json")
        assert (result.exit_code, result.stderr) == (0, "")
        return self.read_json(result)

    def read_json(self, result: Result) -> Any:  # noqa: ANN401
        assert result.stdout.count("\n") == 1
        return json.loads(result.stdout)

    def is_refused(self, *words: str, exit_code: int = 1) -> str:
        """Why; nothing is said on standard output, and nothing that looks like a traceback."""
        result = self.types(*words)
        assert (result.exit_code, result.stdout) == (exit_code, "")
        assert "Error: " in result.stderr
        assert "Traceback" not in result.stderr
        return result.stderr

    def creates(self, name: str = "Acme") -> TenantId:
        return TenantId(self.gets("tenant", "create", "--name", name, "--active")["tenant_id"])

    def asks_engine(self, work: Callable[[Engine], Awaitable[T]]) -> T:
        return run(Settings(data_dir=self.data_dir), work)


async def is_good(engine: Engine, api_key: str) -> bool:
    try:
        await engine.api_keys.authenticate(api_key)
    except Unauthenticated:
        return False
    return True


def processes_of(data_dir: Path) -> list[str]:
    """Every process that has a data directory on its command line, except those waiting to be reaped."""
    lines: list[str] = []
    for process in psutil.process_iter(["cmdline"]):
        line = " ".join(cast("dict[str, list[str] | None]", process.info)["cmdline"] or ())
        if str(data_dir) in line:
            lines.append(line)
    return lines


def command(url: str, *words: str) -> object:
    with redis.Redis.from_url(url) as client:
        return cast("object", client.execute_command(*words))
