"""What the edge's Redis user may do: what the documentation says, which is what the edge does."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import redis
from redis.exceptions import NoPermissionError

from tests.engine.permissions import HANDSHAKE_COMMANDS, KEY_PATTERN, SCRIPT_COMMANDS, USER

if TYPE_CHECKING:
    from tests.engine.servers import RedisServer

PAGE = Path(__file__).parents[2] / "docs" / "operations.md"


def documented_rules() -> list[str]:
    (rules,) = re.findall(r"^ACL SETUSER (.*)$", PAGE.read_text("utf-8"), re.MULTILINE)
    return rules.split()


def test_the_documented_user_may_do_what_an_edge_does_and_no_more() -> None:
    name, *rules = documented_rules()

    assert (name, rules[:4]) == (USER, ["reset", "on", ">SECRET", f"~{KEY_PATTERN}"])
    assert sorted(rules[4:]) == sorted(f"+{command}" for command in HANDSHAKE_COMMANDS | SCRIPT_COMMANDS)


@pytest.mark.one_node
@pytest.mark.parametrize(
    "words",
    [
        "XGROUP DESTROY {0}:outbox couriers",
        "XINFO STREAM {0}:outbox",
        "GET outbox",
        "KEYS *",
        "CONFIG GET *",
        "SCRIPT FLUSH",
        "FLUSHALL",
    ],
)
def test_redis_understands_the_documented_rules_and_refuses_what_they_leave_out(
    redis_server: "RedisServer", words: str
) -> None:
    redis_server.command("ACL", "SETUSER", "documented", *documented_rules()[1:])

    with (
        redis.Redis(unix_socket_path=str(redis_server.socket), username="documented", password="SECRET") as user,
        pytest.raises(NoPermissionError),
    ):
        user.execute_command(*words.split())
