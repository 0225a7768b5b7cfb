"""A Redis as a running server has it, and an operator beside it."""

import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.commands.operators import Operator, command, processes_of
from watchword.embedded import EmbeddedRedis, running_url
from watchword.settings import PREFIX

if TYPE_CHECKING:
    from collections.abc import Generator

    from engine.ids import TenantId


@pytest.fixture(autouse=True)
def _no_settings_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith(PREFIX):
            monkeypatch.delenv(name)


@contextmanager
def short_directory() -> "Generator[Path]":
    """A short path, which a unix socket needs; nothing runs on it afterwards."""
    path = Path(tempfile.mkdtemp(prefix="ww-", dir="/tmp"))
    yield path
    assert processes_of(path) == []
    shutil.rmtree(path)


@pytest.fixture
def data_dir() -> "Generator[Path]":
    with short_directory() as path:
        yield path


@pytest.fixture
def running(data_dir: Path) -> "Generator[EmbeddedRedis]":
    """The Redis of a running server, for tests that do something to it."""
    with EmbeddedRedis(data_dir) as server:
        yield server


@pytest.fixture(scope="session")
def shared() -> "Generator[Operator]":
    """An operator beside one Redis for all tests that need no other."""
    with short_directory() as path, EmbeddedRedis(path):
        yield Operator(path)


@pytest.fixture
def operator(shared: Operator) -> "Generator[Operator]":
    yield shared
    url = running_url(shared.data_dir)
    assert url is not None
    command(url, "FLUSHALL")


@pytest.fixture
def tenant(operator: Operator) -> "TenantId":
    return operator.creates()
