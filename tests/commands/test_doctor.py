"""`watchword doctor`."""

import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from engine.sealing import Keyring
from engine.store.keys import DEPLOYMENT
from tests.commands.operators import Operator, command
from watchword.commands import checks
from watchword.commands.checks import Check, Verdict
from watchword.embedded import EmbeddedRedis

OF_REDIS = ["latency", "version", "role", "eviction", "memory", "persistence", "clock", "scripts", "deployment"]
PASSWORD = "hunter2"


@pytest.fixture
def operator(running: EmbeddedRedis, data_dir: Path) -> Operator:
    """Beside a Redis of the test's own."""
    del running  # it runs
    return Operator(data_dir)


def examine(operator: Operator) -> dict[str, dict[str, Any]]:
    """The checks by name; the exit code tells whether any of them failed."""
    result = operator.types("doctor", "--json")
    report: dict[str, Any] = operator.read_json(result)
    healthy = all(check["verdict"] != "fail" for check in report["checks"])
    assert report["healthy"] is healthy
    assert result.exit_code == (0 if healthy else 1)
    return {check["check"]: check for check in report["checks"]}


def on_url(data_dir: Path, url: str, **environ: str) -> Operator:
    keys = {"WATCHWORD_KEYS": Keyring.generate()}
    return Operator(data_dir, WATCHWORD_REDIS_URL=url, **keys | environ)


# In order


def test_all_is_well_beside_a_running_server(operator: Operator, running: EmbeddedRedis) -> None:
    operator.creates()
    found = examine(operator)
    assert list(found) == ["settings", "redis", *OF_REDIS]
    assert {check["verdict"] for check in found.values()} == {"ok"}
    assert {check["to_do"] for check in found.values()} == {None}
    assert found["redis"]["found"] == running.url
    assert found["persistence"]["found"] == "append-only file, fsync everysec"
    assert found["deployment"]["found"] == "64 partitions, and the keys open it"


def test_people_read_a_line_for_each_check(operator: Operator) -> None:
    lines = operator.reads("doctor").splitlines()
    assert [line.split()[:2] for line in lines] == [["ok", name] for name in ("settings", "redis", *OF_REDIS)]


def test_a_server_is_started_for_the_examination_and_no_deployment_with_it(data_dir: Path) -> None:
    found = examine(Operator(data_dir))
    assert found["redis"]["found"].endswith("started for this check")
    assert found["deployment"]["found"].startswith("not started yet")
    with EmbeddedRedis(data_dir) as server:
        assert command(server.url, "DBSIZE") == 0


# Settings


def test_a_setting_that_cannot_be_read_is_all_there_is_to_say(data_dir: Path) -> None:
    found = examine(Operator(data_dir, WATCHWORD_PORT="many"))
    assert list(found) == ["settings"]
    assert "WATCHWORD_PORT" in found["settings"]["found"]


def test_a_data_directory_that_cannot_be_used_is_a_failure(data_dir: Path) -> None:
    found = examine(Operator(data_dir / ("x" * 100)))
    assert "shorter path" in found["redis"]["found"]


def test_settings_are_told_by_name_and_not_by_value(operator: Operator, running: EmbeddedRedis) -> None:
    command(running.url, "CONFIG", "SET", "requirepass", PASSWORD)
    path = running.url.removeprefix("unix://")
    result = on_url(operator.data_dir, f"unix://:{PASSWORD}@{path}", WATCHWORD_LOG_LEVEL="info").types("doctor")
    assert result.exit_code == 0
    assert "WATCHWORD_KEYS, WATCHWORD_LOG_LEVEL, WATCHWORD_REDIS_URL" in result.stdout
    assert PASSWORD not in result.output


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate and its key in one file."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl")
    path = tmp_path / "both.pem"
    make = (
        f"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost -keyout {path}"
    )
    made = subprocess.run(make.split(), capture_output=True, check=True)
    path.write_bytes(path.read_bytes() + made.stdout)
    return path


def test_a_certificate_and_its_key_fit_or_not(operator: Operator, certificate: Path, tmp_path: Path) -> None:
    fits = {"WATCHWORD_TLS_CERT": str(certificate), "WATCHWORD_TLS_KEY": str(certificate)}
    assert examine(Operator(operator.data_dir, **fits))["tls"]["verdict"] == "ok"
    for wrong in ({"WATCHWORD_TLS_KEY": ""}, {"WATCHWORD_TLS_KEY": str(tmp_path / "none.pem")}):
        assert examine(Operator(operator.data_dir, **fits | wrong))["tls"]["verdict"] == "fail"


# Redis


@pytest.mark.parametrize("url", [f"redis://:{PASSWORD}@127.0.0.1:1/0", f"redis://:{PASSWORD}@127.0.0.1:port"])
def test_a_redis_that_does_not_answer_is_a_failure_without_its_password(data_dir: Path, url: str) -> None:
    operator = on_url(data_dir, url)
    found = examine(operator)
    assert list(found) == ["settings", "redis"]
    assert "WATCHWORD_REDIS_URL" in found["redis"]["to_do"]
    assert PASSWORD not in operator.types("doctor").output


