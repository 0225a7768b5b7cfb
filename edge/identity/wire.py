"""What travels on the Identity surface. Spellings are the document's, misspellings included."""

from datetime import UTC, datetime
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from edge.wire import Body
from engine.ids import AdminId, TenantId
from engine.policies import (
    MAX_EXPIRES_S,
    MAX_LENGTH,
    MIN_EXPIRES_S,
    MIN_LENGTH,
    Alphabet,
    Mode,
    PasscodePolicy,
)
from engine.tenants import Tenant

Name = Annotated[str, Meta(min_length=1, max_length=100, pattern=r"^[ .'\-]*[^\W_](?:[^\W_]|[ .'\-])*\Z")]
Email = Annotated[str, Meta(min_length=1, max_length=254, pattern=r"^[^@\s\x00-\x1f\x7f]+@[^@\s\x00-\x1f\x7f]+\Z")]
NewPassword = Annotated[str, Meta(min_length=8, max_length=128)]
TenantName = Annotated[str, Meta(min_length=1, max_length=100, pattern=r"^(?=.*\S)[^\x00-\x1f\x7f]+\Z")]
ExpiresS = Annotated[int, Meta(ge=MIN_EXPIRES_S, le=MAX_EXPIRES_S)]
PhraseLength = Annotated[int, Meta(ge=MIN_LENGTH, le=MAX_LENGTH)]


class SignUp(msgspec.Struct):
    name: Name
    email: Email
    password: NewPassword


class Login(msgspec.Struct):
    email: Annotated[str, Meta(min_length=1, max_length=254)]
    password: Annotated[str, Meta(min_length=1, max_length=1024)]


class NewTenant(msgspec.Struct):
    tenant_name: TenantName


class ConfigDetails(msgspec.Struct, kw_only=True):
    """The alphabet has two names in the document; both are read and both are said."""

    pass_key_expires: ExpiresS = PasscodePolicy().expires_s
    pass_phrase: Mode = Mode.SYSTEM
    pass_pharse_allowed_characters: Alphabet | None = None
    pass_phrase_method: Alphabet | None = None
    pass_phrase_length: PhraseLength = PasscodePolicy().length


class NewConfig(msgspec.Struct):
    tenant_config_details: ConfigDetails


class Submit(msgspec.Struct):
    """`key` is what the widget in the field says for `pass_key`."""

    pass_key: str | UnsetType | None = UNSET
    key: str | UnsetType | None = UNSET
    pass_phrase: str | None = None


SIGN_UP = Body(SignUp)
LOGIN = Body(Login)
NEW_TENANT = Body(NewTenant)
NEW_CONFIG = Body(NewConfig)
SUBMIT = Body(Submit)


class SignedUpData(msgspec.Struct):
    first_name: str
    username: str
    email: str
    updated_at: str
    created_at: str


class SignedUp(msgspec.Struct, kw_only=True):
    status: str = "SUCCESS"
    message: str = "User created successfully"
    data: SignedUpData


class LoggedIn(msgspec.Struct, kw_only=True):
    success: bool = True
    token: str


class TenantData(msgspec.Struct):
    tenant_id: str
    tenant_name: str


class TenantCreated(msgspec.Struct, kw_only=True):
    status: str = "Success"
    message: str = "Tenant created successfully"
    data: TenantData


class ApiKeyRefreshed(msgspec.Struct, kw_only=True):
    status: str = "Success"
    api_key: str


class TenantDetails(msgspec.Struct):
    tenant_id: str
    tenant_config_details: ConfigDetails
    created_by: int
    updated_at: str
    created_at: str
    id: int


class ConfiguredInner(msgspec.Struct):
    tenantDetails: TenantDetails  # noqa: N815  # the document's spelling


class Configured(msgspec.Struct, kw_only=True):
    status: str = "Success"
    message: str = "Tenant Configuration created successfully"
    data: ConfiguredInner


class ConfiguredOuter(msgspec.Struct, kw_only=True):
    status: str = "Success"
    data: Configured


class Config(msgspec.Struct, kw_only=True):
    """`tenant_config_details` is an object for administrators, and JSON in a string for pages."""

    id: int
    tenant_id: str
    tenant_config_details: ConfigDetails | str
    status: int = 1
    created_by: int
    updated_at: str
    created_at: str


class SubmittedData(msgspec.Struct):
    pass_key: str
    pass_phrase: str


class Submitted(msgspec.Struct, kw_only=True):
    status: str = "Success"
    data: SubmittedData


class Fetched(msgspec.Struct, kw_only=True):
    status: str = "Success"
    pass_phrase: str


def speaks_key(content: bytes) -> bool:
    """Whether a submit, well-formed or not, says `key` for `pass_key`."""
    fields = msgspec.json.decode(content, type=dict[str, msgspec.Raw])
    return "key" in fields and "pass_key" not in fields


def timestamp(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")


def config_details(policy: PasscodePolicy) -> ConfigDetails:
    return ConfigDetails(
        pass_key_expires=policy.expires_s,
        pass_phrase=policy.mode,
        pass_pharse_allowed_characters=policy.alphabet,
        pass_phrase_method=policy.alphabet,
        pass_phrase_length=policy.length,
    )


def admin_number(admin: AdminId | None) -> int:
    """The document's integer ids. Made from ours, for display only; 0 is the operator."""
    return 0 if admin is None else int(admin[:7], 16)


def tenant_number(tenant_id: TenantId) -> int:
    return int(tenant_id[:7], 16)


def config(tenant: Tenant, *, public: bool) -> Config:
    """A tenant's configuration; without one, the defaults as of the tenant's creation."""
    stamp = tenant.configuration
    details = config_details(tenant.policy)
    return Config(
        id=tenant_number(tenant.id),
        tenant_id=tenant.id,
        tenant_config_details=msgspec.json.encode(details).decode() if public else details,
        created_by=admin_number(stamp.created_by if stamp else tenant.owner),
        updated_at=timestamp(stamp.updated_at if stamp else tenant.created_at),
        created_at=timestamp(stamp.created_at if stamp else tenant.created_at),
    )
