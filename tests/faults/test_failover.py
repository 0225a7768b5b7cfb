"""The primary of a Sentinel group is lost while clients are at work, and a replica takes its place."""

from typing import TYPE_CHECKING

import pytest

from engine.sealing import Keyring
from tests.engine.sentinels import SentinelGroup
from tests.engine.servers import server_binaries
from tests.faults.stage import staged

if TYPE_CHECKING:
    from collections.abc import Generator

    from tests.faults.invariants import Terms
    from tests.faults.stage import Reports, Stage

BEHIND_SECONDS = 0.3  # less than after which Sentinels take a replica for down
KEYS = Keyring.generate()


@pytest.fixture(scope="module")
def group() -> "Generator[SentinelGroup]":
    """A primary with one replica: whatever is confirmed is there after a failover."""
    with SentinelGroup(server_binaries()[0], replicas=1) as group:
        yield group


@pytest.fixture(scope="module")
def stage(group: SentinelGroup, durability: str, reports: "Reports") -> "Generator[Stage]":
    group.wait_until_content()
    url = group.url_of_user()
    with staged(group.primary(), reports, redis_url=url, durability=durability, keys=KEYS) as stage:
        yield stage


def test_a_killed_primary_is_replaced(
    stage: "Stage", group: SentinelGroup, durability: str, terms: "Terms"
) -> None:
    """By a replica that has all that was acknowledged, where that was waited for."""
    with stage.under_load(terms) as play:
        primary = group.primary()
        with play.history.fault(f"primary kill -9, {durability}"):
            primary.kill()
            group.wait_until_elected(instead_of=primary)
            primary.start()
            group.wait_until_content()


@pytest.mark.thorough
def test_what_a_replica_has_missed_is_lost_where_nobody_waits_for_it(
    stage: "Stage", group: SentinelGroup, durability: str, terms: "Terms"
) -> None:
    with stage.under_load(terms) as play:
        primary, (replica,) = group.primary(), group.replicas()
        with play.history.fault(f"primary kill -9, its replica behind, {durability}"):
            replica.pause()
            primary.command("CLIENT", "KILL", "TYPE", "replica")  # or it would read later what was sent by then
            play.go_on(BEHIND_SECONDS)
            primary.kill()
            replica.resume()
            group.wait_until_elected(instead_of=primary)
            primary.start()
            group.wait_until_content()
    assert bool(play.report.lost) == (durability == "none")


@pytest.mark.thorough
def test_a_primary_that_stands_still_is_replaced_and_believed_no_more(
    stage: "Stage", group: SentinelGroup, durability: str, terms: "Terms"
) -> None:
    """It wakes up as a primary that nobody follows, and takes writes until the Sentinels see it."""
    with stage.under_load(terms) as play:
        primary = group.primary()
        with play.history.fault(f"primary SIGSTOP, {durability}"):
            primary.pause()
            group.wait_until_elected(instead_of=primary)
            primary.resume()
            group.wait_until_content()
