"""The program: its help, what it says when it cannot work, and its processes."""

import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import psutil
import pytest

from engine.sealing import Keyring
from engine.store.keys import DEPLOYMENT
from engine.tenants import Tenant
from tests.commands.operators import UNKNOWN, Operator, command, processes_of
from tests.waiting import wait_until
from watchword import options
from watchword.cli import main
from watchword.commands import session
from watchword.embedded import EmbeddedRedis, running_url

if TYPE_CHECKING:
    from collections.abc import Generator

PROGRAM = (sys.executable, "-m", "watchword")
EVERY_COMMAND = (
    ("serve",),
    ("doctor",),
    ("admin", "demote", "ann@example.com"),
    ("admin", "promote", "ann@example.com"),
    ("admin", "reset-password", "ann@example.com"),
    ("agent", "create", "--tenant", UNKNOWN, "ann@example.com"),
    ("agent", "delete", "--tenant", UNKNOWN, "ann@example.com"),
    ("agent", "list", "--tenant", UNKNOWN),
    ("agent", "reset-password", "--tenant", UNKNOWN, "ann@example.com"),
    ("audit", "export"),
    ("audit", "tail"),
    ("callback", "secret", "--tenant", UNKNOWN),
    ("client", "create", "--tenant", UNKNOWN),
    ("client", "list", "--tenant", UNKNOWN),
    ("client", "revoke", "--tenant", UNKNOWN, "a client"),
    ("courier",),
    ("deliveries", "list", "--tenant", UNKNOWN),
    ("deliveries", "replay", "--tenant", UNKNOWN, "--all"),
    ("key", "issue", UNKNOWN, "--name", "dialer"),
    ("key", "list", UNKNOWN),
    ("key", "revoke", UNKNOWN, "0123456789ab"),
    ("keys", "reseal"),
    ("keys", "rotate"),
    ("keys", "status"),
    ("tenant", "activate", UNKNOWN),
    ("tenant", "configure", UNKNOWN, "--length", "8"),
    ("tenant", "create", "--name", "Acme"),
    ("tenant", "delete", UNKNOWN),
    ("tenant", "list"),
    ("tenant", "show", UNKNOWN),
    ("tenant", "suspend", UNKNOWN),
    ("audit", "export"),
    ("audit", "tail", "--no-follow"),
    ("user", "erase", "--tenant", UNKNOWN, "ann"),
)
GROUPS = sorted({words[:1] for words in EVERY_COMMAND if words[1:]})
BUT_DOCTOR = [words for words in EVERY_COMMAND if words != ("doctor",)]


@pytest.fixture
def operator(running: EmbeddedRedis, data_dir: Path) -> Operator:
    """Beside a Redis of the test's own."""
    del running  # it runs
    return Operator(data_dir)


# Help


@pytest.mark.parametrize("words", [(), *GROUPS, *EVERY_COMMAND], ids=" ".join)
def test_help_is_shown_whatever_is_wrong_with_the_settings(data_dir: Path, words: tuple[str, ...]) -> None:
    said = Operator(data_dir, WATCHWORD_UNKNOWN="1").reads(*words, "--help")
    assert said.startswith(f"Usage: main {' '.join(words[:2])}".rstrip())
    assert max(map(len, said.splitlines())) <= 80
    assert "..." not in said.partition("Commands:")[2]


# Refusals


@pytest.mark.parametrize("words", BUT_DOCTOR, ids=" ".join)
def test_an_unknown_setting_is_a_sentence(data_dir: Path, words: tuple[str, ...]) -> None:
    operator = Operator(data_dir, WATCHWORD_UNKNOWN="1")
    assert "unknown setting WATCHWORD_UNKNOWN" in operator.is_refused(*words)
    assert list(data_dir.iterdir()) == []


@pytest.mark.parametrize("words", BUT_DOCTOR, ids=" ".join)
def test_a_data_directory_that_cannot_be_used_is_a_sentence(data_dir: Path, words: tuple[str, ...]) -> None:
    assert "shorter path" in Operator(data_dir / ("x" * 100)).is_refused(*words)


def test_a_file_in_the_way_is_a_sentence(data_dir: Path) -> None:
    (data_dir / "file").touch()
    assert "File exists" in Operator(data_dir / "file").is_refused("tenant", "list")


def test_a_redis_url_without_keys_is_a_sentence(data_dir: Path) -> None:
    operator = Operator(data_dir, WATCHWORD_REDIS_URL="redis://127.0.0.1:1")
    assert "WATCHWORD_REDIS_URL needs WATCHWORD_KEYS" in operator.is_refused("tenant", "list")


def test_every_command_is_tested_here() -> None:
    groups = [command for command in main.commands.values() if isinstance(command, click.Group)]
    grouped = {(group.name, name) for group in groups for name in group.commands}
    single = {(name,) for name, command in main.commands.items() if command not in groups}
    assert {words[:2] for words in EVERY_COMMAND} == grouped | single


