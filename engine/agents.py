"""Agents: people of a tenant who sign in at a page and fetch passcodes, and may do nothing else.

All that is kept of them is in their tenant's partition, and found by the tenant's id only: what is good for one
tenant leads nowhere in another.
"""

import secrets
import string
import time
from contextlib import suppress
from typing import NamedTuple

import msgspec

from engine.errors import (
    AgentTaken,
    TooManyAgents,
    Unauthenticated,
    UnknownAgent,
    UnknownTenant,
    WrongPassword,
)
from engine.ids import AgentId, TenantId, is_tenant_id
from engine.known_tenants import KnownTenants
from engine.limits import Limits
from engine.passwords import Passwords
from engine.rates import DefaultRates
from engine.recording import OPERATOR, Recorder, by_agent
from engine.sealing import Keyring
from engine.seats import Seat
from engine.store import keys
from engine.store.agents import (
    AdmitStatus,
    AgentStore,
    CreateStatus,
    DeleteStatus,
    ReadStatus,
    SetPasswordStatus,
    SignInStatus,
)
from engine.store.audit import Entry
from engine.store.keys import KeySpace, Place
from engine.tokens import Kind, digest, mint, parse

SESSION_SECONDS = 12 * 60 * 60
"""A shift. NIST SP 800-63B-4 2.2.3 has people sign in again after 24 hours at most."""
MOST_AGENTS = 10_000

_MADE_PASSWORD_LENGTH = 20
_ALPHABET = string.ascii_letters + string.digits


class Agent(msgspec.Struct, frozen=True):
    """Whom a tenant has given a log-in. Stored sealed: names and addresses are nobody else's business."""

    name: str
    email: str
    created_at: int


class NewLogin(NamedTuple):
    """Of an agent. The password is returned once, and stored as a hash only."""

    id: AgentId
    password: str


class Listed(NamedTuple):
    id: AgentId
    agent: Agent


class Session(NamedTuple):
    """Of an agent who has signed in. Its token is returned once, and stored as a digest only."""

    agent_id: AgentId
    token: str


