"""What travels between pages and this edge."""

from typing import Annotated

import msgspec
from msgspec import Meta

from edge.wire import Body


class SignIn(msgspec.Struct):
    email: Annotated[str, Meta(min_length=1, max_length=254)]
    password: Annotated[str, Meta(min_length=1, max_length=1024)]


class LookUp(msgspec.Struct):
    """How the customer is known: in a body, since addresses are written down on their way."""

    pass_key: Annotated[str, Meta(min_length=1, max_length=256)]


class Person(msgspec.Struct):
    name: str
    email: str


class Session(msgspec.Struct):
    """Who is signed in, None = nobody."""

    agent: Person | None


class Found(msgspec.Struct):
    """A passcode, and for how long its customer sees it."""

    pass_phrase: str
    left_ms: int


SIGN_IN = Body(SignIn)
LOOK_UP = Body(LookUp)