def test_a_wrong_password_is_a_failure_without_it(operator: Operator, running: EmbeddedRedis) -> None:
    path = running.url.removeprefix("unix://")
    found = examine(on_url(operator.data_dir, f"unix://somebody:{PASSWORD}@{path}"))
    assert found["redis"]["verdict"] == "fail"
    assert PASSWORD not in str(found)


@pytest.mark.parametrize(
    ("config", "check", "verdict"),
    [
        (("maxmemory-policy", "allkeys-lru"), "eviction", "fail"),
        (("maxmemory", "1gb"), "memory", "ok"),
        (("appendonly", "no"), "persistence", "warn"),
        (("appendfsync", "no"), "persistence", "warn"),
        (("appendfsync", "always"), "persistence", "ok"),
    ],
)
def test_what_redis_is_set_to_is_looked_at(
    operator: Operator, running: EmbeddedRedis, config: tuple[str, str], check: str, verdict: str
) -> None:
    command(running.url, "CONFIG", "SET", *config)
    found = examine(operator)[check]
    assert found["verdict"] == verdict
    assert (found["to_do"] is None) is (verdict == "ok")


def test_a_replica_is_a_failure(operator: Operator, running: EmbeddedRedis) -> None:
    command(running.url, "REPLICAOF", "127.0.0.1", "1")
    assert examine(operator)["role"]["verdict"] == "fail"


def test_what_the_user_may_not_ask_is_to_be_checked_by_hand(operator: Operator, running: EmbeddedRedis) -> None:
    operator.creates()
    forbidden = ("-info", "-config", "-time")
    command(running.url, "ACL", "SETUSER", "edge", "on", f">{PASSWORD}", "~{*}:*", "+@all", *forbidden)
    path = running.url.removeprefix("unix://")
    keys = (operator.data_dir / "keys").read_text()
    found = examine(on_url(operator.data_dir, f"unix://edge:{PASSWORD}@{path}", WATCHWORD_KEYS=keys))
    warned = {name for name, check in found.items() if check["verdict"] == "warn"}
    assert warned == {"version", "role", "eviction", "memory", "persistence", "clock"}
    assert {found[name]["to_do"] for name in warned} == {"Check by hand, or allow it to this user."}


def test_a_user_who_may_load_no_scripts_is_a_failure(operator: Operator, running: EmbeddedRedis) -> None:
    command(running.url, "ACL", "SETUSER", "edge", "on", f">{PASSWORD}", "~other:*", "+@all", "-script")
    path = running.url.removeprefix("unix://")
    found = examine(on_url(operator.data_dir, f"unix://edge:{PASSWORD}@{path}"))
    assert found["scripts"]["verdict"] == "fail"
    assert found["deployment"]["verdict"] == "warn"


# The deployment


def test_another_number_of_partitions_is_a_failure_that_names_the_right_one(operator: Operator) -> None:
    operator.creates()
    found = examine(Operator(operator.data_dir, WATCHWORD_PARTITIONS="16"))["deployment"]
    assert found["verdict"] == "fail"
    assert "WATCHWORD_PARTITIONS=64" in found["found"]


def test_keys_that_open_nothing_are_a_failure(operator: Operator, running: EmbeddedRedis) -> None:
    operator.creates()
    found = examine(on_url(operator.data_dir, running.url))["deployment"]
    assert found["verdict"] == "fail"
    assert "WATCHWORD_KEYS" in found["found"]


def test_a_redis_url_without_keys_is_a_failure(operator: Operator, running: EmbeddedRedis) -> None:
    found = examine(on_url(operator.data_dir, running.url, WATCHWORD_KEYS=""))["deployment"]
    assert found["verdict"] == "fail"
    assert command(running.url, "EXISTS", DEPLOYMENT.decode()) == 0


# What no server here can be made to say


@pytest.mark.parametrize(
    ("look", "facts", "verdict"),
    [
        (checks.version, {"redis_version": "6.2.14"}, Verdict.FAIL),
        (checks.version, {"redis_version": "7.0.0"}, Verdict.OK),
        (checks.version, {"redis_version": "7.2.4", "valkey_version": "7.2.9"}, Verdict.FAIL),
        (checks.version, {"redis_version": "7.2.4", "valkey_version": "8.0.0-rc1"}, Verdict.OK),
        (checks.memory, {"used_memory": 80, "maxmemory": 100}, Verdict.WARN),
        (checks.memory, {"used_memory": 95, "maxmemory": 100}, Verdict.FAIL),
        (checks.memory, {"used_memory": 79, "maxmemory": 100}, Verdict.OK),
        (checks.persistence, {"aof_enabled": 1, "aof_last_write_status": "err"}, Verdict.FAIL),
    ],
)
def test_a_fact_is_judged(look: "checks.Look", facts: checks.Facts, verdict: Verdict) -> None:
    judged = look(facts)
    assert judged.verdict is verdict
    assert (judged.to_do is None) is (verdict is Verdict.OK)


@pytest.mark.parametrize(("apart", "verdict"), [(0.0, "ok"), (0.9, "ok"), (-1.5, "warn"), (1.5, "warn")])
def test_clocks_that_are_a_second_apart_are_a_warning(apart: float, verdict: str) -> None:
    host = time.time()
    redis = host + apart
    judged: Check = checks.clock((int(redis), int(redis % 1 * 1_000_000)), host)
    assert judged.verdict == verdict
