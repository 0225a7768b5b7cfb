"""Administrators: sign-up, sign-in, sessions, and limits on both."""

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from engine.admins import SESSION_DAYS
from engine.assembly import Engine, Options, open_engine
from engine.errors import EmailTaken, LimitExceeded, SealBroken, Unauthenticated, UnknownAdmin, WrongPassword
from engine.rates import Rate
from engine.tokens import Kind, digest, mint
from tests.conftest import NO_LIMITS, OWNER
from tests.engine.servers import scan

if TYPE_CHECKING:
    from engine.ids import AdminId
    from tests.engine.servers import Admin

pytestmark = pytest.mark.anyio

EMAIL, PASSWORD, ADDRESS = "ada@example.com", "correct horse", "192.0.2.1"
DAY_MS = 24 * 60 * 60 * 1000


async def sign_up(engine: Engine, email: str = EMAIL, password: str = PASSWORD) -> "AdminId":
    return (await engine.admins.sign_up(name="Ada", email=email, password=password, address=ADDRESS)).id


async def sign_in(engine: Engine, email: str = EMAIL, password: str = PASSWORD) -> str:
    return await engine.admins.sign_in(email=email, password=password, address=ADDRESS)


async def test_who_signed_up_can_sign_in(engine: Engine) -> None:
    signed_up = await engine.admins.sign_up(name="Ada", email=EMAIL, password=PASSWORD, address=ADDRESS)
    assert (signed_up.admin.name, signed_up.admin.email) == ("Ada", EMAIL)
    assert await engine.admins.authenticate(await sign_in(engine)) == signed_up.id


@pytest.mark.parametrize("email", [EMAIL, "Ada@Example.COM", f" {EMAIL} "])
async def test_an_email_address_is_taken_in_any_spelling(engine: Engine, email: str) -> None:
    admin_id = await sign_up(engine)
    with pytest.raises(EmailTaken):
        await sign_up(engine, email, "another password")
    assert await engine.admins.authenticate(await sign_in(engine, email)) == admin_id


async def test_of_many_sign_ups_at_once_one_is_made(engine: Engine) -> None:
    results = await asyncio.gather(*[sign_up(engine) for _ in range(10)], return_exceptions=True)
    assert sum(isinstance(result, EmailTaken) for result in results) == 9


async def test_a_wrong_password_and_an_unknown_address_are_one_answer(engine: Engine) -> None:
    await sign_up(engine)
    for email, password in ((EMAIL, "wrong"), ("eve@example.com", PASSWORD), (EMAIL, "")):
        with pytest.raises(WrongPassword) as refusal:
            await sign_in(engine, email, password)
        assert refusal.value.args == ()


async def test_a_session_lasts_thirty_days(engine: Engine, admin_redis: "Admin") -> None:
    await sign_up(engine)
    await sign_in(engine)
    (session,) = [key for key in scan(admin_redis) if b":session:" in key]
    remaining_ms = admin_redis.pttl(session)
    assert SESSION_DAYS * DAY_MS - 60_000 < remaining_ms <= SESSION_DAYS * DAY_MS
    assert SESSION_DAYS == 30


async def test_an_expired_session_is_over(engine: Engine, admin_redis: "Admin") -> None:
    await sign_up(engine)
    token = await sign_in(engine)
    (session,) = [key for key in scan(admin_redis) if b":session:" in key]
    admin_redis.pexpireat(session, 1)
    with pytest.raises(Unauthenticated):
        await engine.admins.authenticate(token)


async def test_what_is_no_session_is_refused(engine: Engine) -> None:
    admin_id = await sign_up(engine)
    for text in ("", "wws", mint(Kind.SESSION, admin_id), mint(Kind.SESSION, "0" * 32)):
        with pytest.raises(Unauthenticated):
            await engine.admins.authenticate(text)


