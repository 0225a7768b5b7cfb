"""Locust's entrance: `locust -f bench/locustfile.py`. bench/LOCUST.md says how to run what.

Locust finds the scenarios and the shape among the names of this module.
"""

import os
import sys
from pathlib import Path
from typing import cast

import gevent
from locust import events
from locust.env import Environment
from locust.runners import LocalRunner, MasterRunner, WorkerRunner
from locust.stats import CSV_STATS_INTERVAL_SEC

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # Locust runs this from anywhere

from bench.environment import read_settings
from bench.master import Master
from bench.node import Node
from bench.operator import Unusable
from bench.scenarios.abuse import Abuse
from bench.scenarios.app import App
from bench.scenarios.customer import Customer
from bench.scenarios.dialer import Dialer
from bench.scenarios.walk import Walk
from bench.shapes import SHAPES

__all__ = ["Abuse", "App", "Customer", "Dialer", "Shape", "Walk"]

try:
    settings = read_settings(os.environ)
except Unusable as error:
    sys.exit(str(error))

Shape = SHAPES.get(settings.shape or "")


def begin(*, environment: Environment, **_: object) -> None:
    """Take part in the run, as what this process is in it."""
    environment.events.quitting.add_listener(finish_csv)  # listeners of the end are called last one first
    leave_out_untagged(environment)
    runner = environment.runner
    if settings.setup and not isinstance(runner, LocalRunner):
        sys.exit("BENCH_SETUP is for a run of one process: `python -m bench.tenants` makes tenants for several")
    if isinstance(runner, MasterRunner):
        Master(environment, runner)
    elif isinstance(runner, LocalRunner | WorkerRunner):
        Node(environment, runner, settings)


def leave_out_untagged(environment: Environment) -> None:
    """Start nobody who is left without a task by --tags: Locust would, and they would only fail."""
    options = environment.parsed_options
    wanted, unwanted = (set[str](getattr(options, name, None) or ()) for name in ("tags", "exclude_tags"))

    def is_left(task: object) -> bool:
        tags = getattr(task, "locust_tag_set", set[str]())
        return not tags & unwanted and bool(tags & wanted or not wanted)

    people = environment.user_classes
    people[:] = [person for person in people if any(map(is_left, cast("list[object]", person.tasks)))]
    if not people:
        sys.exit("nobody has a task of these tags: see bench/LOCUST.md")


def finish_csv(*, environment: Environment, **_: object) -> None:
    """Let the CSV files have the last second: Locust writes them every second, and not once more in the end."""
    if getattr(environment.parsed_options, "csv_prefix", None):
        gevent.sleep(1.5 * CSV_STATS_INTERVAL_SEC)


events.init.add_listener(begin)
