"""What all people of a run are: a user with one connection that is kept, who leaves when the books are closed."""

import random
from typing import ClassVar

from locust import FastHttpUser
from locust.exception import StopUser

from bench.scenarios.calls import Calls
from bench.session import Session


class BenchUser(FastHttpUser):
    abstract = True
    network_timeout = 10.0
    connection_timeout = 5.0

    session: ClassVar[Session]
    calls: Calls

    def on_start(self) -> None:
        if self.session.closed:
            raise StopUser
        self.calls = Calls(self.client, self.session.ledger)

    def wait_time(self) -> float:
        return self.session.wait_s * random.uniform(0.5, 1.5)
