"""A real Redis as a child process, for a deployment that brings none of its own.

The server listens on a unix socket in the data directory and nowhere else. Whoever holds the lock of the
directory owns it. A server may outlive an owner that was killed: the next owner ends it and starts its own.
"""

import errno
import fcntl
import json
import logging
import os
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Self
from urllib.parse import quote

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from watchword.servers import EmbeddedError, ServerBinary, find_server

if TYPE_CHECKING:
    from collections.abc import Generator

# sun_path holds 108 bytes on Linux, 104 on the BSDs and macOS; the last one is NUL.
SOCKET_PATH_BYTES = 107 if sys.platform == "linux" else 103

START_SECONDS = 10
LOAD_SECONDS = 600
STOP_SECONDS = 10
PING_SECONDS = 1
# A command holds the directory for a moment only.
LOCK_SECONDS = 2
POLL_SECONDS = 0.01

# A server that died is started again at once; one that dies again and again, after growing pauses.
HEALTHY_SECONDS = 10
FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 5

CONFIG = """\
port 0
unixsocket {socket}
unixsocketperm 700
dir {directory}
daemonize no
save ""
appendonly yes
appendfsync everysec
no-appendfsync-on-rewrite no
maxmemory-policy noeviction
"""

logger = logging.getLogger("watchword.embedded")


def socket_path(data_dir: Path) -> Path:
    """Return where the server of this directory listens."""
    path = data_dir.absolute() / "redis.sock"
    if len(os.fsencode(path)) > SOCKET_PATH_BYTES:
        raise EmbeddedError(
            f"{path} is longer than the {SOCKET_PATH_BYTES} bytes that a unix socket's path may have: "
            "choose a data directory with a shorter path"
        )
    return path


def running_url(data_dir: Path) -> str | None:
    """Return the URL of the server of this directory, None while none answers or it still loads."""
    path = socket_path(data_dir)
    try:
        _call(path, "PING", timeout=PING_SECONDS)
    except redis.RedisError:
        return None
    return _url(path)


@contextmanager
def redis_for(data_dir: Path) -> "Generator[str]":
    """Lend an operator command the running server, or one that is started for the moment."""
    if url := running_url(data_dir):
        yield url
        return
    with EmbeddedRedis(data_dir) as server:
        yield server.url


