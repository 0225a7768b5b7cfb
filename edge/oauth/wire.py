"""What travels to and from token endpoints. Forms are read field by field: their values are text."""

import msgspec

from engine.clients import TOKEN_LIFE_S


class TokenForm(msgspec.Struct, kw_only=True):
    grant_type: str
    scope: str = ""


class RevocationForm(msgspec.Struct, kw_only=True):
    token: str
    token_type_hint: str = ""


class Token(msgspec.Struct, kw_only=True):
    access_token: str
    token_type: str = "bearer"  # noqa: S105  # a type
    expires_in: int = TOKEN_LIFE_S
    scope: str
