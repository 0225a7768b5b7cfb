"""A load balancer for edges that are restarted one after the other, and clients who must notice nothing of it."""

import threading
from collections import Counter
from contextlib import AbstractContextManager, ExitStack, contextmanager
from itertools import count
from typing import TYPE_CHECKING, Self, TypeAlias

import httpx

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

    from tests.edge.apps import App
    from tests.edge.program import Edge

Anywhere: TypeAlias = "Callable[[], AbstractContextManager[App]]"

_PATIENCE_SECONDS = 10


class Balancer:
    """Sends each request to the edge that has the least to do, of those that are not drained."""

    def __init__(self, edges: "Iterable[Edge]") -> None:
        self._changed = threading.Condition()
        self._open = [edge.url for edge in edges]
        self._under_way = Counter[str]()

    def add(self, edge: "Edge") -> None:
        with self._changed:
            self._open.append(edge.url)

    def drain(self, edge: "Edge") -> None:
        """Send nothing there any more, and return when all is answered."""
        url = edge.url
        with self._changed:
            self._open.remove(url)
            assert self._changed.wait_for(lambda: not self._under_way[url], _PATIENCE_SECONDS)

    @contextmanager
    def edge(self) -> "Generator[str]":
        """The URL of an edge, for one request."""
        with self._changed:
            url = min(self._open, key=self._under_way.__getitem__)
            self._under_way[url] += 1
        try:
            yield url
        finally:
            with self._changed:
                self._under_way[url] -= 1
                self._changed.notify_all()


class Traffic:
    """Clients who submit and fetch, enrol, challenge and answer, each by any edge, and note what was wrong."""

    def __init__(self, balancer: Balancer, app: "App", *, threads: int = 3) -> None:
        self._balancer = balancer
        self._app = app
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(name,)) for name in range(threads)]
        self.rounds = 0
        self.faults: list[str] = []

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _run(self, name: int) -> None:
        with ExitStack() as stack:
            clients: dict[str, httpx.Client] = {}

            @contextmanager
            def anywhere() -> "Generator[App]":
                with self._balancer.edge() as url:
                    if url not in clients:
                        clients[url] = stack.enter_context(httpx.Client(base_url=url, timeout=_PATIENCE_SECONDS))
                    yield self._app.through(clients[url])

            for number in count():
                if self._over.is_set():
                    return
                try:
                    self._go_round(anywhere, f"{name} {number}")
                except Exception as error:  # noqa: BLE001  # whatever it is, the test is to see it
                    self.faults.append(repr(error))
                    return
                self.rounds += 1

    def _go_round(self, anywhere: "Anywhere", name: str) -> None:
        with anywhere() as app:
            submitted = app.tenant.through(app.http).submit(name)
        with anywhere() as app:
            fetched = app.tenant.through(app.http).fetch(name)
        with anywhere() as app:
            again = app.tenant.through(app.http).fetch(name)
        self._expect("submit, fetch, fetch", [submitted, fetched, again], [200, 200, 410])
        if submitted.json()["data"]["pass_phrase"] != fetched.json()["pass_phrase"]:
            self.faults.append("another passcode was fetched than was submitted")
        with anywhere() as app:
            factor = app.enrol(f"user {name}")
        with anywhere() as app:
            app.activate(factor)
        with anywhere() as app:
            challenge = app.challenge(factor)
        with anywhere() as app:
            answered = app.answer(challenge, factor.code())
        self._expect("answer", [answered], [200])
        if answered.json()["status"] != "VERIFIED":
            self.faults.append(f"answer: {answered.json()['status']}")

    def _expect(self, what: str, answers: "list[httpx.Response]", expected: list[int]) -> None:
        if (found := [answer.status_code for answer in answers]) != expected:
            self.faults.append(f"{what}: {found}")
