"""Administrators and their sessions in Redis. A session lives in the partition of its administrator."""

from enum import IntEnum
from typing import NamedTuple

from engine.store import keys
from engine.store.audit import Entry, no_entry
from engine.store.keys import Place
from engine.store.runner import Runner
from engine.store.scripts import load

_CREATE = load("admin/create")
_READ = load("admin/read")
_LIST = load("admin/list")
_SET_PASSWORD = load("admin/set_password")
_CHANGE_PASSWORD = load("admin/change_password")
_OPEN_SESSION = load("session/open")
_READ_SESSION = load("session/read")
_CLOSE_SESSION = load("session/close")


class CreateStatus(IntEnum):
    CREATED = 0
    EXISTS = 1


class ReadStatus(IntEnum):
    FOUND = 0
    UNKNOWN = 1


class ListStatus(IntEnum):
    LISTED = 0


class SetPasswordStatus(IntEnum):
    CHANGED = 0
    UNKNOWN = 1


class ChangePasswordStatus(IntEnum):
    CHANGED = 0
    STALE = 1


class OpenStatus(IntEnum):
    OPENED = 0
    STALE = 1


class SessionStatus(IntEnum):
    ALIVE = 0
    OVER = 1


class CloseStatus(IntEnum):
    CLOSED = 0
    OVER = 1


class CreateReply(NamedTuple):
    status: CreateStatus


class ReadReply(NamedTuple):
    status: ReadStatus
    record: bytes
    password_hash: bytes
    epoch: int


class ListReply(NamedTuple):
    status: ListStatus
    ids: bytes


class SetPasswordReply(NamedTuple):
    status: SetPasswordStatus


class ChangePasswordReply(NamedTuple):
    status: ChangePasswordStatus
    epoch: int


class OpenReply(NamedTuple):
    status: OpenStatus


class SessionReply(NamedTuple):
    status: SessionStatus


class CloseReply(NamedTuple):
    status: CloseStatus


class AdminStore:
    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    async def create(
        self, *, admin: Place, admin_id: str, record: bytes, password_hash: str, entry: Entry | None = None
    ) -> CreateReply:
        """No entry is no event, here and below."""
        key = keys.admin(admin)
        said = entry or no_entry(key)
        reply = await self._runner.run(
            _CREATE,
            admin.partition,
            [key, keys.admins(admin), said.trail, said.journal],
            [admin_id, record, password_hash, *said.tending],
        )
        return CreateReply(CreateStatus(reply[0]))

    async def read(self, *, admin: Place) -> ReadReply:
        reply = await self._runner.run(_READ, admin.partition, [keys.admin(admin)], [])
        return ReadReply(ReadStatus(reply[0]), *reply[1:])

    async def list(self, *, partition: Place) -> ListReply:
        """The ids of one partition's administrators, separated by blanks."""
        reply = await self._runner.run(_LIST, partition.partition, [keys.admins(partition)], [])
        return ListReply(ListStatus(reply[0]), reply[1])

    async def set_password(
        self, *, admin: Place, password_hash: str, entry: Entry | None = None
    ) -> SetPasswordReply:
        key = keys.admin(admin)
        said = entry or no_entry(key)
        reply = await self._runner.run(
            _SET_PASSWORD,
            admin.partition,
            [key, said.trail, said.journal],
            [password_hash, *said.tending],
        )
        return SetPasswordReply(SetPasswordStatus(reply[0]))

    async def change_password(
        self, *, admin: Place, epoch: int, password_hash: str, entry: Entry | None = None
    ) -> ChangePasswordReply:
        """`epoch` is that of the password that was verified."""
        key = keys.admin(admin)
        said = entry or no_entry(key)
        reply = await self._runner.run(
            _CHANGE_PASSWORD,
            admin.partition,
            [key, said.trail, said.journal],
            [epoch, password_hash, *said.tending],
        )
        return ChangePasswordReply(ChangePasswordStatus(reply[0]), reply[1])

    async def open_session(
        self,
        *,
        admin: Place,
        admin_id: str,
        session: str,
        epoch: int,
        ttl_ms: int,
        entry: Entry | None = None,
    ) -> OpenReply:
        """`session` is the digest of its token."""
        key = keys.admin(admin)
        said = entry or no_entry(key)
        reply = await self._runner.run(
            _OPEN_SESSION,
            admin.partition,
            [key, keys.session(admin, session), keys.admins(admin), said.trail, said.journal],
            [admin_id, epoch, ttl_ms, *said.tending],
        )
        return OpenReply(OpenStatus(reply[0]))

    async def read_session(self, *, admin: Place, session: str) -> SessionReply:
        reply = await self._runner.run(
            _READ_SESSION, admin.partition, [keys.admin(admin), keys.session(admin, session)], []
        )
        return SessionReply(SessionStatus(reply[0]))

    async def close_session(self, *, admin: Place, session: str, entry: Entry | None = None) -> CloseReply:
        key = keys.session(admin, session)
        said = entry or no_entry(key)
        reply = await self._runner.run(
            _CLOSE_SESSION, admin.partition, [key, said.trail, said.journal], [*said.tending]
        )
        return CloseReply(CloseStatus(reply[0]))
