"""Answers of the surfaces, as documented, and what to say of any other.

What is said names statuses and kinds of errors only: it ends in logs, tables and reports, where no code, pass key
or API key may be.
"""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple, cast


class Unexpected(Exception):
    """An answer that is not the documented one."""


Outcome = tuple[int, str]
"""A status, and the state of a resource or the word of a problem."""


class Refusal(NamedTuple):
    """A documented way to say no."""

    status: int
    body: Mapping[str, object]

    @classmethod
    def message(cls, status: int, message: str) -> "Refusal":
        return cls(status, {"status": "Failed", "message": message})

    @classmethod
    def field(cls, name: str, sentence: str) -> "Refusal":
        return cls(400, {"errors": {name: [sentence]}})


GONE = Refusal.message(410, "Pass Key Expired")
TAKEN = Refusal.message(409, "Key already taken by another user")
UNAUTHENTICATED = Refusal.message(401, "Unauthenticated.")
TOO_MANY = Refusal.message(429, "Too Many Attempts.")
FETCH_OF_UNKNOWN_TENANT = Refusal.message(400, "The tenant id is invalid.")
SUBMIT_TO_UNKNOWN_TENANT = Refusal.field("tenant_id", "The tenant id is invalid.")
NO_OBJECT = Refusal.message(400, "The request body is not a JSON object.")
NO_PASS_KEY = Refusal.field("pass_key", "The pass key field is required.")
LONG_PASS_KEY = Refusal.field("pass_key", "The pass key may not be greater than 64 characters.")


class Answer(NamedTuple):
    """A status with the JSON that came with it. A status of 0 is none at all, for the reason in `error`."""

    status: int
    body: object = None
    error: str = ""
    retry_after: str = ""

    @classmethod
    def read(cls, status: int, content: bytes | None, *, error: object = None, retry_after: str = "") -> "Answer":
        return cls(
            status, _decoded(content or b"null"), "" if error is None else type(error).__name__, retry_after
        )

    def says(self, refusal: Refusal) -> bool:
        return (self.status, self.body) == (refusal.status, refusal.body)

    def submitted(self, typed: str) -> str:
        """The code of a submit.

        Raises:
            Unexpected
        """
        code = _text(_object(_object(self.body).get("data")).get("pass_phrase"))
        documented = {"status": "Success", "data": {"pass_key": typed, "pass_phrase": code}}
        if self.status != 200 or code is None or self.body != documented:
            raise self.unlike(200)
        return code

    def fetched(self, *refusals: int) -> str:
        """The code of a fetch, which may have been refused as well.

        Raises:
            Unexpected
        """
        code = _text(_object(self.body).get("pass_phrase"))
        if self.status != 200 or code is None or self.body != {"status": "Success", "pass_phrase": code}:
            raise self.unlike(200, *refusals)
        return code

    def configured(self) -> Mapping[str, object]:
        """What a page reads of a tenant's configuration.

        Raises:
            Unexpected
        """
        details = _object(_decoded(_text(_object(self.body).get("tenant_config_details")) or "null"))
        if self.status != 200 or not details:
            raise self.unlike(200)
        return details

    @property
    def outcome(self) -> Outcome:
        """Of an answer of the Authenticator surface; without a word, where it has none that is documented."""
        body = _object(self.body)
        word = body.get("status") if self.status < 400 else str(body.get("type")).partition("#")[2]
        return self.status, _text(word) or ""

    def resource(self, status: int, state: str) -> Mapping[str, object]:
        """A factor or a challenge that is in this state.

        Raises:
            Unexpected
        """
        self.require_outcome((status, state))
        return _object(self.body)

    def require_outcome(self, *outcomes: Outcome) -> None:
        """Raises: Unexpected: it is none of these."""
        if self.outcome not in outcomes:
            raise self.unlike(*(status for status, _ in outcomes))

    def token(self) -> tuple[str, int]:
        """An access token, and how many seconds it is good.

        Raises:
            Unexpected
        """
        body = _object(self.body)
        token, life_s = _text(body.get("access_token")), body.get("expires_in")
        if self.status != 200 or token is None or not isinstance(life_s, int):
            raise self.unlike(200)
        return token, life_s

    def require(self, *refusals: Refusal) -> None:
        """Raises: Unexpected: it is none of these refusals."""
        if not any(map(self.says, refusals)):
            raise self.unlike(*(refusal.status for refusal in refusals))

    def unlike(self, *statuses: int) -> Unexpected:
        """How this differs from what was expected."""
        if self.status == 0:
            return Unexpected(f"no answer ({self.error})")
        if self.status in statuses:
            return Unexpected(f"{self.status} with another body than documented")
        return Unexpected(f"{self.status} instead of {' or '.join(map(str, statuses))}")


def _decoded(text: bytes | str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _object(value: object) -> Mapping[str, object]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
