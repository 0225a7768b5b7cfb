"""What somebody could do who has the edge's Redis password, and what not.

With SCRIPT LOAD and EVALSHA anybody's script can be run, so the user may do on keys of the grammar whatever the
commands of our scripts do. That is its power, and docs/security.md says so. What is tested here is where it ends.
"""

import socket
from typing import TYPE_CHECKING, Any, cast

import pytest
import redis
from redis.backoff import NoBackoff
from redis.exceptions import NoPermissionError, ResponseError
from redis.retry import Retry

from engine.store import scripts
from tests.engine.permissions import PASSWORD, USER
from tests.engine.servers import RedisServer, server_binaries

if TYPE_CHECKING:
    from collections.abc import Generator

OF_SERVERS = [
    "ACL LIST",
    "ACL SETUSER watchword +@all",
    "ACL WHOAMI",
    "BGREWRITEAOF",
    "BGSAVE",
    "CLIENT KILL TYPE normal",
    "CLIENT LIST",
    "CLIENT NO-EVICT on",
    "CLIENT PAUSE 100000",
    "CLIENT UNPAUSE",
    "CONFIG GET requirepass",
    "CONFIG REWRITE",
    "CONFIG SET dir /tmp",
    "CONFIG SET maxmemory-policy allkeys-lru",
    "DEBUG SLEEP 0",
    "FAILOVER",
    "FLUSHALL",
    "FLUSHDB",
    "FUNCTION DUMP",
    "FUNCTION LOAD x",
    "FUNCTION RESTORE x",
    "LATENCY HISTORY command",
    "MEMORY DOCTOR",
    "MIGRATE 127.0.0.1 1 {0}:tenants 0 1",
    "MODULE LOAD /tmp/x.so",
    "MONITOR",
    "PSYNC ? -1",
    "PUBLISH a b",
    "REPLICAOF 127.0.0.1 1",
    "SCRIPT FLUSH",
    "SCRIPT KILL",
    "SHUTDOWN NOSAVE",
    "SLOWLOG GET",
    "SUBSCRIBE a",
    "SWAPDB 0 1",
]
OF_KEYS = [
    "COPY {0}:tenants {0}:copy",
    "DUMP {0}:tenants",
    "EVAL return 0",
    "EVAL_RO return 0",
    "FCALL f 0",
    "GETDEL {0}:tenants",
    "KEYS *",
    "OBJECT ENCODING {0}:tenants",
    "RANDOMKEY",
    "RENAME {0}:tenants {0}:others",
    "RESTORE {0}:x 0 x",
    "SCAN 0",
    "SORT {0}:tenants",
    "UNLINK {0}:tenants",
]
OF_OTHERS = [
    "GET other",
    "SET session:1 x",
    "GET {0}",
    "GET 0:tenants",
    "DEL queue",
    "HSET {0}tenants a b",
    "GET {}",
]


@pytest.fixture(scope="module")
def server() -> "Generator[RedisServer]":
    """Of its own: what is let through by mistake would be the end of another's."""
    with RedisServer(server_binaries()[0]) as server:
        yield server


@pytest.fixture
def thief(server: RedisServer) -> "Generator[redis.Redis]":
    with redis.Redis(unix_socket_path=str(server.socket), username=USER, password=PASSWORD) as client:
        yield client
    server.command("FLUSHALL")


def run(thief: "redis.Redis", text: str, *arguments: str) -> Any:  # noqa: ANN401  # whatever Redis answers
    """A script of the thief's own, by the two commands that an edge has for its scripts."""
    sha = cast("bytes", thief.execute_command("SCRIPT LOAD", text))
    return cast("Any", thief.execute_command("EVALSHA", sha, 0, *arguments))


def refused_in_a_script(thief: "redis.Redis", words: str) -> None:
    with pytest.raises(ResponseError) as refusal:
        run(thief, "return redis.call(unpack(ARGV))", *words.split())
    told = str(refusal.value)
    # By the permissions, or because scripts may not at all.
    assert any(
        said in told for said in ("ACL failure", "not allowed from script", "NOPERM", "Unknown Redis command")
    )


