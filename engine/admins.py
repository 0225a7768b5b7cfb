"""Administrators: they sign up, sign in, and run tenants."""

import secrets
import string
import time
from typing import NamedTuple

import msgspec

from engine.errors import EmailTaken, Unauthenticated, UnknownAdmin, WrongPassword
from engine.ids import AdminId
from engine.limits import Limits
from engine.passwords import Passwords
from engine.rates import DefaultRates
from engine.recording import OPERATOR, Recorder, by_admin
from engine.sealing import Keyring
from engine.seats import Seat
from engine.store import keys
from engine.store.admins import (
    AdminStore,
    CreateStatus,
    OpenStatus,
    ReadStatus,
    SessionStatus,
    SetPasswordStatus,
)
from engine.store.keys import KeySpace
from engine.tokens import Kind, digest, mint, parse

SESSION_DAYS = 30
_SESSION_MS = SESSION_DAYS * 24 * 60 * 60 * 1000
_SCOPE = "admins"
_MADE_PASSWORD_LENGTH = 20


class Admin(msgspec.Struct, frozen=True):
    """Who signed up. Stored sealed: names and addresses are nobody else's business."""

    name: str
    email: str
    created_at: int


class SignedUp(NamedTuple):
    id: AdminId
    admin: Admin


class Admins:
    def __init__(
        self,
        store: AdminStore,
        space: KeySpace,
        *,
        keyring: Keyring,
        passwords: Passwords,
        limits: Limits,
        rates: DefaultRates,
        recorder: Recorder,
    ) -> None:
        self._store = store
        self._space = space
        self._keyring = keyring
        self._passwords = passwords
        self._limits = limits
        self._rates = rates
        self._recorder = recorder

    async def sign_up(self, *, name: str, email: str, password: str, address: str) -> SignedUp:
        """Register under an e-mail address. Its letters' case does not matter.

        Raises:
            EmailTaken, LimitExceeded, Busy
        """
        admin_id = self._id(email)
        await self._limits.charge("address", self._rates.sign_up_per_address, "sign-up", address)
        await self._limits.charge("email", self._rates.sign_up_per_email, "sign-up", admin_id)
        password_hash = await self._passwords.hash(password)
        admin = Admin(name, email, int(time.time()))
        reply = await self._store.create(
            admin=self._space.place_of_id(admin_id),
            admin_id=admin_id,
            record=self._keyring.seal(msgspec.json.encode(admin), scope=_SCOPE, bound_to=admin_id.encode()),
            password_hash=password_hash,
            entry=self._recorder.admin(admin_id, self._recorder.address(address), by_admin(admin_id)),
        )
        if reply.status is CreateStatus.EXISTS:
            raise EmailTaken
        return SignedUp(admin_id, admin)

    async def charge_new_tenant(self, admin_id: AdminId) -> None:
        """Tenants stay until somebody deletes them: an administrator may not create them without end.

        Raises:
            LimitExceeded
        """
        await self._limits.charge("email", self._rates.sign_up_per_email, "tenant", admin_id)

    async def sign_in(self, *, email: str, password: str, address: str) -> str:
        """Open a session of 30 days; its token is returned once and stored never.

        Raises:
            WrongPassword: or nobody has this e-mail address: same answer, same time.
            LimitExceeded, Busy
        """
        admin_id = self._id(email)
        await self._limits.charge("address", self._rates.login_per_address, "login", address)
        await self._limits.charge("email", self._rates.login_per_email, "login", admin_id)
        place = self._space.place_of_id(admin_id)
        found = await self._store.read(admin=place)
        known = found.password_hash.decode() if found.status is ReadStatus.FOUND else None
        if not await self._passwords.verify(known, password):
            await self._recorder.sign_in_refused(admin_id, address, is_known=known is not None)
            raise WrongPassword
        token = mint(Kind.SESSION, admin_id)
        opened = await self._store.open_session(
            admin=place,
            admin_id=admin_id,
            session=digest(token),
            epoch=found.epoch,
            ttl_ms=_SESSION_MS,
            entry=self._recorder.admin(admin_id, by_admin(admin_id), self._recorder.address(address)),
        )
        if opened.status is OpenStatus.STALE:
            raise WrongPassword
        return token

    async def authenticate(self, text: str) -> AdminId:
        """Whose session this is.

        Raises:
            Unauthenticated: malformed, expired, or opened under an earlier password.
        """
        token = parse(Kind.SESSION, text)
        if token is None:
            raise Unauthenticated
        reply = await self._store.read_session(admin=self._space.place_of_id(token.subject), session=token.digest)
        if reply.status is SessionStatus.OVER:
            raise Unauthenticated
        return AdminId(token.subject)

    async def reset_password(self, *, email: str) -> str:
        """Give a new password, and end every session opened under the old one.

        Raises:
            UnknownAdmin, Busy
        """
        alphabet = string.ascii_letters + string.digits
        password = "".join(secrets.choice(alphabet) for _ in range(_MADE_PASSWORD_LENGTH))
        admin_id = self._id(email)
        reply = await self._store.set_password(
            admin=self._space.place_of_id(admin_id),
            password_hash=await self._passwords.hash(password),
            entry=self._recorder.admin(admin_id, OPERATOR, by_admin(admin_id)),
        )
        if reply.status is SetPasswordStatus.UNKNOWN:
            raise UnknownAdmin
        return password

    async def seats(self, partition: int) -> list[Seat]:
        """Where the profiles of a partition's administrators are kept."""
        listed = await self._store.list(partition=self._space.partition(partition))
        return [
            Seat(partition, keys.admin(self._space.place_of_id(admin_id)), "record", _SCOPE, admin_id.encode())
            for admin_id in listed.ids.decode().split()
        ]

    def _id(self, email: str) -> AdminId:
        return AdminId(self._space.digest("admin", email.strip().casefold()))
