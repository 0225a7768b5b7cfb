"""The tenants and passcodes that a measurement needs, made through the engine itself."""

import asyncio
import uuid
from base64 import b64decode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256

import msgspec
import redis
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from engine.assembly import Engine, Options, open_engine
from engine.ids import TenantId
from engine.policies import PasscodePolicy
from engine.tenants import Configuration, State, Tenant
from engine.tokens import Kind, mint
from watchword.options import engine_options
from watchword.settings import read_settings

_NUMBERS_PER_ROUND = 1_000_000
_WRITERS = 128
_PLENTY = 10_000_000  # requests per second: charged every time, reached never
_LIFE = PasscodePolicy(expires_s=3600)


@dataclass(frozen=True, slots=True)
class Tenancy:
    """Two tenants, one of them at its limit. `path` ends where a pass key follows."""

    options: Options
    redis_url: str
    tenant_id: TenantId
    api_key: str
    revoked_key: str
    limited_id: TenantId
    limited_key: str

    @property
    def path(self) -> str:
        return f"/api/v2/{self.tenant_id}/identity/passcode/"

    @property
    def limited_path(self) -> str:
        return f"/api/v2/{self.limited_id}/identity/passcode/"

    def to_submit(self, number: int) -> int:
        """Where the numbers start that a round submits."""
        return (3 * number + 1) * _NUMBERS_PER_ROUND

    def unused(self, number: int) -> int:
        """Where the numbers start that nobody submits."""
        return (3 * number + 2) * _NUMBERS_PER_ROUND

    def made_ahead(self, number: int) -> int:
        """Where the numbers start that were submitted ahead of a round."""
        return 3 * number * _NUMBERS_PER_ROUND

    def submit_ahead(self, number: int, count: int) -> None:
        """Make passcodes for a round."""
        asyncio.run(self._submit(_pass_keys(self.made_ahead(number), count)))

    def store_usually(self, number: int, key: str, count: int) -> None:
        """The same for the service of bench/usual.py, in its own shape."""
        cipher, nonce = AESGCM(b64decode(key)), bytes(12)
        with redis.Redis.from_url(self.redis_url) as client, client.pipeline(transaction=False) as pipeline:
            pipeline.hset("usual:api-keys", sha256(self.api_key.encode()).hexdigest(), self.tenant_id)
            for pass_key in _pass_keys(self.made_ahead(number), count):
                bound_to = f"{self.tenant_id}:{pass_key}".encode()
                value = nonce + cipher.encrypt(nonce, b"836159", bound_to)
                pipeline.set(f"usual:{self.tenant_id}:{pass_key}", value, ex=3600)
            pipeline.execute()

    async def _submit(self, pass_keys: Iterable[str]) -> None:
        waiting = iter(pass_keys)
        async with open_engine(self.options) as engine, asyncio.TaskGroup() as writers:
            for _ in range(_WRITERS):
                writers.create_task(self._keep_submitting(engine, waiting))

    async def _keep_submitting(self, engine: Engine, waiting: Iterable[str]) -> None:
        for pass_key in waiting:
            await engine.passcodes.submit(
                tenant_id=self.tenant_id,
                pass_key=pass_key,
                pass_phrase=None,
                address="127.0.0.1",
                idempotency_key=None,
            )


def prepare(environ: Mapping[str, str]) -> Tenancy:
    """Create the tenants."""
    settings = read_settings(environ)
    options = engine_options(settings)
    return asyncio.run(_prepare(options, settings.redis_url or ""))


async def _prepare(options: Options, redis_url: str) -> Tenancy:
    async with open_engine(options) as engine:
        busy, api_key = await _tenant(engine, "busy", submit_limit=_PLENTY, fetch_limit=_PLENTY)
        limited, limited_key = await _tenant(engine, "at its limit", submit_limit=0, fetch_limit=1)
        revoked = mint(Kind.API_KEY, uuid.UUID(busy).hex)
        return Tenancy(options, redis_url, busy, api_key, revoked, limited, limited_key)


async def _tenant(engine: Engine, name: str, *, submit_limit: int, fetch_limit: int) -> tuple[TenantId, str]:
    tenant = await engine.tenants.create(name=name, state=State.ACTIVE)

    def configure(tenant: Tenant) -> Tenant:
        return msgspec.structs.replace(
            tenant,
            configuration=Configuration(_LIFE, None, tenant.created_at, tenant.created_at),
            submit_limit=submit_limit,
            fetch_limit=fetch_limit,
        )

    await engine.tenants.change(tenant.id, configure)
    return tenant.id, await engine.api_keys.replace_all(tenant.id, name="bench")


def _pass_keys(first: int, count: int) -> list[str]:
    """As bench/walk.lua counts them."""
    return [f"{number:011d}" for number in range(first + 1, first + 1 + count)]
