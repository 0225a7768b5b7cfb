"""Files that the workers of one parent share their metrics through.

prometheus_client names a process's files by its pid and never removes them, so there would be more with every
worker that is replaced. Here a worker takes the lowest number that no living worker has, and its successor takes
the number over and counts on where the files end. So there are no more files than there were workers at one time,
no total goes back when a worker dies, and nothing has to be merged while somebody reads it.

The kernel tells who lives: a worker holds a lock on its number until it ends, however it ends.
"""

import fcntl
import os
from itertools import count
from pathlib import Path

from prometheus_client import multiprocess, values

_LOCK_SUFFIX = ".lock"


def share(directory: Path) -> int:
    """Keep the metrics that this process makes from now on in files of a number that is its own until it ends."""
    number = next(number for number in count() if _take(directory, number) is not None)
    _forget_live(directory, number)
    # How prometheus_client is told of numbers that are not pids; its manual does so for uWSGI's workers.
    values.ValueClass = values.MultiProcessValue(process_identifier=lambda: number)
    return number


def shared_files(directory: Path) -> list[str]:
    """The files to read: those of living workers, and the totals that dead ones have left."""
    for lock in directory.glob(f"*{_LOCK_SUFFIX}"):
        number = int(lock.stem)
        file = _take(directory, number)
        if file is not None:  # its holder has died
            _forget_live(directory, number)
            os.close(file)
    return [entry.path for entry in os.scandir(directory) if entry.name.endswith(".db") and _is_begun(entry)]


def _take(directory: Path, number: int) -> int | None:
    """Lock a number until the returned file is closed; None if somebody has it."""
    file = os.open(directory / f"{number}{_LOCK_SUFFIX}", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        return None
    return file


def _forget_live(directory: Path, number: int) -> None:
    """What a dead worker was busy with is nothing now; its totals stay."""
    multiprocess.mark_process_dead(number, str(directory))


def _is_begun(entry: "os.DirEntry[str]") -> bool:
    """Whether a file is more than a name: prometheus_client cannot read one that was made this very moment."""
    try:
        return entry.stat().st_size > 0
    except FileNotFoundError:
        return False
