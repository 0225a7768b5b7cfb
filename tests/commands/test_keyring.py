"""`watchword keys`: rotation as an operator does it, status and reseal."""

import stat
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from anyio.from_thread import start_blocking_portal

from engine.assembly import open_engine
from engine.sealing import Keyring
from engine.store import keys
from tests.commands.operators import Operator, command
from tests.engine.rings import ring
from watchword.embedded import EmbeddedRedis
from watchword.keyfile import kept_keys, replace_kept_keys
from watchword.options import engine_options
from watchword.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Generator

DAY_MS = 24 * 3600 * 1000


class Site:
    """A Redis of its own, edges on it, and operators with the settings of one edge or another."""

    def __init__(self, redis: EmbeddedRedis, data_dir: Path, stack: ExitStack) -> None:
        self._redis = redis
        self._data_dir = data_dir
        self._stack = stack
        self._portal = stack.enter_context(start_blocking_portal("asyncio"))

    def operator(self, text: str) -> Operator:
        return Operator(self._data_dir, WATCHWORD_REDIS_URL=self._redis.url, WATCHWORD_KEYS=text)

    def edge(self, text: str) -> ExitStack:
        """A process that lives until the stack is closed."""
        options = engine_options(Settings(redis_url=self._redis.url, keys=text))
        stack = self._stack.enter_context(ExitStack())
        stack.enter_context(self._portal.wrap_async_context_manager(open_engine(options)))
        return stack

    def age_key(self, key_id: str, by_ms: int) -> None:
        """Let it be so long ago that a key was seen to seal."""
        noted = str(command(self._redis.url, "HGET", keys.KEY_CHECKS.decode(), key_id), "ascii")  # pyright: ignore
        check, sealed_ms = noted.split()
        aged = f"{check} {int(sealed_ms) - by_ms}"
        command(self._redis.url, "HSET", keys.KEY_CHECKS.decode(), key_id, aged)


@pytest.fixture
def site(running: EmbeddedRedis, data_dir: Path) -> "Generator[Site]":
    with ExitStack() as stack:
        yield Site(running, data_dir, stack)


def lines_of(operator: Operator) -> dict[str, dict[str, Any]]:
    return {line["key_id"]: line for line in operator.gets("keys", "status")["keys"]}


def ids(text: str) -> tuple[str, ...]:
    return Keyring.parse(text).ids


def test_a_rotation_by_the_book(site: Site) -> None:
    text = ring("k1")
    site.operator(text).creates()
    edges = [site.edge(text) for _ in range(2)]

    def restart(text: str) -> None:
        for edge in edges:
            edge.close()
        edges[:] = [site.edge(text) for _ in range(2)]

    first = site.operator(text).gets("keys", "rotate")
    assert (first["step"], first["key_id"], ids(first["keys"])) == ("1 of 2", "k2", ("k1", "k2"))
    assert first["keys"].startswith(text)
    restart(first["keys"])
    second = site.operator(first["keys"]).gets("keys", "rotate")
    assert (second["step"], second["key_id"], ids(second["keys"])) == ("2 of 2", "k2", ("k2", "k1"))
    assert sorted(second["keys"].split(",")) == sorted(first["keys"].split(","))
    restart(second["keys"])
    operator = site.operator(second["keys"])
    assert "to be resealed" in lines_of(operator)["k1"]["found"]
    assert operator.gets("keys", "reseal") == {
        "resealed": {"deployment": 1},
        "passed_by": {},
        "lost": {},
        "complete": True,
    }
    assert "until" in lines_of(operator)["k1"]["found"]
    site.age_key("k1", DAY_MS)
    assert lines_of(operator)["k1"] | {"sealed_last_at": ""} == {
        "key_id": "k1",
        "in_ring": True,
        "seals": False,
        "values": {},
        "sealed_last_at": "",
        "can_be_dropped": True,
        "found": "can be dropped",
    }
    last = second["keys"].partition(",")[0]
    restart(last)
    assert lines_of(site.operator(last))["k1"]["found"] == "dropped"
    third = site.operator(last).gets("keys", "rotate")
    assert (third["step"], third["key_id"], ids(third["keys"])) == ("1 of 2", "k3", ("k2", "k3"))


def test_step_two_is_not_told_before_all_have_the_key(site: Site) -> None:
    text = ring("k1")
    site.edge(text)
    first = site.operator(text).gets("keys", "rotate")
    site.edge(first["keys"])

    result = site.operator(first["keys"]).types("keys", "rotate")

    assert result.exit_code == 1
    assert "k2 is not known yet to" in result.stdout
    assert f"WATCHWORD_KEYS={first['keys']}\n" in result.stdout
    said = site.operator(first["keys"]).types("keys", "rotate", "--json")
    assert len(site.operator(first["keys"]).read_json(said)["lacking"]) == 1


def test_who_takes_the_second_step_first_is_refused(site: Site) -> None:
    site.edge(ring("k1"))
    assert "lacks the key k2" in site.operator(ring("k2", "k1")).is_refused("tenant", "list")


