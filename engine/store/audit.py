"""Audit trails in Redis: streams that scripts append to as they change what the events tell of.

Events of passcodes are in the trail that their tenant has in each partition. All others are in two: that of the
tenant or administrator whom they concern, and the journal of the partition, which is the operator's.
"""

from enum import IntEnum
from typing import NamedTuple

from engine.store import keys
from engine.store.keys import Place
from engine.store.runner import Runner
from engine.store.scripts import load

_NOTE = load("audit/note")
_READ = load("audit/read")
_FORGET = load("audit/forget")


class Entry(NamedTuple):
    """What a script appends: to which trail, and how it is to be tended (lua/include/record.lua).

    An empty event is not recorded; then a key of the same partition stands in for the trail.
    """

    trail: bytes
    journal: bytes
    event: str
    most: int
    kept_ms: int

    @property
    def tending(self) -> tuple[str, int, int]:
        """The last three arguments of the scripts that record."""
        return self[2:]


def no_entry(key: bytes) -> Entry:
    return Entry(key, key, "", 0, 0)


class NoteStatus(IntEnum):
    NOTED = 0


class ReadStatus(IntEnum):
    READ = 0
    ENDED = 1


class ForgetStatus(IntEnum):
    FORGOTTEN = 0
    ABSENT = 1


class NoteReply(NamedTuple):
    status: NoteStatus


class ReadReply(NamedTuple):
    status: ReadStatus
    looked: bytes
    entries: bytes


class ForgetReply(NamedTuple):
    status: ForgetStatus


class Sought(NamedTuple):
    """What is looked for in a trail. What is empty is not asked after."""

    kinds: frozenset[str] = frozenset()
    actor: str = ""
    subject: str = ""


class AuditStore:
    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    async def note(self, *, partition: int, kind: str, entry: Entry, concerns: bool) -> NoteReply:
        reply = await self._runner.run(
            _NOTE,
            partition,
            [entry.trail, entry.journal],
            [kind, entry.event, int(concerns), entry.most, entry.kept_ms],
        )
        return NoteReply(NoteStatus(reply[0]))

    async def read(
        self,
        *,
        partition: int,
        trail: bytes,
        is_oldest_first: bool,
        first: str,
        last: str,
        most: int,
        sought: Sought,
    ) -> ReadReply:
        kinds = f" {' '.join(sorted(sought.kinds))} " if sought.kinds else ""
        reply = await self._runner.run(
            _READ,
            partition,
            [trail],
            ["" if is_oldest_first else "REV", first, last, most, kinds, sought.actor, sought.subject],
        )
        return ReadReply(ReadStatus(reply[0]), *reply[1:])

    async def forget(self, *, owner: Place) -> ForgetReply:
        """`owner` has its trail in this partition."""
        reply = await self._runner.run(_FORGET, owner.partition, [keys.audit(owner)], [])
        return ForgetReply(ForgetStatus(reply[0]))