def test_a_courier_without_any_redis_is_a_sentence(data_dir: Path) -> None:
    refusal = Operator(data_dir).is_refused("courier")
    assert "set WATCHWORD_REDIS_URL, or start `watchword serve` first" in refusal
    assert list(data_dir.iterdir()) == []
    no_keys = Operator(data_dir, WATCHWORD_REDIS_URL="redis://127.0.0.1:1")
    assert "WATCHWORD_REDIS_URL needs WATCHWORD_KEYS" in no_keys.is_refused("courier")


@pytest.mark.parametrize("words", [("serve", "--port", "0"), ("courier",)], ids=" ".join)
def test_a_redis_that_is_not_there_is_a_sentence_of_what_would_run_for_long(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.setattr(options, "_REDIS_PATIENCE_SECONDS", 0.2)
    url = {"WATCHWORD_REDIS_URL": f"unix://{data_dir}/nobody", "WATCHWORD_KEYS": Keyring.generate()}
    assert "Redis did not answer within 0.2 s" in Operator(data_dir, **url).is_refused(*words)


def test_a_courier_with_other_keys_than_the_deployments_is_a_sentence(
    operator: Operator, running: EmbeddedRedis
) -> None:
    operator.creates()
    other = {"WATCHWORD_REDIS_URL": running.url, "WATCHWORD_KEYS": Keyring.generate()}
    assert "WATCHWORD_KEYS does not open" in Operator(operator.data_dir, **other).is_refused("courier")


@pytest.mark.parametrize("claim_seconds", ["3", "20"])
@pytest.mark.parametrize("words", [("serve", "--port", "0"), ("courier",)], ids=" ".join)
def test_a_claim_that_ends_before_a_receiver_has_had_its_time_is_refused(
    data_dir: Path, words: tuple[str, ...], claim_seconds: str
) -> None:
    settings = {
        "WATCHWORD_COURIER_CLAIM_SECONDS": claim_seconds,
        "WATCHWORD_CALLBACK_TIMEOUT_SECONDS": "10",
    }
    refusal = Operator(data_dir, **settings).is_refused(*words)
    assert "WATCHWORD_COURIER_CLAIM_SECONDS must be more than twice WATCHWORD_CALLBACK_TIMEOUT_SECONDS" in refusal
    assert list(data_dir.iterdir()) == []


def test_settings_that_do_not_fit_the_deployment_are_a_sentence(
    operator: Operator, running: EmbeddedRedis
) -> None:
    operator.creates()
    other = {"WATCHWORD_REDIS_URL": running.url, "WATCHWORD_KEYS": Keyring.generate()}
    assert "WATCHWORD_KEYS does not open" in Operator(operator.data_dir, **other).is_refused("tenant", "list")
    partitions = Operator(operator.data_dir, WATCHWORD_PARTITIONS="16")
    assert "set WATCHWORD_PARTITIONS=64" in partitions.is_refused("tenant", "list")


@pytest.mark.parametrize("listens", [False, True])
def test_a_redis_that_does_not_answer_is_a_sentence_in_time(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch, listens: bool
) -> None:
    monkeypatch.setattr(session, "REDIS_PATIENCE_SECONDS", 0.2)
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(data_dir / "silent"))
        if listens:
            silent.listen()
        url = {"WATCHWORD_REDIS_URL": f"unix://{data_dir}/silent", "WATCHWORD_KEYS": Keyring.generate()}
        refusal = Operator(data_dir, **url).is_refused("tenant", "list")
    assert "Redis did not answer within 0.2 s" in refusal


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        (("CONFIG", "SET", "maxmemory", "1"), "OOM"),
        (("ACL", "SETUSER", "default", "-evalsha"), "NOPERM"),
    ],
)
def test_a_redis_that_refuses_to_work_is_a_sentence_with_its_reason(
    operator: Operator, running: EmbeddedRedis, limits: tuple[str, ...], said: str
) -> None:
    command(running.url, *limits)
    refusal = operator.is_refused("tenant", "create", "--name", "Acme")
    assert said in refusal
    assert "`watchword doctor` tells more" in refusal


def test_a_command_that_redis_never_answers_may_have_been_done(operator: Operator, running: EmbeddedRedis) -> None:
    tenant_id = operator.creates()
    process = psutil.Process(running.pid)

    def stall(tenant: Tenant) -> Tenant:
        process.suspend()
        return tenant

    try:
        with pytest.raises(click.ClickException, match="look before you repeat it"):
            operator.asks_engine(lambda engine: engine.tenants.change(tenant_id, stall))
    finally:
        process.resume()


@pytest.mark.parametrize("half", ["cert", "key"])
def test_a_certificate_without_its_key_is_refused(data_dir: Path, tmp_path: Path, half: str) -> None:
    pem = tmp_path / "half.pem"
    pem.touch()
    by_option = Operator(data_dir).is_refused("serve", f"--tls-{half}", str(pem), exit_code=2)
    by_setting = Operator(data_dir, **{f"WATCHWORD_TLS_{half.upper()}": str(pem)})
    assert "belong together" in by_option
    assert "belong together" in by_setting.is_refused("serve", exit_code=2)
    assert list(data_dir.iterdir()) == []


