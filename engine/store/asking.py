"""One question to one server, on a connection of its own: for Sentinels, and for the map of a Cluster.

Not redis-py: its asyncio client swallowed six of ten cancellations (8.1), so that a link could not be closed, nor
a question be given a time.
"""

import asyncio
from typing import Any

from engine.store.address import Address
from engine.store.connection import Argument, Call, Connection
from engine.store.errors import LinkDown, ScriptFailed
from engine.store.handshake import sign_in

_PATIENCE_SECONDS = 0.3


async def ask_once(address: Address, *command: Argument) -> Any:  # noqa: ANN401  # whatever a server answers
    """The answer.

    Raises:
        LinkDown: there is none, or it is a refusal; the sentence says why.
    """
    connection = Connection(on_lost=_fail_all, on_reload=_nothing, on_invalidated=_nothing)
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            await address.connect(lambda: connection)
            await sign_in(connection, address, "watchword-asking")
            return await connection.ask(*command)
    except (OSError, ScriptFailed) as error:  # TimeoutError is an OSError
        raise LinkDown(str(error) or type(error).__name__) from None
    finally:
        connection.abort()


def _fail_all(connection: Connection, unanswered: list[Call]) -> None:
    del connection
    for call in unanswered:
        call.fail(LinkDown())


def _nothing(*told: object) -> None:
    del told
