"""Forms: what may be filled in, what was, and what is wrong with it.

A refusal is told by the form that it is about, filled in as it was, except for secrets. An operation notes the
form on its request before it asks the engine; the dialect draws it again if the answer is no.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Generic, Literal, TypeVar

import msgspec
from msgspec import Meta

from edge.errors import Row
from edge.fields import Email, ExpiresS, GivenEmail, GivenPassword, Name, NewPassword, PhraseLength, TenantName
from edge.http import Request
from edge.pages.sessions import require_own_page
from edge.state import EdgeState
from edge.wire import Query
from engine.errors import Invalid, Problem
from engine.policies import Alphabet, Mode

T = TypeVar("T", bound=msgspec.Struct)

MAX_FETCHES = 1_000_000
_MOST_ORIGINS_TEXT = 8000

_SENTENCES = {
    "required": "Please fill this in.",
    "integer": "Please give a whole number.",
    "format": "This has a form that cannot be used.",
    "choice": "Please choose one of these.",
    "min": "The least is {bound}.",
    "max": "The most is {bound}.",
    "min_length": "Please give at least {bound} characters.",
    "max_length": "Please give at most {bound} characters.",
    "origin": "Every line must be an origin such as https://www.example.com, without a path; or a single *.",
    "per_second": "Please give a whole number of at most 6 digits, or leave it empty.",
    "different": "The two passwords are not the same.",
    "wrong": "This is not your password.",
    "unticked": "Please tick this first.",
}


PerSecond = Annotated[str, Meta(max_length=6, pattern=r"^[0-9]*\Z")]


class LogIn(msgspec.Struct):
    email: GivenEmail
    password: GivenPassword


class SignUp(msgspec.Struct):
    name: Name
    email: Email
    password: NewPassword


class LogOut(msgspec.Struct):
    pass


class NewTenant(msgspec.Struct):
    tenant_name: TenantName


class PasswordChange(msgspec.Struct):
    current: GivenPassword
    password: NewPassword
    again: Annotated[str, Meta(min_length=1, max_length=1024)]


class KeyRefresh(msgspec.Struct):
    """`instead_of` are the ids of the keys that the reader has seen, separated by blanks."""

    instead_of: Annotated[str, Meta(max_length=4000)] = ""
    sure: Literal["yes", ""] = ""


class Passcodes(msgspec.Struct):
    """`step` tells the two buttons apart."""

    mode: Mode
    alphabet: Alphabet
    length: PhraseLength
    expires_s: ExpiresS
    max_fetches: Annotated[int, Meta(ge=0, le=MAX_FETCHES)]
    step: Literal["preview", "save"] = "save"


class Origins(msgspec.Struct):
    """One in each line."""

    origins: Annotated[str, Meta(max_length=_MOST_ORIGINS_TEXT)]


class NewAgent(msgspec.Struct):
    name: Name
    email: Email


class KnownAgent(msgspec.Struct):
    """The address is the one that the list has."""

    email: GivenEmail


class PassKey(msgspec.Struct):
    pass_key: Annotated[str, Meta(min_length=1, max_length=64)]


class StateChange(msgspec.Struct):
    state: Literal["active", "suspended"]


class Limits(msgspec.Struct):
    """Per second; empty = the deployment's, 0 = none."""

    submit_limit: PerSecond
    fetch_limit: PerSecond


@dataclass(slots=True)
class Form:
    """A form as a page shows it. `errors` are sentences by field, `refusal` what is about no field."""

    values: Mapping[str, object] = field(default_factory=dict[str, object])
    errors: dict[str, str] = field(default_factory=dict[str, str])
    refusal: str = ""

    def value(self, name: str) -> str:
        return str(self.values.get(name, ""))

    def note(self, error: Exception, row: Row) -> None:
        """Take a refusal in: what is wrong with which field, or with none."""
        if isinstance(error, Invalid) and error.problems:
            for problem in error.problems:
                self.errors.setdefault(problem.field, _sentence(problem))
        elif row.field is not None:
            self.errors[row.field] = row.sentence
        else:
            self.refusal = row.sentence


@dataclass(slots=True)
class Filled:
    """What was filled in, and how its page is drawn."""

    form: Form
    draw: Callable[[Form], bytes]


def filled_in(request: Request) -> Form:
    """The form that the request has brought; an empty one if it has brought none."""
    return request.filled.form if isinstance(request.filled, Filled) else Form()


class Reader(Generic[T]):
    """Reads forms of a kind, sent by pages of this edge only."""

    def __init__(self, kind: type[T]) -> None:
        self._fields = Query(kind)

    async def read(self, state: EdgeState, request: Request, draw: Callable[[Form], bytes]) -> T:
        """The form, which is noted on the request: whatever is refused from now on is told by it.

        Raises:
            OriginRefused, MalformedBody, Invalid
        """
        require_own_page(state, request)
        values = await request.form()
        request.filled = Filled(Form(values), draw)
        return self._fields.read_fields({name: text for name, text in values.items() if text or name in _BLANK})


_BLANK = {"origins", "submit_limit", "fetch_limit", "sure"}  # there an empty one says something

LOG_IN = Reader(LogIn)
SIGN_UP = Reader(SignUp)
LOG_OUT = Reader(LogOut)
NEW_TENANT = Reader(NewTenant)
PASSWORD_CHANGE = Reader(PasswordChange)
KEY_REFRESH = Reader(KeyRefresh)
PASSCODES = Reader(Passcodes)
ORIGINS = Reader(Origins)
NEW_AGENT = Reader(NewAgent)
KNOWN_AGENT = Reader(KnownAgent)
PASS_KEY = Reader(PassKey)
STATE_CHANGE = Reader(StateChange)
LIMITS = Reader(Limits)


def _sentence(problem: Problem) -> str:
    if problem.field in {"submit_limit", "fetch_limit"}:
        return _SENTENCES["per_second"]
    if problem.field == "email" and problem.rule == "format":
        return "Please give an e-mail address such as ada@example.com."
    if problem.field == "name" and problem.rule == "format":
        return "A name has letters, digits, blanks, full stops, apostrophes and hyphens only."
    return _SENTENCES[problem.rule].format(bound=problem.bound)
