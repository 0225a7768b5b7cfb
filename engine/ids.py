"""Identifiers as types. In a multi-tenant engine a swapped string is a breach."""

import re
from typing import NewType

_TENANT_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

TenantId = NewType("TenantId", str)
"""A UUID in its canonical text form."""

AdminId = NewType("AdminId", str)
"""The keyed digest of an administrator's e-mail address, in hexadecimal."""

ApiKeyId = NewType("ApiKeyId", str)
"""The first characters of an API key's digest: names the key, opens nothing."""

PassKey = NewType("PassKey", str)
"""A pass key in its normal form, see engine.pass_keys."""


def is_tenant_id(text: str) -> bool:
    """Whether a text has the form of a tenant's id."""
    return _TENANT_ID.fullmatch(text) is not None