@pytest.mark.parametrize("words", OF_SERVERS + OF_KEYS)
def test_a_command_of_no_script_of_ours_is_refused(thief: "redis.Redis", words: str) -> None:
    with pytest.raises(ResponseError) as refusal:
        thief.execute_command(*words.split())
    # By the permissions; DEBUG and MODULE by the server before it looks at them.
    assert isinstance(refusal.value, NoPermissionError) or "command not allowed" in str(refusal.value)


@pytest.mark.parametrize("words", OF_SERVERS + OF_KEYS)
def test_it_is_refused_to_a_script_as_well(thief: "redis.Redis", words: str) -> None:
    refused_in_a_script(thief, words)


@pytest.mark.parametrize("words", OF_OTHERS)
def test_a_key_outside_of_the_grammar_is_refused_to_a_command_and_to_a_script(
    thief: "redis.Redis", words: str
) -> None:
    with pytest.raises(NoPermissionError):
        thief.execute_command(*words.split())
    refused_in_a_script(thief, words)


@pytest.mark.parametrize(
    "text",
    [
        "return os.execute('true')",
        "return io.open('/etc/passwd')",
        "return require('os')",
        "return loadfile('/etc/passwd')",
        "return dofile('/etc/passwd')",
        "return package.path",
        "return debug.getinfo(1)",
        "return getfenv(0).os.getenv('PATH')",
        "return print('x')",
    ],
)
def test_a_script_has_no_way_out_of_redis(thief: "redis.Redis", text: str) -> None:
    with pytest.raises(ResponseError):
        run(thief, text)


@pytest.mark.parametrize(
    "text",
    [
        "redis = {call = function() return 'taken over' end}",
        "redis.call = function() return 'taken over' end",
        "tonumber = function() return 0 end",
        "math.floor = function() return 0 end",
        "string.rep = nil",
        "getmetatable('').__index = function() return nil end",
        "getmetatable('').__add = function() return 0 end",
        "setmetatable(_G, {__index = function() return 0 end})",
        "_G.clock = function() return 0 end",
        "rawset(_G, 'tonumber', nil)",
    ],
)
def test_a_script_changes_nothing_that_ours_use(server: RedisServer, thief: "redis.Redis", text: str) -> None:
    """Scripts share one interpreter: what one changes there, the next one would meet."""
    with pytest.raises(ResponseError):
        run(thief, text)

    read = scripts.load("tenant/read")
    assert cast("list[Any]", server.admin.eval(read.source, 1, "{0}:tenant:x", ""))[0] == 1
    assert server.admin.eval("return {tonumber('7'), math.floor(1.5), ('x'):rep(2)}", 0) == [7, 1, b"xx"]


def test_it_may_do_what_our_scripts_do_to_whatever_has_a_name_of_ours(thief: "redis.Redis") -> None:
    """A fact, which docs/security.md states: who has this password can forge what is not sealed."""
    assert run(thief, "return redis.call('SET', '{0}:passcode:forged', 'x')") == b"OK"
    assert run(thief, "return redis.call('GET', '{0}:passcode:forged')") == b"x"
    assert run(thief, "return redis.call('DEL', '{0}:passcode:forged')") == 1


def test_it_may_watch_names_as_they_are_written(server: RedisServer) -> None:
    """Another fact: an edge needs CLIENT TRACKING, and no ACL tells its modes apart."""
    with socket.socket(socket.AF_UNIX) as thief:
        thief.settimeout(10)
        thief.connect(str(server.socket))
        thief.sendall(f'HELLO 3 AUTH {USER} "{PASSWORD}"\r\nCLIENT TRACKING ON BCAST\r\n'.encode())
        heard = b""
        while b"+OK\r\n" not in heard:
            heard += thief.recv(65536)
        server.command("SET", "{0}:tenant:whoever", "x", "PX", 1000)
        heard = thief.recv(65536)

    assert b"invalidate" in heard
    assert b"{0}:tenant:whoever" in heard


@pytest.mark.parametrize(("name", "password"), [(USER, "wrong"), (USER, ""), ("nobody", PASSWORD)])
def test_nobody_else_is_let_in(server: RedisServer, name: str, password: str) -> None:
    retry = Retry(NoBackoff(), 0)
    with (
        redis.Redis(unix_socket_path=str(server.socket), username=name, password=password, retry=retry) as client,
        pytest.raises(redis.AuthenticationError),
    ):
        client.ping()
