"""A receiver, and a sender that may call it."""

from ipaddress import ip_network
from typing import TYPE_CHECKING

import pytest

from edge.courier.guard import Guard
from edge.courier.sender import Sender
from tests.courier.receiver import Receiver

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator

PATIENT_SECONDS = 30
LOOPBACK_ALLOWED = Guard([ip_network("127.0.0.0/8")])


@pytest.fixture
def receiver() -> "Generator[Receiver]":
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
async def sender() -> "AsyncGenerator[Sender]":
    async with Sender(LOOPBACK_ALLOWED, timeout_s=PATIENT_SECONDS, max_connections=8) as sender:
        yield sender
