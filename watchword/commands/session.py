"""What every command needs: the settings, an engine on the running server's Redis, refusals as sentences."""

import asyncio
import fcntl
import os
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from functools import wraps
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

import click

from engine.assembly import Engine, open_engine
from engine.errors import (
    AgentTaken,
    CannotUnseal,
    Invalid,
    Misconfigured,
    OutcomeUnknown,
    Problem,
    Refusal,
    ScriptFailed,
    TenantNameTaken,
    TooManyAgents,
    Unavailable,
    UnknownAdmin,
    UnknownAgent,
    UnknownApiKey,
    UnknownClient,
    UnknownDelivery,
    UnknownFactor,
    UnknownTenant,
)
from watchword.embedded import redis_for, running_url
from watchword.options import engine_options, with_embedded_redis
from watchword.servers import EmbeddedError
from watchword.settings import Settings, read_settings

REDIS_PATIENCE_SECONDS = 5
_TURN_PATIENCE_SECONDS = 30
_POLL_SECONDS = 0.01

_REFUSALS: dict[type[Exception], str] = {
    UnknownTenant: "No tenant has this id: `watchword tenant list` shows those there are.",
    TenantNameTaken: "Another tenant has this name; the case of its letters does not matter.",
    UnknownApiKey: "The tenant has no API key with this id: `watchword key list TENANT` shows those it has.",
    UnknownClient: "The tenant has no client with this id: `watchword client list --tenant ID` shows them.",
    UnknownFactor: "Nothing is kept for this user.",
    UnknownDelivery: "No message of this id was given up: `watchword deliveries list --tenant ID` shows them.",
    UnknownAgent: "No agent has this e-mail address: `watchword agent list --tenant ID` shows those there are.",
    AgentTaken: "The tenant has an agent with this e-mail address; the case of its letters does not matter.",
    TooManyAgents: "The tenant has as many agents as it may have.",
    UnknownAdmin: "Nobody signed up with this e-mail address.",
}
_OUTCOME_UNKNOWN = "Redis did not answer in time. It may have done what was asked: look before you repeat it."
_RULES = {"min": "at least", "max": "at most"}
_OPTIONS = {
    "length": "--length",
    "expires_s": "--pass-key-expires",
    "life_s": "--challenge-life",
    "lock_after": "--lock-after",
    "digits": "--totp-digits",
    "step_s": "--totp-step",
    "window": "--totp-window",
}

P = ParamSpec("P")
R = TypeVar("R")


def pass_settings(command: Callable[Concatenate[Settings, P], R]) -> Callable[P, R]:
    """Read the settings when a command runs, and not earlier: `--help` is read when they are wrong."""

    @wraps(command)
    def with_settings(*args: P.args, **kwargs: P.kwargs) -> R:
        with plain_refusals():
            settings = read_settings(os.environ)
        return command(settings, *args, **kwargs)

    return with_settings


def run(settings: Settings, work: Callable[[Engine], Awaitable[R]], *, is_endless: bool = False) -> R:
    """Do a command's work with an engine on the Redis of the running server.

    What is endless takes no turn, or no other command would get one.

    Raises:
        click.ClickException: it was refused, or could not be done; the sentence says why.
    """
    redis = redis_that_runs if is_endless else redis_of
    with plain_refusals(), redis(settings) as complete:
        return asyncio.run(_run(complete, work))


@contextmanager
def redis_of(settings: Settings) -> Generator[Settings]:
    """The settings completed with the embedded Redis, started for the moment if none runs and none is set.

    Raises:
        EmbeddedError
    """
    if settings.redis_url is not None:
        yield settings
        return
    with _turn(settings.data_dir), redis_for(settings.data_dir) as url:
        yield with_embedded_redis(settings, url)


@contextmanager
def redis_that_runs(settings: Settings) -> Generator[Settings]:
    """As redis_of, but nothing is started.

    Raises:
        EmbeddedError
    """
    if settings.redis_url is not None:
        yield settings
    elif url := running_url(settings.data_dir):
        yield with_embedded_redis(settings, url)
    else:
        raise EmbeddedError(f"no server runs on {settings.data_dir}, so nothing comes that could be waited for")


@contextmanager
def plain_refusals() -> Generator[None]:
    """An operator reads a sentence, and no traceback. The exit code is 1."""
    try:
        yield
    except (Misconfigured, EmbeddedError, OSError) as error:
        raise click.ClickException(str(error)) from None
    except Invalid as error:
        raise click.ClickException("; ".join(map(_sentence, error.problems))) from None
    except CannotUnseal as error:
        raise click.ClickException(f"Refused: {error}. `watchword keys status` tells more.") from None
    except Refusal as error:
        raise click.ClickException(_REFUSALS.get(type(error), f"Refused: {error.reason}.")) from None
    except OutcomeUnknown:
        raise click.ClickException(_OUTCOME_UNKNOWN) from None
    except (Unavailable, ScriptFailed) as error:
        said = str(error) or "it does not answer"
        raise click.ClickException(f"Redis does not work: {said}. `watchword doctor` tells more.") from None


async def _run(settings: Settings, work: Callable[[Engine], Awaitable[R]]) -> R:
    async with _engine(settings) as engine:
        return await work(engine)


@asynccontextmanager
async def _engine(settings: Settings) -> AsyncGenerator[Engine]:
    options = engine_options(settings)
    async with AsyncExitStack() as stack:
        try:
            async with asyncio.timeout(REDIS_PATIENCE_SECONDS):
                engine = await stack.enter_async_context(open_engine(options))
        except TimeoutError:
            raise Misconfigured(
                f"Redis did not answer within {REDIS_PATIENCE_SECONDS} s: check WATCHWORD_REDIS_URL; "
                "`watchword doctor` tells more"
            ) from None
        yield engine


@contextmanager
def _turn(data_dir: Path) -> Generator[None]:
    """Commands on one directory take turns, so that none ends the Redis that another one was lent."""
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(data_dir / "command.lock", os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        deadline = time.monotonic() + _TURN_PATIENCE_SECONDS
        while not _locked(descriptor):
            if time.monotonic() > deadline:
                raise EmbeddedError(f"other commands on {data_dir} have not ended in {_TURN_PATIENCE_SECONDS} s")
            time.sleep(_POLL_SECONDS)
        yield
    finally:
        os.close(descriptor)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _sentence(problem: Problem) -> str:
    option = _OPTIONS.get(problem.field, f"--{problem.field.replace('_', '-')}")
    if problem.rule in _RULES:
        return f"{option} is {_RULES[problem.rule]} {problem.bound}"
    return f"{option} cannot be read as what it is"
