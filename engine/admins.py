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
from engine.recording import Kind as Deed
from engine.sealing import Keyring
from engine.seats import Seat, Seats
from engine.store import keys
from engine.store.admins import (
    AdminStore,
    ChangePasswordStatus,
    CreateStatus,
    OpenStatus,
    ReadStatus,
    SessionStatus,
    SetPasswordStatus,
)
from engine.store.keys import KeySpace
from engine.tokens import Kind, digest, mint, parse

SESSION_DAYS = 30
_SESSION_S = SESSION_DAYS * 24 * 60 * 60
_SCOPE = "admins"
_MADE_PASSWORD_LENGTH = 20


class Admin(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who signed up. Stored sealed: names and addresses are nobody else's business, and nobody who can merely
    write to Redis makes an operator."""

    name: str
    email: str
    created_at: int
    is_operator: bool = False


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Admin)


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
        seats: Seats,
        recorder: Recorder,
    ) -> None:
        self._store = store
        self._space = space
        self._keyring = keyring
        self._passwords = passwords
        self._limits = limits
        self._rates = rates
        self._seats = seats
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
            record=self._sealed(admin, admin_id),
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

    async def sign_in(self, *, email: str, password: str, address: str, life_s: int = _SESSION_S) -> str:
        """Open a session, of 30 days if nothing else is said; its token is returned once and stored never.

        Raises:
            WrongPassword: or nobody has this e-mail address: same answer, same time.
            LimitExceeded, Busy
        """
        admin_id = self._id(email)
        epoch = await self._verify(admin_id, password, address)
        return await self._open_session(admin_id, epoch, address, life_s)

    async def sign_out(self, text: str) -> None:
        """End a session before its time, if it is one."""
        token = parse(Kind.SESSION, text)
        if token is not None:
            admin_id = AdminId(token.subject)
            await self._store.close_session(
                admin=self._space.place_of_id(admin_id),
                session=token.digest,
                entry=self._recorder.admin(admin_id, by_admin(admin_id), by_admin(admin_id)),
            )

    async def change_password(
        self, admin_id: AdminId, *, current: str, password: str, address: str, life_s: int = _SESSION_S
    ) -> str:
        """Replace a password, end all sessions of its owner, and open one under the new password.

        Raises:
            WrongPassword: the current one is another, or was changed meanwhile.
            LimitExceeded, Busy
        """
        epoch = await self._verify(admin_id, current, address)
        changed = await self._store.change_password(
            admin=self._space.place_of_id(admin_id),
            epoch=epoch,
            password_hash=await self._passwords.hash(password),
            entry=self._recorder.admin(admin_id, by_admin(admin_id), by_admin(admin_id)),
        )
        if changed.status is ChangePasswordStatus.STALE:
            raise WrongPassword
        return await self._open_session(admin_id, changed.epoch, address, life_s)

    async def profile(self, admin_id: AdminId) -> Admin:
        """Who an administrator is.

        Raises:
            UnknownAdmin, CannotUnseal
        """
        found = await self._store.read(admin=self._space.place_of_id(admin_id))
        if found.status is ReadStatus.UNKNOWN:
            raise UnknownAdmin
        return self._opened(found.record, admin_id)

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

    async def promote(self, *, email: str) -> str:
        """Make an administrator an operator, who has every tenant in hand.

        The password is a new one, and every session is ended: an address is not verified at sign-up, so whoever
        took it may not be who is meant. All that comes before the promotion, so that it is never theirs.

        Raises:
            UnknownAdmin, Busy, CannotUnseal
        """
        password = await self.reset_password(email=email)
        await self._set_operator(self._id(email), is_operator=True)
        return password

    async def demote(self, *, email: str) -> None:
        """Raises: UnknownAdmin, CannotUnseal."""
        await self._set_operator(self._id(email), is_operator=False)

    async def seats(self, partition: int) -> list[Seat]:
        """Where the profiles of a partition's administrators are kept."""
        listed = await self._store.list(partition=self._space.partition(partition))
        return [self._seat(AdminId(admin_id)) for admin_id in listed.ids.decode().split()]

    async def _verify(self, admin_id: AdminId, password: str, address: str) -> int:
        """The epoch of a password, if it is the right one.

        Raises:
            WrongPassword, LimitExceeded, Busy
        """
        await self._limits.charge("address", self._rates.login_per_address, "login", address)
        await self._limits.charge("email", self._rates.login_per_email, "login", admin_id)
        found = await self._store.read(admin=self._space.place_of_id(admin_id))
        known = found.password_hash.decode() if found.status is ReadStatus.FOUND else None
        if not await self._passwords.verify(known, password):
            await self._recorder.sign_in_refused(admin_id, address, is_known=known is not None)
            raise WrongPassword
        return found.epoch

    async def _open_session(self, admin_id: AdminId, epoch: int, address: str, life_s: int) -> str:
        """Raises: WrongPassword: it was changed meanwhile."""
        token = mint(Kind.SESSION, admin_id)
        opened = await self._store.open_session(
            admin=self._space.place_of_id(admin_id),
            admin_id=admin_id,
            session=digest(token),
            epoch=epoch,
            ttl_ms=life_s * 1000,
            entry=self._recorder.admin(admin_id, by_admin(admin_id), self._recorder.address(address)),
        )
        if opened.status is OpenStatus.STALE:
            raise WrongPassword
        return token

    async def _set_operator(self, admin_id: AdminId, *, is_operator: bool) -> None:
        """Raises: UnknownAdmin, CannotUnseal."""

        def changed(content: bytes) -> bytes:
            admin = _decoder.decode(content)
            return _encoder.encode(msgspec.structs.replace(admin, is_operator=is_operator))

        if not await self._seats.rewrite(self._seat(admin_id), changed):
            raise UnknownAdmin
        await self._recorder.role_changed(admin_id, Deed.PROMOTE if is_operator else Deed.DEMOTE)

    def _seat(self, admin_id: AdminId) -> Seat:
        place = self._space.place_of_id(admin_id)
        return Seat(place.partition, keys.admin(place), "record", _SCOPE, admin_id.encode())

    def _sealed(self, admin: Admin, admin_id: AdminId) -> bytes:
        return self._keyring.seal(_encoder.encode(admin), scope=_SCOPE, bound_to=admin_id.encode())

    def _opened(self, record: bytes, admin_id: AdminId) -> Admin:
        """Raises: CannotUnseal."""
        return _decoder.decode(self._keyring.unseal(record, scope=_SCOPE, bound_to=admin_id.encode()))

    def _id(self, email: str) -> AdminId:
        return AdminId(self._space.digest("admin", email.strip().casefold()))
