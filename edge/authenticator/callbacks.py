"""How a tenant is told of the end of a challenge: a signed POST to its callback address."""

import time

import msgspec

from edge.authenticator.signatures import sign
from edge.courier.sender import Callback
from edge.courier.signing import SigningKey, new_key
from edge.courier.target import Target, UrlRefused
from engine.callback_secrets import CallbackSecrets
from engine.deliveries import Event
from engine.deployment_secrets import DeploymentSecrets
from engine.tenants import Tenant

TOPIC = "authenticator"
"""Under which the ends of this surface's challenges stand in the outbox."""

_KEY_NAME = "callback signing key"


class Ended(msgspec.Struct):
    challenge_id: str
    status: str


async def signing_key(secrets: DeploymentSecrets) -> SigningKey:
    """The key of the deployment that all callbacks are signed with."""
    return SigningKey.load(await secrets.read(_KEY_NAME, new_key))


class AuthenticatorTeller:
    def __init__(self, secrets: CallbackSecrets, deployment: DeploymentSecrets) -> None:
        self._secrets = secrets
        self._deployment = deployment
        self._key: SigningKey | None = None

    async def compose(self, event: Event, tenant: Tenant, url: str) -> Callback:
        if self._key is None:
            self._key = await signing_key(self._deployment)
        body = msgspec.json.encode(Ended(event.subject, event.state))
        try:
            target = Target.parse(url)
        except UrlRefused:
            return Callback(url, (), body)  # which the sender refuses, too
        headers = sign(
            target,
            body,
            message_id=event.message_id,
            now_s=time.time(),
            key=self._key,
            secrets=self._secrets.of(tenant),
        )
        return Callback(url, headers, body)
