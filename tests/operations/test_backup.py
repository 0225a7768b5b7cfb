"""A deployment is backed up, lost and restored by the commands of docs/backup.md: what is there then."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from engine.sealing import Keyring
from tests.edge.apps import App, Factor, new_app
from tests.edge.program import NO_LIMITS, Edge
from tests.edge.tenants import Operator, Tenant
from tests.engine.servers import RedisServer, leaks, server_binaries
from tests.operations.commands import Shell, commands

# Whom a snapshot is sent to need not wait for others who want one: 5 s, by default.
KEPT = ("--appendonly", "yes", "--appendfsync", "everysec", "--repl-diskless-sync-delay", "0")


class Lost(NamedTuple):
    """What was there when the backup was made, what has become of it since, and then everything was lost."""

    keys: str
    tenant: Tenant
    app: App
    factor: Factor
    shown: dict[str, str]
    accepted: str


@contextmanager
def from_snapshot(shell: Shell) -> Generator[RedisServer]:
    """A server that has read it, and writes an append-only file from then on."""
    copying, keeping = commands("From a snapshot")
    server = RedisServer(server_binaries()[0], "--appendonly", "no")
    shell.run(copying, socket=server.socket)
    with server:
        shell.run(keeping, socket=server.socket)
        yield server


@contextmanager
def from_append_only_file(shell: Shell) -> Generator[RedisServer]:
    (unpacking,) = commands("From an append-only file")
    server = RedisServer(server_binaries()[0], *KEPT)
    shell.run(unpacking, socket=server.socket)
    with server:
        yield server


WAYS = {"A snapshot": from_snapshot, "The append-only file": from_append_only_file}


@contextmanager
def edge_on(redis: RedisServer, keys: str) -> Generator[Edge]:
    with Edge(redis, **NO_LIMITS, keys=keys, workers=1, courier="off") as edge:
        yield edge


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    return Shell(tmp_path_factory.mktemp("backups"))


@pytest.fixture(scope="module")
def lost(shell: Shell) -> Lost:
    """A deployment is used, backed up in every way, used further, and gone with its files."""
    keys = Keyring.generate()
    with (
        RedisServer(server_binaries()[0], *KEPT) as redis,
        edge_on(redis, keys) as edge,
        Operator(edge) as operator,
        httpx.Client(base_url=edge.url) as http,
    ):
        tenant = operator.new_tenant(operator.new_admin(), http)
        tenant.configure(pass_key_expires=600)
        app = new_app(operator, tenant)
        factor = app.active_factor()
        shown = {name: tenant.submit(name).json()["data"]["pass_phrase"] for name in ("used", "not yet used")}
        assert tenant.fetch("used").status_code == 200

        for way in WAYS:
            (backing_up,) = commands(way)
            shell.run(backing_up, socket=redis.socket)

        assert tenant.fetch("not yet used").status_code == 200
        assert tenant.submit("not yet there").status_code == 200
        accepted = factor.code()
        assert app.answer(app.challenge(factor), accepted).json()["status"] == "VERIFIED"
        operator.replace_api_key(tenant)
        assert tenant.fetch("not yet there").status_code == 401
        return Lost(keys, tenant, app, factor, shown, accepted)


@pytest.mark.parametrize("way", WAYS)
def test_a_deployment_is_restored_to_the_moment_of_its_backup(shell: Shell, lost: Lost, way: str) -> None:
    """What was undone by that is what docs/backup.md says; and passcodes are removed as it says."""
    with (
        WAYS[way](shell) as redis,
        edge_on(redis, lost.keys) as edge,
        httpx.Client(base_url=edge.url) as http,
    ):
        tenant, app = lost.tenant.through(http), lost.app.through(http)
        assert tenant.fetch("used").status_code == 410
        assert tenant.fetch("not yet there").status_code == 410
        # Used after the backup, and usable again, by an API key that was revoked after it.
        assert tenant.fetch("not yet used").json()["pass_phrase"] == lost.shown["not yet used"]
        assert tenant.fetch("not yet used").status_code == 410
        # A step that was accepted after the backup is accepted once more, and only once.
        assert app.answer(app.challenge(lost.factor), lost.accepted).json()["status"] == "VERIFIED"
        assert app.answer(app.challenge(lost.factor), lost.accepted).json()["status"] == "FAILED"
        assert not leaks(redis.admin)
        assert redis.admin.config_get("appendonly") == {"appendonly": "yes"}

        first = {"idempotency-key": "first"}
        assert tenant.submit("removed", headers=first).status_code == 200
        (removing,) = commands("Before anybody is let in")
        shell.run(removing, socket=redis.socket)
        assert tenant.fetch("removed").status_code == 410
        assert tenant.submit("removed", headers=first).status_code == 200
        assert tenant.fetch("removed").status_code == 200
        assert app.get(lost.factor.path).json()["status"] == "ACTIVE"


def test_a_restored_snapshot_outlives_the_next_restart(tmp_path: Path) -> None:
    """It is in the append-only file, which is all that Redis reads from then on."""
    shell = Shell(tmp_path)
    with RedisServer(server_binaries()[0], *KEPT) as redis:
        redis.command("SET", "{0}:claim:" + "x" * 22, "here")
        (backing_up,) = commands("A snapshot")
        shell.run(backing_up, socket=redis.socket)
    with from_snapshot(shell) as restored:
        restored.kill()
        with RedisServer(server_binaries()[0], *KEPT, "--dir", str(restored.directory)) as again:
            assert again.command("DBSIZE") == 1
