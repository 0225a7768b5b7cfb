"""A Locust process that has users: alone, or a worker of a master."""

import logging
import sys
from dataclasses import replace
from typing import cast

import msgspec
from locust.contrib.fasthttp import FastHttpSession
from locust.env import Environment
from locust.event import EventHook
from locust.runners import LocalRunner, WorkerRunner

from bench.answers import GONE, Unexpected
from bench.books import Report
from bench.closing import close
from bench.environment import Settings
from bench.master import NO_HOST, SETTLE, SETTLED
from bench.operator import Unusable
from bench.pass_keys import PassKeys
from bench.scenarios.calls import Calls, config_path, fetch_path, read_answer
from bench.scenarios.logins import set_up
from bench.scenarios.user import BenchUser
from bench.session import Session
from bench.tenants import Tenant, delete_tenants, make_tenants

_TIMEOUT_S = 10.0

logger = logging.getLogger("bench")


class Node:
    def __init__(self, environment: Environment, runner: LocalRunner | WorkerRunner, settings: Settings) -> None:
        self._environment = environment
        self._runner = runner
        self._settings = settings
        self._made: tuple[Tenant, ...] = ()
        self._tenants, self._limited = settings.tenants, settings.limited_tenant
        self._clients = settings.clients
        self._session: Session | None = None
        self._report = Report()
        self._make_tenants()
        events = environment.events
        events.test_start.add_listener(self.start)
        events.request.add_listener(self.count)
        events.test_stop.add_listener(self.close)
        events.quitting.add_listener(self.quit)
        runner.register_message(SETTLE, self.settle, concurrent=True)

    def start(self, **_: object) -> None:
        """See to the tenants, and open the books."""
        try:
            tenants = self._checked_tenants()
            self._set_up_clients()
        except Unusable as error:
            self._delete_made()
            sys.exit(str(error))
        worker = cast("int", self._runner.worker_index)
        self._session = BenchUser.session = Session(tenants, self._limited, PassKeys(worker), self._settings.wait)
        self._session.clients = self._clients

    def count(self, *, exception: object = None, **_: object) -> None:
        """Take note of a request."""
        if self._session is not None:
            self._session.asked += 1
            self._session.failures += exception is not None

    def settle(self, **_: object) -> None:
        """The master asks: stop the users, which closes the books."""
        self._runner.stop()
        self._tell()

    def close(self, **_: object) -> None:
        """Close the books, once."""
        session, host = self._session, self._environment.host
        if session is None or session.closed or host is None:
            return
        calls = Calls(self._client(host, self._environment.events.request), session.ledger)
        self._report = close(session, calls, most=self._settings.sweep)
        if isinstance(self._runner, LocalRunner):
            self._report = self._report.judged()
        self._report.tell(logger)
        self._tell()

    def quit(self, **_: object) -> None:
        """Leave with 1 unless all was well."""
        self._runner.stop()
        if not self._report.is_good:
            self._environment.process_exit_code = 1
        self._delete_made()

    def _checked_tenants(self) -> list[Tenant]:
        """Raises: Unusable."""
        host = self._environment.host
        if not host:
            raise Unusable(NO_HOST)
        if len(self._tenants) == 1:
            logger.warning("one tenant in BENCH_TENANTS: nobody tries the key of another tenant")
        if self._limited is None:
            logger.warning("no BENCH_LIMITED_TENANT: nobody goes over a limit")
        client = self._client(host, EventHook())
        return [_check(number, tenant, client) for number, tenant in enumerate(self._tenants, start=1)]

    def _set_up_clients(self) -> None:
        """Raises: Unusable."""
        if not self._clients:
            logger.warning("no BENCH_CLIENTS: no application challenges anybody")
        for number, client in enumerate(self._clients, start=1):
            set_up(number, client, self._client(self._environment.host or "", EventHook()))

    def _tell(self) -> None:
        if isinstance(self._runner, WorkerRunner):
            self._runner.send_message(SETTLED, msgspec.to_builtins(self._report))

    def _delete_made(self) -> None:
        try:
            delete_tenants(self._made)
        except Unusable as error:
            logger.warning("the tenants of this run are left: %s", error)
        self._made = ()

    def _make_tenants(self) -> None:
        if not (self._settings.setup or self._tenants):
            sys.exit("no tenants: set BENCH_TENANTS, or BENCH_SETUP=1; see bench/LOCUST.md")
        if self._settings.setup:
            try:
                self._tenants, self._limited, self._clients = make_tenants()
            except Unusable as error:
                sys.exit(str(error))
            self._made = (*self._tenants, self._limited)

    def _client(self, host: str, events: EventHook) -> FastHttpSession:
        return FastHttpSession(host, events, None, network_timeout=_TIMEOUT_S, connection_timeout=_TIMEOUT_S)


def _check(number: int, tenant: Tenant, client: FastHttpSession) -> Tenant:
    """The tenant with the life of its passcodes.

    Raises:
        Unusable
    """
    key = {"x-api-key": tenant.api_key}
    try:
        details = read_answer(client.get(config_path(tenant))).configured()
        read_answer(client.get(fetch_path(tenant, PassKeys().new()), headers=key)).require(GONE)
    except Unexpected as reason:
        raise Unusable(f"tenant {number} cannot be used: {reason}") from None
    life_s = details.get("pass_key_expires")
    if details.get("pass_phrase") != "system" or not isinstance(life_s, int):
        raise Unusable(f"tenant {number} cannot be used: the customer makes its passcodes")
    return replace(tenant, life_s=life_s)