# Processes


def start(data_dir: Path, *words: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [*PROGRAM, *words],
        env=os.environ | {"WATCHWORD_DATA_DIR": str(data_dir)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def end(process: "subprocess.Popen[str]") -> tuple[int, str, str]:
    with process:
        stdout, stderr = process.communicate(timeout=60)
    return process.returncode, stdout, stderr


def test_a_command_starts_redis_for_the_moment_and_leaves_data_and_no_process(data_dir: Path) -> None:
    code, said, errors = end(start(data_dir, "tenant", "create", "--name", "Acme", "--json"))
    assert (code, errors) == (0, "")
    assert processes_of(data_dir) == []
    (line,) = Operator(data_dir).gets("tenant", "list")
    assert line["tenant_id"] == json.loads(said)["tenant_id"]
    assert processes_of(data_dir) == []


def test_a_refusal_is_said_on_standard_error_and_leaves_no_process(data_dir: Path) -> None:
    code, said, errors = end(start(data_dir, "tenant", "show", UNKNOWN, "--json"))
    assert (code, said) == (1, "")
    assert errors == "Error: No tenant has this id: `watchword tenant list` shows those there are.\n"
    assert processes_of(data_dir) == []


def test_commands_at_once_take_turns_on_a_redis_that_none_of_them_found_running(data_dir: Path) -> None:
    names = [f"Tenant {number}" for number in range(4)]
    ended = [end(process) for process in [start(data_dir, "tenant", "create", "--name", name) for name in names]]
    assert [(code, errors) for code, _, errors in ended] == [(0, "")] * len(names)
    assert sorted(line["name"] for line in Operator(data_dir).gets("tenant", "list")) == names


def test_a_running_redis_is_lent_and_not_ended(operator: Operator, running: EmbeddedRedis) -> None:
    pid = running.pid
    operator.creates()
    assert (running.pid, running_url(operator.data_dir)) == (pid, running.url)
    assert command(running.url, "EXISTS", DEPLOYMENT.decode()) == 1


# Beside a running server


@contextmanager
def serving(data_dir: Path) -> "Generator[HTTPConnection]":
    """A connection to `watchword serve`, which ends in good order."""
    server = start(data_dir, "serve", "--port", "0")
    try:
        wait_until(lambda: ports(server.pid), within=20)
        connection = HTTPConnection("127.0.0.1", ports(server.pid)[0], timeout=20)
        yield connection
        connection.close()
    finally:
        server.send_signal(signal.SIGTERM)
        code, _, errors = end(server)
    assert code == 0, errors


def ports(pid: int) -> list[int]:
    listening = psutil.Process(pid).net_connections(kind="inet")
    return [connection.laddr.port for connection in listening if connection.status == psutil.CONN_LISTEN]


def call(connection: HTTPConnection, method: str, path: str, *, api_key: str = "", body: Any = None) -> int:  # noqa: ANN401
    headers = {"content-type": "application/json", "x-api-key": api_key}
    connection.request(method, path, json.dumps(body) if body is not None else None, headers)
    with connection.getresponse() as response:
        response.read()
        return response.status


def test_what_commands_change_holds_in_the_running_server_at_once(data_dir: Path) -> None:
    operator = Operator(data_dir)
    with serving(data_dir) as edge:
        made = operator.gets("tenant", "create", "--name", "Acme")
        tenant_id, api_key = made["tenant_id"], made["api_key"]
        path = f"/api/v2/{tenant_id}/identity/passcode"

        def submit() -> int:
            return call(edge, "POST", path, body={"pass_key": "12345"})

        def fetch(key: str) -> int:
            return call(edge, "GET", f"{path}/12345", api_key=key)

        assert submit() == 403
        operator.gets("tenant", "activate", tenant_id)
        assert (submit(), fetch(api_key), fetch(api_key)) == (200, 200, 410)
        operator.gets("tenant", "configure", tenant_id, "--pass-key-max-fetches", "2")
        assert (submit(), fetch(api_key), fetch(api_key), fetch(api_key)) == (200, 200, 200, 410)
        issued = operator.gets("key", "issue", tenant_id, "--name", "dialer")
        assert (submit(), fetch(issued["api_key"])) == (200, 200)
        operator.gets("key", "revoke", tenant_id, issued["key_id"])
        assert (fetch(issued["api_key"]), fetch(api_key)) == (401, 200)
        operator.gets("tenant", "suspend", tenant_id)
        assert (submit(), fetch(api_key)) == (403, 403)
        operator.gets("tenant", "delete", tenant_id, "--yes")
        assert fetch(api_key) == 401
        assert operator.gets("doctor")["healthy"] is True
