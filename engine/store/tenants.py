"""Tenants in Redis: one record each, read whole and replaced whole."""

from enum import IntEnum
from typing import NamedTuple

from engine.store import keys
from engine.store.audit import Entry, no_entry
from engine.store.keys import Place
from engine.store.runner import Runner
from engine.store.scripts import load

_CREATE = load("tenant/create")
_READ = load("tenant/read")
_REPLACE = load("tenant/replace")
_DELETE = load("tenant/delete")
_LIST = load("tenant/list")
_OWN = load("tenant/own")
_DISOWN = load("tenant/disown")
_OWNED = load("tenant/owned")


class CreateStatus(IntEnum):
    CREATED = 0
    EXISTS = 1


class ReadStatus(IntEnum):
    FOUND = 0
    UNKNOWN = 1


class ReplaceStatus(IntEnum):
    REPLACED = 0
    STALE = 1
    UNKNOWN = 2


class DeleteStatus(IntEnum):
    DELETED = 0
    UNKNOWN = 1


class ListStatus(IntEnum):
    LISTED = 0


class OwnStatus(IntEnum):
    OWNED = 0


class DisownStatus(IntEnum):
    DISOWNED = 0


class CreateReply(NamedTuple):
    status: CreateStatus


class ReadReply(NamedTuple):
    status: ReadStatus
    version: int
    record: bytes


class ReplaceReply(NamedTuple):
    status: ReplaceStatus


class DeleteReply(NamedTuple):
    status: DeleteStatus


class ListReply(NamedTuple):
    status: ListStatus
    ids: bytes


class OwnReply(NamedTuple):
    status: OwnStatus


class DisownReply(NamedTuple):
    status: DisownStatus


class TenantStore:
    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    async def create(
        self, *, tenant: Place, tenant_id: str, record: bytes, entry: Entry | None = None
    ) -> CreateReply:
        """No entry is no event, here and below."""
        key = keys.tenant(tenant)
        said = entry or no_entry(key)
        reply = await self._runner.run(
            _CREATE,
            tenant.partition,
            [key, keys.tenants(tenant), said.trail, said.journal],
            [tenant_id, record, *said.tending],
        )
        return CreateReply(CreateStatus(reply[0]))

    async def read(self, *, tenant: Place) -> ReadReply:
        reply = await self._runner.run(_READ, tenant.partition, [keys.tenant(tenant)], [], watches=True)
        return ReadReply(ReadStatus(reply[0]), *reply[1:])

    async def replace(
        self, *, tenant: Place, version: int, record: bytes, kind: str = "", entry: Entry | None = None
    ) -> ReplaceReply:
        key = keys.tenant(tenant)
        said = entry or no_entry(key)
        reply = await self._runner.run(
            _REPLACE,
            tenant.partition,
            [key, said.trail, said.journal],
            [version, record, kind, *said.tending],
        )
        return ReplaceReply(ReplaceStatus(reply[0]))

    async def delete(self, *, tenant: Place, tenant_id: str, entry: Entry | None = None) -> DeleteReply:
        key = keys.tenant(tenant)
        said = entry or no_entry(key)
        reply = await self._runner.run(
            _DELETE,
            tenant.partition,
            [key, keys.tenants(tenant), said.journal],
            [tenant_id, *said.tending],
        )
        return DeleteReply(DeleteStatus(reply[0]))

    async def list(self, *, partition: Place) -> ListReply:
        """The ids of one partition's tenants, separated by blanks."""
        reply = await self._runner.run(_LIST, partition.partition, [keys.tenants(partition)], [])
        return ListReply(ListStatus(reply[0]), reply[1])

    async def own(self, *, admin: Place, tenant_id: str) -> OwnReply:
        reply = await self._runner.run(_OWN, admin.partition, [keys.owned(admin)], [tenant_id])
        return OwnReply(OwnStatus(reply[0]))

    async def disown(self, *, admin: Place, tenant_id: str) -> DisownReply:
        reply = await self._runner.run(_DISOWN, admin.partition, [keys.owned(admin)], [tenant_id])
        return DisownReply(DisownStatus(reply[0]))

    async def owned(self, *, admin: Place) -> ListReply:
        """The ids of the tenants that an administrator may own, separated by blanks."""
        reply = await self._runner.run(_OWNED, admin.partition, [keys.owned(admin)], [])
        return ListReply(ListStatus(reply[0]), reply[1])