async def test_one_administrators_session_is_not_anothers(engine: Engine) -> None:
    ada, eve = await sign_up(engine), await sign_up(engine, "eve@example.com")
    token = await sign_in(engine)
    assert await engine.admins.authenticate(token) == ada != eve
    with pytest.raises(Unauthenticated):
        await engine.admins.authenticate(token.replace(ada, eve))


async def test_a_reset_gives_a_new_password_and_ends_every_session(engine: Engine) -> None:
    admin_id = await sign_up(engine)
    sessions = [await sign_in(engine) for _ in range(3)]
    password = await engine.admins.reset_password(email=EMAIL.upper())
    for token in sessions:
        with pytest.raises(Unauthenticated):
            await engine.admins.authenticate(token)
    with pytest.raises(WrongPassword):
        await sign_in(engine)
    assert await engine.admins.authenticate(await sign_in(engine, password=password)) == admin_id
    assert len(password) == 20


async def test_nobodys_password_cannot_be_reset(engine: Engine) -> None:
    with pytest.raises(UnknownAdmin):
        await engine.admins.reset_password(email=EMAIL)


async def test_redis_holds_no_name_address_password_or_token(engine: Engine, admin_redis: "Admin") -> None:
    await sign_up(engine)
    token = await sign_in(engine)
    held = b"".join(key + (admin_redis.dump(key) or b"") for key in scan(admin_redis))
    for secret in ("Ada", EMAIL, PASSWORD, token):
        assert secret.encode() not in held
    assert digest(token).encode() in held


async def test_guesses_are_limited_by_address_of_mail_and_of_client(engine_options: Options) -> None:
    rates = NO_LIMITS._replace(login_per_email=Rate(2, 3600), login_per_address=Rate(4, 3600))
    async with open_engine(replace(engine_options, rates=rates)) as engine:
        await sign_up(engine)
        for _ in range(2):
            with pytest.raises(WrongPassword):
                await sign_in(engine, password="wrong")
        with pytest.raises(LimitExceeded) as refusal:
            await sign_in(engine)
        assert (refusal.value.state.policy, refusal.value.state.quota) == ("email", 2)
        with pytest.raises(WrongPassword):
            await sign_in(engine, "eve@example.com")
        with pytest.raises(LimitExceeded) as refusal:
            await sign_in(engine, "mallory@example.com")
        assert refusal.value.state.policy == "address"


async def test_sign_ups_are_limited_by_address_of_mail_and_of_client(engine_options: Options) -> None:
    rates = NO_LIMITS._replace(sign_up_per_email=Rate(1, 3600), sign_up_per_address=Rate(3, 3600))
    async with open_engine(replace(engine_options, rates=rates)) as engine:
        await sign_up(engine)
        with pytest.raises(LimitExceeded, match="email"):
            await sign_up(engine)
        await sign_up(engine, "eve@example.com")
        with pytest.raises(LimitExceeded, match="address"):
            await sign_up(engine, "mallory@example.com")


async def test_a_signed_out_session_is_over_and_others_are_not(engine: Engine) -> None:
    admin_id = await sign_up(engine)
    first, second = await sign_in(engine), await sign_in(engine)
    for _ in range(2):  # there is nothing wrong with doing it again
        await engine.admins.sign_out(first)
    await engine.admins.sign_out("no session")
    with pytest.raises(Unauthenticated):
        await engine.admins.authenticate(first)
    assert await engine.admins.authenticate(second) == admin_id


async def test_a_session_may_be_shorter(engine: Engine, admin_redis: "Admin") -> None:
    await sign_up(engine)
    await engine.admins.sign_in(email=EMAIL, password=PASSWORD, address=ADDRESS, life_s=60)
    (session,) = [key for key in scan(admin_redis) if b":session:" in key]
    assert 50_000 < admin_redis.pttl(session) <= 60_000


async def change_password(engine: Engine, admin_id: "AdminId", current: str, password: str) -> str:
    return await engine.admins.change_password(admin_id, current=current, password=password, address=ADDRESS)


