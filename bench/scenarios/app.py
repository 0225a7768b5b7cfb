"""Applications that log their users in: each user is new, is enrolled, and is challenged once or twice."""

import random
from dataclasses import replace

from gevent.pool import Pool
from locust import tag, task

from bench.answers import Outcome
from bench.ledger import Question
from bench.scenarios.logins import CHALLENGE, Login, Logins, patch
from bench.scenarios.user import BenchUser

_VERIFIED, _FAILED = (200, "VERIFIED"), (200, "FAILED")
_CLOSED, _UNKNOWN = (400, "bad_request"), (404, "challenge_not_found")


class App(BenchUser):
    weight = 2

    def on_start(self) -> None:
        super().on_start()
        self.logins = Logins(self.calls)

    @tag("app", "login")
    @task(6)
    def login(self) -> None:
        """Challenge a user, who has the right code; look what became of it."""
        login, question = self._asked()
        if login and question:
            self._answer(login, question, login.code)
            self._look(login, question)

    @tag("app", "wrong")
    @task(2)
    def mistype(self) -> None:
        """The user mistypes, which ends the challenge, and has the right code for the next one."""
        login, question = self._asked()
        if login and question:
            self._answer(login, question, login.wrong_code, _FAILED, kind=" [wrong]")
            self._answer(login, question, login.code, _CLOSED, kind=" [closed]")
            if again := self.logins.challenge(login):
                self._answer(login, again, login.code)

    @tag("app", "replay")
    @task
    def replay(self) -> None:
        """Somebody has seen the code, and answers the next challenge with it."""
        login, question = self._asked()
        if login and question:
            self._answer(login, question, login.code)
            if again := self.logins.challenge(login):
                self._answer(login, again, login.code, _FAILED, kind=" [replay]")

    @tag("app", "at-once")
    @task(2)
    def answer_at_once(self) -> None:
        """Two answer a challenge with the right code at the same moment."""
        login, question = self._asked()
        if login and question:
            meant = (_VERIFIED, _CLOSED)
            Pool(2).map(lambda _: self._answer(login, question, login.code, *meant, kind=" [at once]"), range(2))
            self._look(login, question)

    @tag("app", "foreign")
    @task
    def answer_as_another_tenant(self) -> None:
        """Another tenant's application has the challenge and the right code."""
        login, question = self._asked()
        others = [client for client in self.session.clients if login and client is not login.client]
        if login and question and others:
            stranger = replace(login, client=random.choice(others))
            self._answer(stranger, question, login.code, _UNKNOWN, kind=" [foreign]")
            self._answer(login, question, login.code)

    def _asked(self) -> tuple[Login | None, Question | None]:
        """A new user, and what they are asked; nobody where there is no client to ask."""
        if not self.session.clients:
            return None, None
        login = self.logins.enrol(random.choice(self.session.clients))
        return login, self.logins.challenge(login) if login else None

    def _answer(self, login: Login, question: Question, code: str, *meant: Outcome, kind: str = "") -> None:
        """Answer, and be told something of what is meant: that it is right, if nothing is said."""
        name = CHALLENGE + kind
        with self.logins.asking(login.client, "PATCH", question.path, name, patch(code)) as answer:
            if answer.outcome == _VERIFIED:
                self.session.ledger.accept(question, is_right=_VERIFIED in (meant or (_VERIFIED,)))
            else:
                answer.require_outcome(*(meant or (_VERIFIED,)))

    def _look(self, login: Login, question: Question) -> None:
        with self.logins.asking(login.client, "GET", question.path, CHALLENGE) as answer:
            answer.require_outcome(_VERIFIED)
