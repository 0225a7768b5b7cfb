"""Log-in, sign-up, log-out, and the password."""

from edge.console import forms
from edge.console.forms import Form
from edge.console.views import draw, page, see_other
from edge.console.visitors import SESSION_S, begun, ended, read_visitor, session_of
from edge.http import Reply, Request
from edge.state import EdgeState
from engine.errors import Invalid, WrongPassword

HOME = "/console"


async def show_log_in(state: EdgeState, request: Request) -> Reply:
    return page(draw(request, "log_in", None, form=Form()))


async def log_in(state: EdgeState, request: Request) -> Reply:
    """Raises: OriginRefused, Invalid, WrongPassword, LimitExceeded, Busy."""
    given = await forms.LOG_IN.read(state, request, lambda form: draw(request, "log_in", None, form=form))
    return await _enter(state, request, given.email, given.password)


async def show_sign_up(state: EdgeState, request: Request) -> Reply:
    return page(draw(request, "sign_up", None, form=Form()))


async def sign_up_at_console(state: EdgeState, request: Request) -> Reply:
    """Raises: OriginRefused, Invalid, EmailTaken, LimitExceeded, Busy."""
    given = await forms.SIGN_UP.read(state, request, lambda form: draw(request, "sign_up", None, form=form))
    await state.engine.admins.sign_up(
        name=given.name,
        email=given.email,
        password=given.password,
        address=state.client_addresses.of(request),
    )
    return await _enter(state, request, given.email, given.password)


async def log_out(state: EdgeState, request: Request) -> Reply:
    """Raises: OriginRefused."""
    await forms.LOG_OUT.read(state, request, lambda form: draw(request, "log_in", None, form=form))
    await _leave(state, request)
    return see_other(f"{HOME}/log-in", ended(state, request))


async def show_password(state: EdgeState, request: Request) -> Reply:
    """Raises: Unauthenticated."""
    visitor = await read_visitor(state, request)
    is_done = request.scope["query_string"] == b"done"
    return page(draw(request, "password", visitor, form=Form(), is_done=is_done))


async def change_password(state: EdgeState, request: Request) -> Reply:
    """Raises: Unauthenticated, OriginRefused, Invalid, WrongPassword, LimitExceeded, Busy."""
    visitor = await read_visitor(state, request)
    given = await forms.PASSWORD_CHANGE.read(
        state, request, lambda form: draw(request, "password", visitor, form=form, is_done=False)
    )
    if given.password != given.again:
        raise Invalid.value("again", "different")
    try:
        token = await state.engine.admins.change_password(
            visitor.id,
            current=given.current,
            password=given.password,
            address=state.client_addresses.of(request),
            life_s=SESSION_S,
        )
    except WrongPassword:
        raise Invalid.value("current", "wrong") from None
    return see_other(f"{HOME}/password?done", begun(state, request, token))


async def _enter(state: EdgeState, request: Request, email: str, password: str) -> Reply:
    token = await state.engine.admins.sign_in(
        email=email, password=password, address=state.client_addresses.of(request), life_s=SESSION_S
    )
    await _leave(state, request)
    return see_other(HOME, begun(state, request, token))


async def _leave(state: EdgeState, request: Request) -> None:
    """End the session that came with the request, if one did."""
    if (token := session_of(state, request)) is not None:
        await state.engine.admins.sign_out(token)
