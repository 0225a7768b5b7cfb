"""`watchword doctor` where Redis is more than one server."""

from pathlib import Path
from typing import Any

from engine.sealing import Keyring
from tests.commands.operators import Operator
from tests.engine.clusters import RedisCluster
from tests.engine.sentinels import SentinelGroup
from tests.engine.servers import server_binaries

OF_EACH = {"latency", "version", "role", "eviction", "memory", "persistence", "clock", "scripts"}


def examine(data_dir: Path, url: str, **environ: str) -> dict[str, dict[str, Any]]:
    keys = {"WATCHWORD_KEYS": Keyring.generate()}
    operator = Operator(data_dir, WATCHWORD_REDIS_URL=url, **keys | environ)
    report: dict[str, Any] = operator.read_json(operator.types("doctor", "--json"))
    return {check["check"]: check for check in report["checks"]}


def test_every_master_of_a_cluster_is_examined(data_dir: Path) -> None:
    with RedisCluster(server_binaries()[0], masters=3, replicas=0) as cluster:
        found = examine(data_dir, cluster.url)
        masters = [f"127.0.0.1:{node.port}" for node in cluster.masters()]
        cluster.nodes[1].command("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
        worse = examine(data_dir, cluster.url)
    assert found["redis"]["verdict"] == "ok"
    assert {f"{name} {master}" for name in OF_EACH for master in masters} <= found.keys()
    assert {check["verdict"] for check in found.values()} == {"ok", "warn"}  # there is no append-only file
    assert found["deployment"]["found"].startswith("not started yet")
    assert [name for name, check in worse.items() if check["verdict"] == "fail"] == [f"eviction {masters[1]}"]


def test_the_primary_that_sentinels_know_is_examined_and_its_replicas_are_counted(data_dir: Path) -> None:
    with SentinelGroup(server_binaries()[0], replicas=1, sentinels=1) as group:
        url = group.url_of_user().replace("watchword:pass%20word%2F%25%3A%40@", "")
        found = examine(data_dir, url)
        verdicts = {
            wanted: examine(data_dir, url, WATCHWORD_DURABILITY=f"replicas:{wanted}")["replicas"]["verdict"]
            for wanted in (1, 2)
        }
    assert found.keys() > OF_EACH
    assert found["role"]["found"] == "primary"
    assert "replicas" not in found
    assert verdicts == {1: "warn", 2: "fail"}


def test_sentinels_that_know_no_primary_are_told_of(data_dir: Path) -> None:
    found = examine(data_dir, "redis+sentinel://127.0.0.1:1/passcodes")
    assert found["redis"]["verdict"] == "fail"
    assert "no Sentinel knows a primary of passcodes" in found["redis"]["found"]
