"""The engine, put together: nouns on stores on one link."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from engine.admins import Admins
from engine.agents import Agents
from engine.api_keys import ApiKeys
from engine.audit import Audit
from engine.callback_secrets import CallbackSecrets
from engine.challenges import Challenges
from engine.clients import Clients
from engine.configurations import Configurations
from engine.deliveries import Deliveries
from engine.deployment import open_deployment
from engine.deployment_secrets import DeploymentSecrets
from engine.erasure import Erasure
from engine.factors import Factors
from engine.keyholders import Keyholders
from engine.known_tenants import KnownTenants
from engine.limits import Limits
from engine.passcodes import Passcodes
from engine.passwords import Passwords
from engine.rates import DefaultRates
from engine.recording import DEFAULT_RETENTION, Recorder, Retention
from engine.refounding import Refounding
from engine.resealing import Resealing
from engine.sealing import Keyring
from engine.seats import Seats
from engine.store import scripts
from engine.store.access_tokens import AccessTokenStore
from engine.store.admins import AdminStore
from engine.store.agents import AgentStore
from engine.store.audit import AuditStore
from engine.store.challenges import ChallengeStore
from engine.store.claims import ClaimStore
from engine.store.deployment import DeploymentStore
from engine.store.durability import Durability
from engine.store.factors import FactorStore
from engine.store.idempotency import IdempotencyStore
from engine.store.keyholders import KeyholderStore
from engine.store.keys import KeySpace
from engine.store.limits import LimitStore
from engine.store.opening import AnyLink, link_to
from engine.store.outbox import OutboxStore
from engine.store.passcodes import PasscodeStore
from engine.store.seals import SealStore
from engine.store.tenants import TenantStore
from engine.store.topology import Topology
from engine.store.usage import UsageStore
from engine.tenants import Tenants
from engine.usage import Usage


@dataclass(frozen=True, slots=True)
class Options:
    """What an engine is opened with."""

    redis: Topology
    durability: Durability
    keyring: Keyring
    rates: DefaultRates
    partitions: int
    deadline_ms: int
    max_in_flight: int
    password_threads: int
    scopes: frozenset[str]
    retention: Retention = DEFAULT_RETENTION


@dataclass(frozen=True, slots=True)
class Engine:
    """The domain: surfaces call its nouns, plumbing watches its link, its limits and its queue."""

    tenants: Tenants
    known_tenants: KnownTenants
    configurations: Configurations
    api_keys: ApiKeys
    clients: Clients
    admins: Admins
    agents: Agents
    passcodes: Passcodes
    factors: Factors
    challenges: Challenges
    callback_secrets: CallbackSecrets
    deployment_secrets: DeploymentSecrets
    deliveries: Deliveries
    erasure: Erasure
    audit: Audit
    usage: Usage
    keyholders: Keyholders
    resealing: Resealing
    passwords: Passwords
    limits: Limits
    link: AnyLink


@asynccontextmanager
async def open_engine(options: Options) -> AsyncGenerator[Engine]:
    """Link up, however long Redis takes to come, and put the engine together.

    Raises:
        Misconfigured: this Redis holds a deployment that these options do not fit.
    """
    passwords = Passwords(threads=options.password_threads)
    try:
        async with link_to(
            options.redis,
            scripts=scripts.load_all(),
            deadline_ms=options.deadline_ms,
            max_in_flight=options.max_in_flight,
            durability=options.durability,
        ) as link:
            await link.wait_up()
            store, keyring = DeploymentStore(link), options.keyring
            space = await open_deployment(store, keyring=keyring, partitions=options.partitions)
            async with (
                Keyholders(KeyholderStore(link), keyring) as keyholders,
                Limits(LimitStore(link), space) as limits,
                Usage(UsageStore(link), space) as usage,
            ):
                engine = _assemble(link, space, keyholders, limits, usage, passwords, options)
                async with Refounding(link, store, space, engine.deployment_secrets, keyring=keyring):
                    yield engine
    finally:
        passwords.close()


def _assemble(
    link: AnyLink,
    space: KeySpace,
    keyholders: Keyholders,
    limits: Limits,
    usage: Usage,
    passwords: Passwords,
    options: Options,
) -> Engine:
    keyring, rates = options.keyring, options.rates
    audit_store = AuditStore(link)
    recorder = Recorder(audit_store, space, options.retention)
    claims = ClaimStore(link)
    tenants = Tenants(TenantStore(link), claims, space, recorder)
    factors = Factors(FactorStore(link), claims, space, keyring=keyring)
    known = KnownTenants(tenants, space, link)
    challenges = Challenges(ChallengeStore(link), factors, space, tenants=known, keyring=keyring)
    callback_secrets = CallbackSecrets(tenants, keyring)
    deliveries = Deliveries(OutboxStore(link), space)
    seats = Seats(SealStore(link), keyring)
    admins = Admins(
        AdminStore(link),
        space,
        keyring=keyring,
        passwords=passwords,
        limits=limits,
        rates=rates,
        seats=seats,
        recorder=recorder,
    )
    agents = Agents(
        AgentStore(link),
        space,
        tenants=known,
        keyring=keyring,
        passwords=passwords,
        limits=limits,
        rates=rates,
        recorder=recorder,
    )
    audit = Audit(audit_store, space, tenants)
    deployment_secrets = DeploymentSecrets(DeploymentStore(link), keyring)
    api_keys = ApiKeys(tenants, known)
    return Engine(
        tenants=tenants,
        known_tenants=known,
        configurations=Configurations(tenants, callback_secrets),
        api_keys=api_keys,
        clients=Clients(
            AccessTokenStore(link),
            space,
            tenants=tenants,
            known_tenants=known,
            limits=limits,
            rates=rates,
            scopes=options.scopes,
        ),
        admins=admins,
        agents=agents,
        passcodes=Passcodes(
            PasscodeStore(link),
            space,
            tenants=known,
            api_keys=api_keys,
            keyring=keyring,
            limits=limits,
            rates=rates,
            idempotency=IdempotencyStore(link),
            recorder=recorder,
            usage=usage,
        ),
        factors=factors,
        challenges=challenges,
        callback_secrets=callback_secrets,
        deployment_secrets=deployment_secrets,
        deliveries=deliveries,
        erasure=Erasure(tenants, factors, challenges, deliveries, agents, audit, usage),
        audit=audit,
        usage=usage,
        keyholders=keyholders,
        resealing=Resealing(
            seats,
            space,
            deployment=deployment_secrets,
            admins=admins,
            tenants=tenants,
            agents=agents,
            callbacks=callback_secrets,
            factors=factors,
        ),
        passwords=passwords,
        limits=limits,
        link=link,
    )