def test_people_read_what_to_set(site: Site) -> None:
    said = site.operator(ring("k1")).reads("keys", "rotate")
    assert said.startswith("Step 1 of 2: ")
    (line,) = [line for line in said.splitlines() if line.startswith("WATCHWORD_KEYS=")]
    assert ids(line.partition("=")[2]) == ("k1", "k2")
    said = site.operator(line.partition("=")[2]).reads("keys", "rotate")
    assert said.startswith("Step 2 of 2: ")
    assert "keys reseal" in said


def test_people_read_a_line_for_each_key(site: Site) -> None:
    site.edge(ring("k1", "k2"))
    said = site.operator(ring("k1", "k2")).reads("keys", "status").splitlines()
    assert said[0].split() == ["KEY", "SEALED", "LAST", "DEPLOYMENT", "ADMINS", "TENANTS", "FACTORS", "AGENTS"]
    assert said[1].split()[2:] == ["1", "0", "0", "0", "0", "seals"]
    assert said[2].split()[:2] == ["k2", "never"]
    assert "seals nothing yet" in said[2]
    assert said[-1] == "1 running with k1,k2"


def test_a_key_that_somebody_still_seals_with_is_not_dropped(site: Site) -> None:
    site.edge(ring("k1", "k2"))
    operator = site.operator(ring("k2", "k1"))
    operator.gets("keys", "reseal")
    site.age_key("k1", DAY_MS)
    line = lines_of(operator)["k1"]
    assert not line["can_be_dropped"]
    assert line["found"].startswith("still seals, on ")


def test_what_a_lost_key_sealed_is_counted_and_said(site: Site) -> None:
    old, both = ring("k1"), ring("k2", "k1")
    made = site.operator(old).creates()
    site.operator(both).gets("keys", "reseal")
    site.operator(ring("k1", "k2")).gets("callback", "secret", "--tenant", made, "--rotate")
    operator = site.operator(ring("k2"))

    line = lines_of(operator)["k1"]
    assert (line["in_ring"], line["values"], line["can_be_dropped"]) == (False, {"tenants": 1}, False)
    assert line["found"].startswith("LOST")
    result = operator.types("keys", "reseal")
    assert (result.exit_code, "LOST: 1" in result.stdout) == (1, True)
    refusal = operator.is_refused("callback", "secret", "--tenant", made)
    assert "k1 is not in WATCHWORD_KEYS" in refusal


def test_it_is_resealed_some_at_a_time(site: Site) -> None:
    operator = site.operator(ring("k1"))
    for number in range(3):
        operator.gets("callback", "secret", "--tenant", operator.creates(f"Tenant {number}"), "--rotate")
    newer = site.operator(ring("k2", "k1"))
    assert newer.gets("keys", "reseal", "--most", "2")["complete"] is False
    assert "there is more" in newer.reads("keys", "reseal", "--most", "1")
    assert newer.gets("keys", "reseal")["complete"] is True
    assert "k1" in lines_of(newer)
    assert lines_of(newer)["k1"]["values"] == {}


# The key file of an embedded deployment


def test_a_kept_key_file_is_rewritten_and_the_new_key_seals(data_dir: Path) -> None:
    operator = Operator(data_dir)
    made = operator.creates()
    before = (data_dir / "keys").read_text()

    told = operator.gets("keys", "rotate")

    after = (data_dir / "keys").read_text()
    assert told == {"step": "file", "key_id": "k2", "keys": "", "lacking": []}
    assert ids(after) == ("k2", "k1")
    assert after.endswith("," + before)
    assert stat.S_IMODE((data_dir / "keys").stat().st_mode) == 0o600
    assert sorted(path.name for path in data_dir.glob("keys*")) == ["keys"]
    assert operator.gets("tenant", "show", made)["tenant_id"] == made
    assert operator.gets("keys", "reseal")["resealed"] == {"deployment": 1}
    assert lines_of(operator)["k2"]["seals"]


def test_people_are_told_to_restart_and_read_no_key(data_dir: Path) -> None:
    said = Operator(data_dir).reads("keys", "rotate")
    assert "start them again" in said
    for entry in kept_keys(data_dir).split(","):
        assert entry.partition(":")[2] not in said


def test_a_key_file_is_whole_whatever_was_left_beside_it(tmp_path: Path) -> None:
    kept_keys(tmp_path)
    replace_kept_keys(tmp_path, ring("k2", "k1"))
    replace_kept_keys(tmp_path, ring("k3", "k2", "k1"))
    assert kept_keys(tmp_path) == ring("k3", "k2", "k1")
    assert [path.name for path in tmp_path.iterdir()] == ["keys"]


def test_the_file_is_left_alone_where_the_keys_are_set(running: EmbeddedRedis, data_dir: Path) -> None:
    del running
    text = ring("k1")
    told = Operator(data_dir, WATCHWORD_KEYS=text).gets("keys", "rotate")
    assert told["step"] == "1 of 2"
    assert not (data_dir / "keys").exists()


def test_no_answer_of_status_and_reseal_holds_a_key(site: Site) -> None:
    text = ring("k2", "k1")
    operator = site.operator(text)
    said = operator.reads("keys", "status") + operator.reads("keys", "reseal")
    said += msgspec.json.encode(operator.gets("keys", "status")).decode()
    for entry in text.split(","):
        assert entry.partition(":")[2][:10] not in said