class EmbeddedRedis:
    """The server of one data directory, kept alive from start() to stop()."""

    def __init__(self, data_dir: Path, *, binary: ServerBinary | None = None) -> None:
        self._data_dir = data_dir.absolute()
        self._socket = socket_path(data_dir)
        self._log = self._data_dir / "redis.log"
        self._binary = binary or find_server()
        self._lock: int | None = None
        self._watcher: threading.Thread | None = None
        # Held to launch and to begin a stop: nothing is launched once a stop has begun.
        self._guard = threading.Lock()
        self._stopping = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return _url(self._socket)

    @property
    def pid(self) -> int:
        if self._process is None:
            raise EmbeddedError(f"no Redis runs in {self._data_dir}: start() it first")
        return self._process.pid

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Take the directory and return when its data is served."""
        try:
            self._data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = _lock(self._data_dir)
            with ExitStack() as undo:
                undo.callback(self.stop)
                _end_orphan(self._socket)
                self._begin()
                undo.pop_all()
        except OSError as error:
            raise EmbeddedError(f"cannot run {self._binary.path} in {self._data_dir}: {error}") from error

    def stop(self) -> None:
        """End the server once it has written everything, and give the directory back."""
        with self._guard:
            self._stopping.set()
            process, self._process = self._process, None
        if process:
            _end(process)
        if self._watcher:
            self._watcher.join()
            self._watcher = None
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _begin(self) -> None:
        with self._guard:
            self._stopping.clear()
            process = self._process = self._launch()
        self._wait_until_ready(process)
        self._watcher = threading.Thread(target=self._watch, args=(process,), name="embedded-redis", daemon=True)
        self._watcher.start()

    def _launch(self) -> subprocess.Popen[bytes]:
        config = self._data_dir / "redis.conf"
        for private in (config, self._log):
            private.touch(mode=0o600)
        config.write_bytes(
            os.fsencode(CONFIG.format(socket=_quoted(self._socket), directory=_quoted(self._data_dir)))
        )
        with self._log.open("ab") as log:
            return subprocess.Popen(
                [self._binary.path, config],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=_environment(),
                umask=0o077,
                # Ctrl-C in the terminal must not reach Redis before the edge has drained.
                start_new_session=True,
            )

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        started = time.monotonic()
        while not running_url(self._data_dir):
            # A server listens before it has loaded its data, which may be much.
            patience = LOAD_SECONDS if _listens(self._socket) else START_SECONDS
            if time.monotonic() - started > patience:
                raise EmbeddedError(f"Redis does not serve its data after {patience} s: see {self._log}")
            with suppress(subprocess.TimeoutExpired):
                status = process.wait(timeout=POLL_SECONDS)
                last_words = "\n".join(self._log.read_text(errors="replace").splitlines()[-5:])
                raise EmbeddedError(f"{self._binary.path} ended with status {status}, saying:\n{last_words}")

    def _watch(self, process: subprocess.Popen[bytes]) -> None:
        pause = 0.0
        while True:
            born = time.monotonic()
            status = process.wait()
            if self._stopping.is_set():
                return
            logger.error("Redis (pid %d) ended with status %d: starting it again", process.pid, status)
            if time.monotonic() - born > HEALTHY_SECONDS:
                pause = 0.0
            if self._stopping.wait(pause):
                return
            pause = min(pause * 2 or FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS)
            process = self._relaunch() or process

    def _relaunch(self) -> subprocess.Popen[bytes] | None:
        with self._guard:
            if self._stopping.is_set():
                return None
            try:
                self._process = self._launch()
            except OSError:
                logger.exception("cannot start %s", self._binary.path)
                return None
            return self._process


def _environment() -> dict[str, str]:
    # Our settings hold secrets. And Redis 7.2 refuses to start in a locale that the machine does not have.
    ours_left_out = {name: value for name, value in os.environ.items() if not name.startswith("WATCHWORD_")}
    return ours_left_out | {"LC_ALL": "C"}


def _quoted(path: Path) -> str:
    # redis.conf reads the escapes of a JSON string: \\, \" and \n.
    return json.dumps(str(path), ensure_ascii=False)


def _url(path: Path) -> str:
    return f"unix://{quote(os.fsencode(path))}"


def _call(path: Path, command: str, *, timeout: float) -> None:
    with redis.Redis(unix_socket_path=str(path), socket_timeout=timeout, retry=Retry(NoBackoff(), 0)) as client:
        client.execute_command(command)


def _lock(data_dir: Path) -> int:
    """Own the directory for as long as this process lives: the kernel lets go, whatever ends us."""
    descriptor = os.open(data_dir / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    deadline = time.monotonic() + LOCK_SECONDS
    while not _flocked(descriptor):
        if time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
            continue
        owner = os.read(descriptor, 20).decode(errors="replace").strip() or "unknown"
        os.close(descriptor)
        raise EmbeddedError(
            f"another watchword already runs on {data_dir} (pid {owner}): stop it or choose another directory"
        )
    os.ftruncate(descriptor, 0)
    os.write(descriptor, f"{os.getpid()}\n".encode())
    return descriptor


def _flocked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _end_orphan(path: Path) -> None:
    """Let the server of a killed owner write its data and go, and clear its socket away."""
    if _listens(path):
        with suppress(redis.RedisError):
            # Answered by the end of the connection, which is the end of the process.
            _call(path, "SHUTDOWN", timeout=STOP_SECONDS)
        if _listens(path):
            raise EmbeddedError(f"the Redis of an earlier run on {path} does not stop: end it, then start again")
    path.unlink(missing_ok=True)


def _listens(path: Path) -> bool:
    # Not a PING: a server that hangs must not get a second one on its files either.
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(PING_SECONDS)
        return probe.connect_ex(os.fsencode(path)) not in (errno.ENOENT, errno.ECONNREFUSED)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(timeout=STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
