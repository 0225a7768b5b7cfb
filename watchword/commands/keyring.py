"""`watchword keys`: the keys that what must be read back is sealed with. Rotation is in docs/operations.md."""

import re
import sys
import time
from collections import Counter
from collections.abc import Iterable

import click
import msgspec

from engine.assembly import Engine
from engine.keyholders import Known
from engine.resealing import LONGEST_TEMPORARY_MS, Kind, Tally
from engine.sealing import Keyring
from watchword.commands.output import answer, json_option, table, timestamp
from watchword.commands.session import pass_settings, plain_refusals, redis_of, run
from watchword.keyfile import replace_kept_keys
from watchword.settings import Settings

_HEADER = ("KEY", "SEALED LAST", *(kind.upper() for kind in Kind), "")
_NUMBERED = re.compile(r"k(\d{1,6})")
_TELL_SECONDS = 1.0


class Rotation(msgspec.Struct):
    """What to set; empty where it is set already. `lacking` are processes to be restarted before the next step."""

    step: str
    key_id: str
    keys: str
    lacking: tuple[str, ...] = ()


class Line(msgspec.Struct):
    """A key. `values` counts by kind what is sealed with it for good."""

    key_id: str
    in_ring: bool
    seals: bool
    values: dict[str, int]
    sealed_last_at: str | None
    can_be_dropped: bool
    found: str


class Process(msgspec.Struct):
    name: str
    key_ids: tuple[str, ...]


class Status(msgspec.Struct):
    keys: list[Line]
    processes: list[Process]


class Resealed(msgspec.Struct):
    """Values by kind. `complete` = there is nothing left but what is lost."""

    resealed: dict[str, int]
    passed_by: dict[str, int]
    lost: dict[str, int]
    complete: bool


@click.group("keys")
def keyring() -> None:
    """Rotate the sealing keys, WATCHWORD_KEYS.

    Not to be mixed up with API keys: these are `watchword key`.
    """


@keyring.command("rotate")
@json_option
@pass_settings
def rotate(settings: Settings, *, as_json: bool) -> None:
    """Say what to set next. It takes two steps, and two calls: first all can read the new key, then it seals.

    Where the keys are in the data directory, the file is rewritten, and it is one step.
    """
    is_kept_in_file = settings.redis_url is None and settings.keys is None
    with plain_refusals(), redis_of(settings) as complete:
        known = run(complete, lambda engine: engine.keyholders.read())
        ring = [entry.strip() for entry in (complete.keys or "").split(",")]
        if is_kept_in_file:
            rotation = _in_one_step(ring, known)
            replace_kept_keys(settings.data_dir, rotation.keys)
            rotation.keys = ""  # they are where they belong
        else:
            rotation = _next_step(ring, known)
    answer(rotation, _told(rotation), as_json=as_json)
    if rotation.lacking:
        sys.exit(1)


@keyring.command("status")
@json_option
@pass_settings
def status(settings: Settings, *, as_json: bool) -> None:
    """Show the keys, and which can be dropped.

    With how much each has sealed for good, when it sealed last, and what running processes have.
    """

    async def work(engine: Engine) -> tuple[Known, dict[str, Counter[Kind]]]:
        return await engine.keyholders.read(), await engine.resealing.count()

    with plain_refusals(), redis_of(settings) as complete:
        known, counts = run(complete, work)
        ring = Keyring.parse(complete.keys or "")
    ids = dict.fromkeys((*ring.ids, *known.keys, *counts))
    lines = [_line(key_id, ring, known, counts.get(key_id, Counter())) for key_id in ids]
    processes = [Process(holder.name, holder.ids) for holder in known.holders]
    answer(Status(lines, processes), _pictured(lines, processes), as_json=as_json)


@keyring.command("reseal")
@click.option("--most", type=click.IntRange(min=1), metavar="N", help="Stop after so many; the next run goes on.")
@json_option
@pass_settings
def reseal(settings: Settings, *, most: int | None, as_json: bool) -> None:
    """Move what is sealed for good to the key that seals.

    Edges may serve meanwhile. Interrupted, it can be run again. It ends with 1 if something could not be opened.
    """
    progress = _Progress()
    tally = run(settings, lambda engine: engine.resealing.reseal(most=most, tell=progress.tell))
    told = Resealed(_counts(tally.done), _counts(tally.current), _counts(tally.lost), tally.is_complete)
    lines = [f"resealed {tally.done.total()}, and passed {tally.current.total()} by that had been"]
    if tally.lost:
        lines.append(f"LOST: {tally.lost.total()} are sealed with keys that are not here: `watchword keys status`")
    if not tally.is_complete:
        lines.append("there is more: run it again")
    answer(told, "\n".join(lines), as_json=as_json)
    if tally.lost:
        sys.exit(1)


