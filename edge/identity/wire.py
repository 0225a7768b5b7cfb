"""What travels on the Identity surface. Spellings are the document's, misspellings included."""

from datetime import UTC, datetime
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from edge.fields import (
    Email,
    ExpiresS,
    GivenEmail,
    GivenPassword,
    Name,
    NewPassword,
    PhraseLength,
    TenantName,
)
from edge.wire import Body
from engine.ids import AdminId, TenantId
from engine.pass_keys import MAX_LENGTH as MAX_PASS_KEY_LENGTH
from engine.policies import Alphabet, Mode, PasscodePolicy
from engine.tenants import Tenant

PassKey = Annotated[
    str,
    Meta(
        description="A phone number however it is written, or another key of 1 to 64 characters.",
        examples=["+1 555 010 2030", "23456"],
        extra_json_schema={"minLength": 1, "maxLength": MAX_PASS_KEY_LENGTH},
    ),
]
PassPhrase = Annotated[str, Meta(description="The passcode: what the agent says.", examples=["486818"])]
Token = Annotated[str, Meta(pattern="^[A-Za-z0-9]{58,}$")]
Time = Annotated[str, Meta(pattern=r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$", description="UTC.")]
DisplayNumber = Annotated[int, Meta(description="For display only: it names nothing.")]


class SignUp(msgspec.Struct):
    name: Name
    email: Email
    password: NewPassword


class Login(msgspec.Struct):
    email: GivenEmail
    password: GivenPassword


class NewTenant(msgspec.Struct):
    tenant_name: TenantName


class ConfigDetails(msgspec.Struct, kw_only=True):
    """The alphabet has two names. If both are said they must agree."""

    pass_key_expires: ExpiresS = PasscodePolicy().expires_s
    pass_phrase: Mode = Mode.SYSTEM
    pass_pharse_allowed_characters: Alphabet | None = None
    pass_phrase_method: Alphabet | None = None
    pass_phrase_length: PhraseLength = PasscodePolicy().length


class NewConfig(msgspec.Struct):
    tenant_config_details: ConfigDetails


class Submit(msgspec.Struct):
    """`key` is what the older widget says for `pass_key`."""

    pass_key: PassKey | UnsetType = UNSET
    key: Annotated[PassKey, Meta(extra_json_schema={"deprecated": True})] | UnsetType | None = UNSET
    pass_phrase: Annotated[str, Meta(description="Chosen by the customer, in manual mode only.")] | None = None


SubmitEither = Annotated[
    Submit, Meta(extra_json_schema={"anyOf": [{"required": ["pass_key"]}, {"required": ["key"]}]})
]


SIGN_UP = Body(SignUp)
LOGIN = Body(Login)
NEW_TENANT = Body(NewTenant)
NEW_CONFIG = Body(NewConfig)
SUBMIT = Body(Submit)


class SignedUpData(msgspec.Struct):
    first_name: str
    username: str
    email: str
    updated_at: Time
    created_at: Time


class SignedUp(msgspec.Struct, kw_only=True):
    status: Literal["SUCCESS"] = "SUCCESS"
    message: str = "User created successfully"
    data: SignedUpData


class LoggedIn(msgspec.Struct, kw_only=True):
    success: bool = True
    token: Annotated[Token, Meta(description="Good for 30 days.")]


class TenantData(msgspec.Struct):
    tenant_id: str
    tenant_name: str


class TenantCreated(msgspec.Struct, kw_only=True):
    status: Literal["Success"] = "Success"
    message: str = "Tenant created successfully"
    data: TenantData


class ApiKeyRefreshed(msgspec.Struct, kw_only=True):
    status: Literal["Success"] = "Success"
    api_key: Annotated[Token, Meta(description="Shown once. Earlier keys of the tenant are no longer good.")]


class FullDetails(msgspec.Struct):
    """A configuration in full."""

    pass_key_expires: ExpiresS
    pass_phrase: Mode
    pass_pharse_allowed_characters: Alphabet
    pass_phrase_method: Alphabet
    pass_phrase_length: PhraseLength


class TenantDetails(msgspec.Struct):
    tenant_id: str
    tenant_config_details: FullDetails
    created_by: DisplayNumber
    updated_at: Time
    created_at: Time
    id: DisplayNumber


class ConfiguredInner(msgspec.Struct):
    tenantDetails: TenantDetails  # noqa: N815  # the document's spelling


class Configured(msgspec.Struct, kw_only=True):
    status: Literal["Success"] = "Success"
    message: str = "Tenant Configuration created successfully"
    data: ConfiguredInner


class ConfiguredOuter(msgspec.Struct, kw_only=True):
    status: Literal["Success"] = "Success"
    data: Configured


class Config(msgspec.Struct, kw_only=True):
    """`tenant_config_details` is an object for administrators, and JSON in a string for pages."""

    id: DisplayNumber
    tenant_id: str
    tenant_config_details: FullDetails | str
    status: int = 1
    created_by: DisplayNumber
    updated_at: Time
    created_at: Time


class SubmittedData(msgspec.Struct):
    pass_key: Annotated[str, Meta(description="As it was sent.")]
    pass_phrase: PassPhrase


class Submitted(msgspec.Struct, kw_only=True):
    status: Literal["Success"] = "Success"
    data: SubmittedData


class Fetched(msgspec.Struct, kw_only=True):
    status: Literal["Success"] = "Success"
    pass_phrase: PassPhrase


def speaks_key(content: bytes) -> bool:
    """Whether a submit, well-formed or not, says `key` for `pass_key`."""
    fields = msgspec.json.decode(content, type=dict[str, msgspec.Raw])
    return "key" in fields and "pass_key" not in fields


def timestamp(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")


def config_details(policy: PasscodePolicy) -> FullDetails:
    return FullDetails(
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
