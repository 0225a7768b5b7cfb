"""Identifiers as types. In a multi-tenant engine a swapped string is a breach."""

import re
from typing import NewType

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

TenantId = NewType("TenantId", str)
"""A UUID in its canonical text form."""

AdminId = NewType("AdminId", str)
"""The keyed digest of an administrator's e-mail address, in hexadecimal."""

ApiKeyId = NewType("ApiKeyId", str)
"""The first characters of an API key's digest: names the key, opens nothing."""

AgentId = NewType("AgentId", str)
"""The keyed digest of a tenant's id and an agent's e-mail address, in hexadecimal."""

PassKey = NewType("PassKey", str)
"""A pass key in its normal form, see engine.pass_keys."""


ClientId = NewType("ClientId", str)
"""Of an OAuth client: its tenant's id, a full stop, and 16 hexadecimal digits."""

FactorId = NewType("FactorId", str)
"""A UUID that carries the partition of the user who got the factor."""

ChallengeId = NewType("ChallengeId", str)
"""A UUID that carries the partition of the factor."""

UserName = NewType("UserName", str)
"""What a tenant calls one of its users."""


_API_KEY_ID_LENGTH = 12


def api_key_id(key_digest: str) -> ApiKeyId:
    """The name under which an API key is listed and revoked."""
    return ApiKeyId(key_digest[:_API_KEY_ID_LENGTH])


def is_uuid(text: str) -> bool:
    """Whether a text has the form of an id that was given out here."""
    return _UUID.fullmatch(text) is not None


def is_tenant_id(text: str) -> bool:
    """Whether a text has the form of a tenant's id."""
    return is_uuid(text)
