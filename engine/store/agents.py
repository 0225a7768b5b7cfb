"""Agents and their sessions in Redis: all of a tenant's in the partition of the tenant."""

from enum import IntEnum
from typing import NamedTuple

from engine.store import keys
from engine.store.audit import Entry, no_entry
from engine.store.keys import Place
from engine.store.runner import Runner
from engine.store.scripts import load

_CREATE = load("agent/create")
_READ = load("agent/read")
_LIST = load("agent/list")
_SET_PASSWORD = load("agent/set_password")
_DELETE = load("agent/delete")
_SIGN_IN = load("agent/sign_in")
_ADMIT = load("agent/admit")
_SIGN_OUT = load("agent/sign_out")


class CreateStatus(IntEnum):
    CREATED = 0
    EXISTS = 1
    FULL = 2
    UNKNOWN = 3


class ReadStatus(IntEnum):
    FOUND = 0
    UNKNOWN = 1


class ListStatus(IntEnum):
    LISTED = 0


class SetPasswordStatus(IntEnum):
    CHANGED = 0
    UNKNOWN = 1


class DeleteStatus(IntEnum):
    DELETED = 0
    UNKNOWN = 1


class SignInStatus(IntEnum):
    SIGNED_IN = 0
    STALE = 1


class AdmitStatus(IntEnum):
    ADMITTED = 0
    OVER = 1


class SignOutStatus(IntEnum):
    SIGNED_OUT = 0
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


class DeleteReply(NamedTuple):
    status: DeleteStatus


class SignInReply(NamedTuple):
    status: SignInStatus


class AdmitReply(NamedTuple):
    status: AdmitStatus


class SignOutReply(NamedTuple):
    status: SignOutStatus


class AgentStore:
    """`session` is the digest of its token. An agent's place is in its tenant's partition.

    No entry is no event.
    """

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    async def create(
        self,
        *,
        tenant: Place,
        agent: Place,
        agent_id: str,
        record: bytes,
        password_hash: str,
        epoch: int,
        most: int,
        entry: Entry | None = None,
    ) -> CreateReply:
        key = keys.agent(agent)
        said = entry or no_entry(key)
        reply = await self._runner.run(
            _CREATE,
            tenant.partition,
            [key, keys.agents(tenant), keys.tenant(tenant), said.trail, said.journal],
            [agent_id, record, password_hash, epoch, most, *said.tending],
        )
        return CreateReply(CreateStatus(reply[0]))

    async def read(self, *, agent: Place) -> ReadReply:
        reply = await self._runner.run(_READ, agent.partition, [keys.agent(agent)], [])
        return ReadReply(ReadStatus(reply[0]), *reply[1:])

    async def list(self, *, tenant: Place) -> ListReply:
        """The ids of a tenant's agents, separated by blanks."""
        reply = await self._runner.run(_LIST, tenant.partition, [keys.agents(tenant)], [])
        return ListReply(ListStatus(reply[0]), reply[1])

    async def set_password(
        self, *, agent: Place, password_hash: str, entry: Entry | None = None
    ) -> SetPasswordReply:
        key = keys.agent(agent)
        said = entry or no_entry(key)
        reply = await self._runner.run(
            _SET_PASSWORD, agent.partition, [key, said.trail, said.journal], [password_hash, *said.tending]
        )
        return SetPasswordReply(SetPasswordStatus(reply[0]))

    async def delete(
        self, *, tenant: Place, agent: Place, agent_id: str, entry: Entry | None = None
    ) -> DeleteReply:
        key = keys.agent(agent)
        said = entry or no_entry(key)
        reply = await self._runner.run(
            _DELETE,
            tenant.partition,
            [key, keys.agents(tenant), said.trail, said.journal],
            [agent_id, *said.tending],
        )
        return DeleteReply(DeleteStatus(reply[0]))

    async def sign_in(
        self, *, agent: Place, session: str, epoch: int, ttl_ms: int, entry: Entry | None = None
    ) -> SignInReply:
        key = keys.agent(agent)
        said = entry or no_entry(key)
        reply = await self._runner.run(
            _SIGN_IN,
            agent.partition,
            [key, keys.agent_session(agent, session), said.trail],
            [epoch, ttl_ms, *said.tending],
        )
        return SignInReply(SignInStatus(reply[0]))

    async def admit(self, *, agent: Place, session: str) -> AdmitReply:
        reply = await self._runner.run(
            _ADMIT, agent.partition, [keys.agent(agent), keys.agent_session(agent, session)], []
        )
        return AdmitReply(AdmitStatus(reply[0]))

    async def sign_out(self, *, agent: Place, session: str, entry: Entry | None = None) -> SignOutReply:
        key = keys.agent_session(agent, session)
        said = entry or no_entry(key)
        reply = await self._runner.run(_SIGN_OUT, agent.partition, [key, said.trail], [*said.tending])
        return SignOutReply(SignOutStatus(reply[0]))
