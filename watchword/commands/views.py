"""What is told of tenants and their API keys: structs as they go out as JSON, and as text."""

import msgspec

from engine.ids import AdminId, api_key_id
from engine.rates import DefaultRates, Rate, per_second
from engine.tenants import ChallengeSetup, Tenant
from engine.totp import TotpPolicy
from watchword.commands.output import listing, printable, table, timestamp

_KEY_HEADER = ("API KEY ID", "NAME", "CREATED", "SCOPES", "NETWORKS")


class TenantLine(msgspec.Struct):
    tenant_id: str
    name: str
    state: str
    created_at: str

    @classmethod
    def of(cls, tenant: Tenant) -> "TenantLine":
        return cls(tenant.id, tenant.name, tenant.state, timestamp(tenant.created_at))


class KeyLine(msgspec.Struct):
    """An API key, without what would open anything. No networks = any."""

    key_id: str
    name: str
    created_at: str
    scopes: tuple[str, ...]
    networks: tuple[str, ...]


class LimitsInForce(msgspec.Struct):
    """As the settings write them: requests/seconds, 0 = no limit."""

    submit_per_address: str
    submit_per_key: str
    fetch_per_api_key: str

    @classmethod
    def of(cls, tenant: Tenant, rates: DefaultRates) -> "LimitsInForce":
        return cls(
            _rate(tenant.submit_limit, rates.submit_per_address),
            _rate(tenant.submit_limit, rates.submit_per_key),
            _rate(tenant.fetch_limit, rates.fetch_per_api_key),
        )


class TotpCodes(msgspec.Struct):
    """Of factors that are made from now on. Nothing is left out, as the record leaves out its defaults."""

    digest: str
    digits: int
    step: int
    window: int

    @classmethod
    def of(cls, policy: TotpPolicy) -> "TotpCodes":
        return cls(policy.digest, policy.digits, policy.step_s, policy.window)


class TenantDetails(msgspec.Struct, kw_only=True):
    """Everything. `configured_at` is null while the policy is the default one; limits are null while they are."""

    tenant_id: str
    name: str
    state: str
    created_at: str
    owner: str | None
    pass_key_expires: int
    pass_key_max_fetches: int
    pass_phrase: str
    allowed_characters: str
    length: int
    configured_by: str | None
    configured_at: str | None
    default_country_code: int | None
    allowed_origins: tuple[str, ...]
    submit_limit: int | None
    fetch_limit: int | None
    challenge_life: int
    lock_after: int
    totp: TotpCodes
    issuer: str | None
    callback_url: str | None
    callback_is_off: bool
    limits_in_force: LimitsInForce
    api_keys: list[KeyLine]

    @classmethod
    def of(cls, tenant: Tenant, rates: DefaultRates) -> "TenantDetails":
        policy, stamp = tenant.policy, tenant.configuration
        challenges, setup = tenant.challenge_policy, tenant.challenge_setup or ChallengeSetup()
        return cls(
            tenant_id=tenant.id,
            name=tenant.name,
            state=tenant.state,
            created_at=timestamp(tenant.created_at),
            owner=tenant.owner,
            pass_key_expires=policy.expires_s,
            pass_key_max_fetches=tenant.max_fetches,
            pass_phrase=policy.mode,
            allowed_characters=policy.alphabet,
            length=policy.length,
            configured_by=stamp.created_by if stamp else None,
            configured_at=timestamp(stamp.updated_at) if stamp else None,
            default_country_code=tenant.country_code,
            allowed_origins=tenant.allowed_origins,
            submit_limit=tenant.submit_limit,
            fetch_limit=tenant.fetch_limit,
            challenge_life=challenges.life_s,
            lock_after=challenges.lock_after,
            totp=TotpCodes.of(challenges.totp),
            issuer=setup.issuer,
            callback_url=setup.callback_url,
            callback_is_off=setup.is_callback_off,
            limits_in_force=LimitsInForce.of(tenant, rates),
            api_keys=key_lines(tenant),
        )

    def text(self) -> str:
        limits = self.limits_in_force
        pairs = (
            ("tenant id", self.tenant_id),
            ("state", self.state),
            ("created", self.created_at),
            ("owner", _who(self.owner)),
            ("pass key expires", f"{self.pass_key_expires} s"),
            ("pass key max fetches", str(self.pass_key_max_fetches or "any number, until it expires")),
            ("pass phrase", self.pass_phrase),
            ("allowed characters", self.allowed_characters),
            ("length", str(self.length)),
            ("configured", self._configured()),
            ("default country code", f"+{self.default_country_code}" if self.default_country_code else "none"),
            ("allowed origins", ", ".join(self.allowed_origins)),
            ("submits per address", _limit(limits.submit_per_address, self.submit_limit)),
            ("submits per pass key", _limit(limits.submit_per_key, self.submit_limit)),
            ("fetches per API key", _limit(limits.fetch_per_api_key, self.fetch_limit)),
            ("challenge life", f"{self.challenge_life} s"),
            ("lock after", f"{self.lock_after} failures in a row"),
            ("TOTP codes", _totp(self.totp)),
            ("issuer", self.issuer or "-"),
            ("callbacks to", _callback(self.callback_url, is_off=self.callback_is_off)),
        )
        return f"{printable(self.name)}\n{listing(pairs)}\n\n{keys_text(self.api_keys)}"

    def _configured(self) -> str:
        if self.configured_at is None:
            return "never: the defaults apply"
        return f"{self.configured_at}, first by {_who(self.configured_by)}"


def key_lines(tenant: Tenant) -> list[KeyLine]:
    """Oldest first."""
    known = sorted(tenant.api_keys.items(), key=lambda item: item[1].created_at)
    return [
        KeyLine(api_key_id(digest), key.name, timestamp(key.created_at), key.scopes, key.networks)
        for digest, key in known
    ]


def keys_text(lines: list[KeyLine]) -> str:
    if not lines:
        return "No API key: `watchword key issue TENANT --name NAME` makes one."
    rows = [
        (line.key_id, line.name, line.created_at, " ".join(line.scopes), " ".join(line.networks) or "any")
        for line in lines
    ]
    return table(_KEY_HEADER, rows)


def _rate(own: int | None, default: Rate) -> str:
    rate = default if own is None else per_second(own)
    return f"{rate.quota}/{rate.window_s}" if rate.quota else "0"


def _limit(in_force: str, own: int | None) -> str:
    quota, _, seconds = in_force.partition("/")
    said = f"{quota} in {seconds} s" if seconds else "no limit"
    return said if own is not None else f"{said} (the deployment's)"


def _totp(codes: TotpCodes) -> str:
    return f"{codes.digest}, {codes.digits} digits, {codes.step} s, {codes.window} step(s) either way"


def _callback(url: str | None, *, is_off: bool) -> str:
    return f"{url or 'nobody'}{' (off: the receiver answered 410)' if is_off else ''}"


def _who(admin: AdminId | str | None) -> str:
    return "the operator" if admin is None else f"administrator {admin}"