async def test_a_changed_password_ends_every_session_but_the_new_one(engine: Engine) -> None:
    admin_id = await sign_up(engine)
    old = await sign_in(engine)
    new = await change_password(engine, admin_id, PASSWORD, "another")
    assert await engine.admins.authenticate(new) == admin_id
    with pytest.raises(Unauthenticated):
        await engine.admins.authenticate(old)
    with pytest.raises(WrongPassword):
        await sign_in(engine)
    await sign_in(engine, password="another")


async def test_a_password_is_not_changed_by_who_does_not_know_it(engine: Engine) -> None:
    admin_id = await sign_up(engine)
    token = await sign_in(engine)
    with pytest.raises(WrongPassword):
        await change_password(engine, admin_id, "wrong", "another")
    assert await engine.admins.authenticate(token) == admin_id


async def test_of_many_changes_of_a_password_at_once_one_is_made(engine: Engine) -> None:
    admin_id = await sign_up(engine)
    changes = [change_password(engine, admin_id, PASSWORD, f"another {number}") for number in range(8)]
    results = await asyncio.gather(*changes, return_exceptions=True)
    won = [number for number, result in enumerate(results) if isinstance(result, str)]
    assert sum(isinstance(result, WrongPassword) for result in results) == 7
    await sign_in(engine, password=f"another {won[0]}")


async def test_guesses_of_the_current_password_are_limited_as_sign_ins_are(engine_options: Options) -> None:
    rates = NO_LIMITS._replace(login_per_email=Rate(2, 3600))
    async with open_engine(replace(engine_options, rates=rates)) as engine:
        admin_id = await sign_up(engine)
        for _ in range(2):
            with pytest.raises(WrongPassword):
                await change_password(engine, admin_id, "wrong", "another")
        with pytest.raises(LimitExceeded):
            await change_password(engine, admin_id, PASSWORD, "another")


async def test_a_profile_is_read_as_it_was_written(engine: Engine) -> None:
    profile = await engine.admins.profile(await sign_up(engine))
    assert (profile.name, profile.email, profile.is_operator) == ("Ada", EMAIL, False)
    with pytest.raises(UnknownAdmin):
        await engine.admins.profile(OWNER)


async def test_who_is_promoted_gets_a_new_password_and_whoever_was_in_is_out(engine: Engine) -> None:
    """Nobody has checked whose the address is."""
    admin_id = await sign_up(engine)
    token = await sign_in(engine)
    password = await engine.admins.promote(email=EMAIL.upper())
    with pytest.raises(Unauthenticated):
        await engine.admins.authenticate(token)
    with pytest.raises(WrongPassword):
        await sign_in(engine)
    await sign_in(engine, password=password)
    assert (await engine.admins.profile(admin_id)).is_operator

    await engine.admins.demote(email=EMAIL)
    assert not (await engine.admins.profile(admin_id)).is_operator


async def test_nobody_is_not_promoted(engine: Engine) -> None:
    with pytest.raises(UnknownAdmin):
        await engine.admins.promote(email=EMAIL)
    with pytest.raises(UnknownAdmin):
        await engine.admins.demote(email=EMAIL)


async def test_the_seal_of_one_administrator_makes_no_operator_of_another(
    engine: Engine, admin_redis: "Admin"
) -> None:
    """Who can write to Redis, and has no key, cannot promote."""
    ada, eve = await sign_up(engine), await sign_up(engine, "eve@example.com")
    await engine.admins.promote(email=EMAIL)
    holders = [key for key in scan(admin_redis) if b":admin:" in key]
    promoted = max([admin_redis.hget(key, "record") or b"" for key in holders], key=len)
    for key in holders:
        admin_redis.hset(key, "record", promoted)
    with pytest.raises(SealBroken):
        await engine.admins.profile(eve)
    assert (await engine.admins.profile(ada)).is_operator