class _Progress:
    """Tells of a long run, on standard error, once a second."""

    def __init__(self) -> None:
        self._told = time.monotonic()

    def tell(self, tally: Tally) -> None:
        if time.monotonic() - self._told > _TELL_SECONDS:
            self._told = time.monotonic()
            click.echo(f"resealed {tally.done.total()}, passed {tally.current.total()} by", err=True)


def _in_one_step(ring: list[str], known: Known) -> Rotation:
    key_id = _next_id(ring, known)
    return Rotation("file", key_id, ",".join([Keyring.generate(key_id), *ring]))


def _next_step(ring: list[str], known: Known) -> Rotation:
    """A key that has never sealed is to be first, if all have it; if there is none, one is made, to be last."""
    for entry in ring[1:]:
        key_id = _id(entry)
        if key_id in known.keys and not known.keys[key_id].sealed_ms:
            lacking = tuple(holder.name for holder in known.holders if key_id not in holder.ids)
            others = [other for other in ring if other != entry]
            keys = [*others, entry] if lacking else [entry, *others]
            return Rotation("1 of 2" if lacking else "2 of 2", key_id, ",".join(keys), lacking)
    key_id = _next_id(ring, known)
    return Rotation("1 of 2", key_id, ",".join([*ring, Keyring.generate(key_id)]))


def _next_id(ring: Iterable[str], known: Known) -> str:
    """An id that was never used here: under an old one nobody could tell the new key from it."""
    used = {*map(_id, ring), *known.keys}
    return f"k{max((int(match[1]) for key_id in used if (match := _NUMBERED.fullmatch(key_id))), default=0) + 1}"


def _id(entry: str) -> str:
    return entry.partition(":")[0]


def _told(rotation: Rotation) -> str:
    if rotation.step == "file":
        return (
            f"{rotation.key_id} is new, and first in the key file of the data directory.\n\n"
            "If `watchword serve` runs, or `watchword courier`, stop both and start them again. SIGHUP is not\n"
            "enough, and other commands are refused until then. After that run `watchword keys reseal`.\n"
            "Keep a copy of the file."
        )
    if rotation.lacking:
        return (
            f"Step 1 of 2 is not over: {rotation.key_id} is not known yet to\n"
            + "".join(f"  {name}\n" for name in rotation.lacking)
            + f"\nSet this there, and restart it:\n\nWATCHWORD_KEYS={rotation.keys}"
        )
    meaning, then = {
        "1 of 2": (
            f"all learn to read the new key {rotation.key_id}, which is last and seals nothing yet",
            "Keep a copy. Then run `watchword keys rotate` again, with the same setting: it has step 2.",
        ),
        "2 of 2": (
            f"{rotation.key_id} is first and seals",
            "Then run `watchword keys reseal`, and `watchword keys status` to see when an old key can be dropped.",
        ),
    }[rotation.step]
    return (
        f"Step {rotation.step}: {meaning}. Set this for every edge, courier and operator,\n"
        f"and restart them one after the other:\n\nWATCHWORD_KEYS={rotation.keys}\n\n{then}"
    )


def _line(key_id: str, ring: Keyring, known: Known, values: Counter[Kind]) -> Line:
    key = known.keys.get(key_id)
    sealed_ms = key.sealed_ms if key else 0
    busy = [holder.name for holder in known.holders if holder.ids[0] == key_id]
    in_ring, seals = key_id in ring.ids, key_id == ring.first
    free_ms = sealed_ms + LONGEST_TEMPORARY_MS
    can_be_dropped = False
    if not key_id:
        found = "no seals: whatever wrote them was not Watchword"
    elif seals:
        found = "seals"
    elif values and not in_ring:
        found = "LOST: not in WATCHWORD_KEYS, and nothing opens these values"
    elif busy:
        found = f"still seals, on {', '.join(busy)}"
    elif values:
        found = "to be resealed: `watchword keys reseal`"
    elif in_ring and not sealed_ms:
        found = "new, seals nothing yet: `watchword keys rotate` has the next step"
    elif known.now_ms < free_ms:
        found = f"needed for passcodes and challenges until {timestamp(free_ms // 1000)}"
    else:
        found = "can be dropped" if in_ring else "dropped"
        can_be_dropped = in_ring
    sealed_last = timestamp(sealed_ms // 1000) if sealed_ms else None
    return Line(key_id, in_ring, seals, _counts(values), sealed_last, can_be_dropped, found)


def _pictured(lines: list[Line], processes: list[Process]) -> str:
    rows = [
        (
            line.key_id or "?",
            line.sealed_last_at or "never",
            *(str(line.values.get(kind, 0)) for kind in Kind),
            line.found,
        )
        for line in lines
    ]
    having = Counter(",".join(process.key_ids) for process in processes)
    running = [f"{number} running with {ids}" for ids, number in having.items()] or ["none running"]
    return table(_HEADER, rows) + "\n\n" + "\n".join(running)


def _counts(counter: Counter[Kind]) -> dict[str, int]:
    return {kind.value: number for kind, number in counter.items()}
