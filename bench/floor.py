"""The floor: the least that uvicorn can do for a request. Every figure is told as a ratio to it."""

from starlette.types import Receive, Scope, Send

_BODY = b'{"status":"Success","pass_phrase":"836159"}'
_HEADERS = [(b"content-type", b"application/json"), (b"content-length", b"43")]


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """One constant answer to everything."""
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return
    await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
    await send({"type": "http.response.body", "body": _BODY})
