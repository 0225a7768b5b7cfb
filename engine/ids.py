"""Identifiers as types. In a multi-tenant engine a swapped string is a breach."""

from typing import NewType

TenantId = NewType("TenantId", str)
"""A UUID in its canonical text form."""

AdminId = NewType("AdminId", str)
"""The keyed digest of an administrator's e-mail address, in hexadecimal."""

ApiKeyId = NewType("ApiKeyId", str)
"""The first characters of an API key's digest: names the key, opens nothing."""

PassKey = NewType("PassKey", str)
"""A pass key in its normal form, see engine.pass_keys."""
