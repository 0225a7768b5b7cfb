"""A URL may hold secrets, and so may what is sent to it: none of that is in a log or an error."""

import asyncio
import logging
import traceback
from ipaddress import ip_address
from typing import TYPE_CHECKING

import pytest

from edge.courier.sender import Callback, Outcome, Sender
from tests.courier.conftest import LOOPBACK_ALLOWED
from tests.courier.receiver import Receiver, drip_body, hang, raw, redirect, reset, status
from tests.engine.servers import free_port

if TYPE_CHECKING:
    from edge.courier.guard import Address

pytestmark = pytest.mark.anyio

SECRET = "xylophone"
WAYS = {
    "ok": status(200),
    "gone": status(410, ("Retry-After", SECRET)),
    "redirect": redirect(f"http://{SECRET}.example/{SECRET}"),
    "hang": hang,
    "reset": reset,
    "drip": drip_body,
    "nonsense": raw(SECRET.encode() + b"\r\n\r\n"),
}


async def resolve(host: str) -> "list[Address]":
    if host.startswith("unknown"):
        raise OSError(f"{host}: unknown")
    return [ip_address("10.0.0.1" if host.startswith("inner") else "127.0.0.1")]


def urls(receiver: Receiver) -> list[str]:
    """One for everything that can become of a callback."""
    tail = f"/{SECRET}?token={SECRET}"
    hosts = [f"{name}.{SECRET}.example" for name in ("inner", "unknown")]
    return [
        *[receiver.url(f"/{name}?token={SECRET}", host=f"{SECRET}.example") for name in WAYS],
        *[receiver.url(tail, host=host) for host in hosts],
        receiver.url(tail).replace("http", "https"),
        f"http://{SECRET}.example:{free_port()}{tail}",
        f"http://{SECRET}:{SECRET}@127.0.0.1{tail}",
        f"{SECRET}://127.0.0.1{tail}",
    ]


async def test_no_log_and_no_error_tells_of_a_callback(
    receiver: Receiver, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.NOTSET)
    for name, way in WAYS.items():
        receiver.behave(f"/{name}", way)
    callbacks = [Callback(url, (("X-Token", SECRET),), SECRET.encode()) for url in urls(receiver)]

    async with Sender(LOOPBACK_ALLOWED, timeout_s=1, max_connections=20, resolve=resolve) as sender:
        answers = await asyncio.gather(*map(sender.send, callbacks))
        cancelled = asyncio.ensure_future(sender.send(callbacks[3]))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(cancelled, 0.1)
        with pytest.raises(ValueError, match="header") as error:
            await sender.send(callbacks[0]._replace(headers=((f"X {SECRET}", SECRET),)))

    assert {answer.outcome for answer in answers} == set(Outcome)
    assert SECRET not in "".join(traceback.format_exception(error.value))
    assert SECRET not in caplog.text
    assert SECRET not in "".join(capfd.readouterr())
