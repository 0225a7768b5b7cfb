"""A courier beside what serves: what ends it is logged, and ends nothing else."""

from pathlib import Path
from threading import enumerate as threads
from typing import TYPE_CHECKING

from tests.waiting import wait_until
from watchword.courier import courier_beside
from watchword.settings import read_settings

if TYPE_CHECKING:
    import pytest

    from engine.assembly import Options


def test_a_courier_that_ends_by_itself_says_why_and_is_left_quietly(
    engine_options: "Options", tmp_path: Path, caplog: "pytest.LogCaptureFixture"
) -> None:
    settings = read_settings({})
    with courier_beside(settings, engine_options, tmp_path / "missing"):
        wait_until(lambda: "courier" not in [thread.name for thread in threads()])
    assert [record.message for record in caplog.records if record.name == "watchword.courier"] == [
        "the courier ended",
        "the courier had ended before it was told to",
    ]