class Agents:
    def __init__(
        self,
        store: AgentStore,
        space: KeySpace,
        *,
        tenants: KnownTenants,
        keyring: Keyring,
        passwords: Passwords,
        limits: Limits,
        rates: DefaultRates,
        recorder: Recorder,
    ) -> None:
        self._store = store
        self._space = space
        self._tenants = tenants
        self._keyring = keyring
        self._passwords = passwords
        self._limits = limits
        self._rates = rates
        self._recorder = recorder

    async def create(self, tenant_id: TenantId, *, name: str, email: str, actor: str = OPERATOR) -> NewLogin:
        """A log-in under an e-mail address, with a password that is made here. The letters' case does not matter.

        Raises:
            UnknownTenant, AgentTaken, TooManyAgents, Busy
        """
        agent_id = self._id(tenant_id, email)
        password = _new_password()
        agent = Agent(name, email.strip(), int(time.time()))
        reply = await self._store.create(
            tenant=self._tenant(tenant_id),
            agent=self._place(tenant_id, agent_id),
            agent_id=agent_id,
            record=self._keyring.seal(msgspec.json.encode(agent), scope=tenant_id, bound_to=agent_id.encode()),
            password_hash=await self._passwords.hash(password),
            epoch=secrets.randbelow(2**48) + 1,
            most=MOST_AGENTS,
            entry=self._recorder.tenant(tenant_id, actor, by_agent(agent_id)),
        )
        match reply.status:
            case CreateStatus.EXISTS:
                raise AgentTaken
            case CreateStatus.FULL:
                raise TooManyAgents
            case CreateStatus.UNKNOWN:
                raise UnknownTenant
            case CreateStatus.CREATED:
                return NewLogin(agent_id, password)

    async def list(self, tenant_id: TenantId) -> list[Listed]:
        """By e-mail address. One that is deleted meanwhile is left out.

        Raises:
            UnknownTenant
            CannotUnseal
        """
        await self._tenants.read(tenant_id)
        listed: list[Listed] = []
        for agent_id in await self._ids(tenant_id):
            with suppress(UnknownAgent):
                listed.append(Listed(agent_id, await self.read(tenant_id, agent_id)))
        return sorted(listed, key=lambda one: one.agent.email.casefold())

    async def read(self, tenant_id: TenantId, agent_id: AgentId) -> Agent:
        """Raises: UnknownAgent, CannotUnseal."""
        reply = await self._store.read(agent=self._place(tenant_id, agent_id))
        if reply.status is ReadStatus.UNKNOWN:
            raise UnknownAgent
        record = self._keyring.unseal(reply.record, scope=tenant_id, bound_to=agent_id.encode())
        return msgspec.json.decode(record, type=Agent)

    async def reset_password(self, tenant_id: TenantId, *, email: str, actor: str = OPERATOR) -> str:
        """Give a new password, and end every session opened under the old one.

        Raises:
            UnknownAgent, Busy
        """
        agent_id, password = self._id(tenant_id, email), _new_password()
        reply = await self._store.set_password(
            agent=self._place(tenant_id, agent_id),
            password_hash=await self._passwords.hash(password),
            entry=self._recorder.tenant(tenant_id, actor, by_agent(agent_id)),
        )
        if reply.status is SetPasswordStatus.UNKNOWN:
            raise UnknownAgent
        return password

    async def delete(self, tenant_id: TenantId, *, email: str, actor: str = OPERATOR) -> None:
        """Delete an agent and end all its sessions.

        Raises:
            UnknownAgent
        """
        agent_id = self._id(tenant_id, email)
        entry = self._recorder.tenant(tenant_id, actor, by_agent(agent_id))
        if not await self._delete(tenant_id, agent_id, entry):
            raise UnknownAgent

    async def forget(self, tenant_id: TenantId) -> int:
        """Delete all agents of a tenant that is deleted, and tell how many there were."""
        return sum([await self._delete(tenant_id, agent_id, None) for agent_id in await self._ids(tenant_id)])

    async def sign_in(self, tenant_id: TenantId, *, email: str, password: str, address: str) -> Session:
        """Open a session for a shift.

        Raises:
            UnknownTenant, TenantInactive: which is no secret, pages of customers are told too.
            WrongPassword: or no agent has this e-mail address: same answer, same time.
            LimitExceeded, Busy
        """
        await self._limits.charge("address", self._rates.login_per_address, "agent login", address)
        await self._tenants.read_active(tenant_id)
        agent_id = self._id(tenant_id, email)
        await self._limits.charge("email", self._rates.login_per_email, "agent login", agent_id)
        place = self._place(tenant_id, agent_id)
        found = await self._store.read(agent=place)
        known = found.password_hash.decode() if found.status is ReadStatus.FOUND else None
        if not await self._passwords.verify(known, password):
            await self._recorder.agent_refused(tenant_id, agent_id, address)
            raise WrongPassword
        token = mint(Kind.AGENT_SESSION, agent_id)
        opened = await self._store.sign_in(
            agent=place,
            session=digest(token),
            epoch=found.epoch,
            ttl_ms=SESSION_SECONDS * 1000,
            entry=self._recorder.agent(tenant_id, by_agent(agent_id), self._recorder.address(address, tenant_id)),
        )
        if opened.status is SignInStatus.STALE:
            raise WrongPassword
        return Session(agent_id, token)

    async def authenticate(self, tenant_id: TenantId, text: str) -> AgentId:
        """Whose session this is.

        Raises:
            Unauthenticated: malformed, over, opened under an earlier password, or another tenant's.
        """
        token = parse(Kind.AGENT_SESSION, text)
        if token is None or not is_tenant_id(tenant_id):
            raise Unauthenticated
        agent_id = AgentId(token.subject)
        reply = await self._store.admit(agent=self._place(tenant_id, agent_id), session=token.digest)
        if reply.status is AdmitStatus.OVER:
            raise Unauthenticated
        return agent_id

    async def sign_out(self, tenant_id: TenantId, text: str) -> None:
        """End a session. That there is none, or none any more, is well."""
        token = parse(Kind.AGENT_SESSION, text)
        if token is not None and is_tenant_id(tenant_id):
            agent_id = AgentId(token.subject)
            await self._store.sign_out(
                agent=self._place(tenant_id, agent_id),
                session=token.digest,
                entry=self._recorder.agent(tenant_id, by_agent(agent_id), by_agent(agent_id)),
            )

    async def seats(self, tenant_id: TenantId) -> "list[Seat]":
        """Where the profiles of a tenant's agents are kept."""
        places = [(agent_id, self._place(tenant_id, agent_id)) for agent_id in await self._ids(tenant_id)]
        return [
            Seat(place.partition, keys.agent(place), "record", tenant_id, agent_id.encode())
            for agent_id, place in places
        ]

    async def _ids(self, tenant_id: TenantId) -> "list[AgentId]":
        reply = await self._store.list(tenant=self._tenant(tenant_id))
        return [AgentId(agent_id) for agent_id in reply.ids.decode().split()]

    async def _delete(self, tenant_id: TenantId, agent_id: AgentId, entry: Entry | None) -> bool:
        reply = await self._store.delete(
            tenant=self._tenant(tenant_id),
            agent=self._place(tenant_id, agent_id),
            agent_id=agent_id,
            entry=entry,
        )
        return reply.status is DeleteStatus.DELETED

    def _id(self, tenant_id: TenantId, email: str) -> AgentId:
        return AgentId(self._space.digest("agent", tenant_id, email.strip().casefold()))

    def _tenant(self, tenant_id: TenantId) -> Place:
        return self._space.place("tenant", tenant_id)

    def _place(self, tenant_id: TenantId, agent_id: AgentId) -> Place:
        return self._space.place_in(self._tenant(tenant_id).partition, "agent", tenant_id, agent_id)


def _new_password() -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(_MADE_PASSWORD_LENGTH))
