"""Every script's header, held against its body and against the Python that calls it.

The layout of a header is in docs/scripts.md.
"""

import re
from importlib import resources
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING, Any, cast, get_type_hints

import pytest

from engine.store import (
    access_tokens,
    admins,
    agents,
    challenges,
    claims,
    deployment,
    factors,
    idempotency,
    keyholders,
    limits,
    outbox,
    passcodes,
    seals,
    tenants,
)
from engine.store.scripts import ContractError, Script, load, load_all, parse_contract
from tests.engine.permissions import SCRIPT_COMMANDS

if TYPE_CHECKING:
    from enum import IntEnum

# A script's reply in Python: its fields are the header's REPLY, the first one's IntEnum is the header's statuses.
REPLIES: dict[str, type[tuple[Any, ...]]] = {
    "admin/create": admins.CreateReply,
    "admin/list": admins.ListReply,
    "admin/read": admins.ReadReply,
    "admin/set_password": admins.SetPasswordReply,
    "agent/admit": agents.AdmitReply,
    "agent/create": agents.CreateReply,
    "agent/delete": agents.DeleteReply,
    "agent/list": agents.ListReply,
    "agent/read": agents.ReadReply,
    "agent/set_password": agents.SetPasswordReply,
    "agent/sign_in": agents.SignInReply,
    "agent/sign_out": agents.SignOutReply,
    "challenge/attempt": challenges.AttemptReply,
    "challenge/cancel": challenges.CancelReply,
    "challenge/conclude": challenges.ConcludeReply,
    "challenge/decide": challenges.DecideReply,
    "challenge/expire": challenges.ExpireReply,
    "challenge/forget": challenges.ForgetReply,
    "challenge/list": challenges.ListReply,
    "challenge/open": challenges.OpenReply,
    "challenge/overdue": challenges.OverdueReply,
    "challenge/read": challenges.ReadReply,
    "claim/hold": claims.HoldReply,
    "claim/keep": claims.KeepReply,
    "claim/read": claims.ReadReply,
    "claim/release": claims.ReleaseReply,
    "claim/take": claims.TakeReply,
    "deployment/keep": deployment.KeepReply,
    "deployment/list": deployment.ListReply,
    "deployment/open": deployment.OpenReply,
    "factor/attempt": factors.AttemptReply,
    "factor/change": factors.ChangeReply,
    "factor/enrol": factors.EnrolReply,
    "factor/forget": factors.ForgetReply,
    "factor/list": factors.ListReply,
    "factor/read": factors.ReadReply,
    "factor/scan": factors.ScanReply,
    "idempotency/claim": idempotency.RequestReply,
    "keyholder/join": keyholders.JoinReply,
    "keyholder/leave": keyholders.LeaveReply,
    "keyholder/read": keyholders.ReadReply,
    "limit/charge": limits.Charge,
    "limit/give_back": limits.GiveBackReply,
    "outbox/backlog": outbox.BacklogReply,
    "outbox/bury": outbox.BuryReply,
    "outbox/forget": outbox.ForgetReply,
    "outbox/history": outbox.HistoryReply,
    "outbox/postpone": outbox.PostponeReply,
    "outbox/replay": outbox.ReplayReply,
    "outbox/settle": outbox.SettleReply,
    "outbox/take": outbox.TakeReply,
    "passcode/fetch": passcodes.FetchReply,
    "passcode/submit": passcodes.SubmitReply,
    "seal/read": seals.ReadReply,
    "seal/replace": seals.ReplaceReply,
    "session/open": admins.OpenReply,
    "session/read": admins.SessionReply,
    "tenant/create": tenants.CreateReply,
    "tenant/delete": tenants.DeleteReply,
    "tenant/list": tenants.ListReply,
    "tenant/read": tenants.ReadReply,
    "tenant/replace": tenants.ReplaceReply,
    "token/issue": access_tokens.IssueReply,
    "token/read": access_tokens.ReadReply,
    "token/revoke": access_tokens.RevokeReply,
}
INCLUDES = {path.name.removesuffix(".lua"): path for path in (resources.files("lua") / "include").iterdir()}

SLOT = re.compile(r"\b(KEYS|ARGV)\[([^]]*)\]")
CALL = re.compile(r"\b(\w+(?:\.\w+)*)\((?=([^()]*))")
STATUS = re.compile(r"(?:.* and (?P<then>\d+) or )?(?P<status>\d+)")
KEYLESS = {"TIME"}

every_script = pytest.mark.parametrize("script", load_all(), ids=lambda script: script.name)


def body(script: Script) -> str:
    """The file without its header and without what it includes."""
    text = (resources.files("lua") / f"{script.name}.lua").read_text("utf-8")
    return text.partition("\n]]\n")[2]


def split(text: str) -> list[str]:
    """Split at the commas that are in no parentheses."""
    parts = [""]
    depth = 0
    for character in text:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "," and not depth:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts]


def slots_read(script: Script) -> list[tuple[str, str]]:
    """Slot and local name, in the order of the body's `local a, b = KEYS[1], ARGV[1]` lines."""
    read: list[tuple[str, str]] = []
    for names, values in re.findall(r"^local (.*?) = (.*\b(?:KEYS|ARGV)\[.*)$", body(script), re.MULTILINE):
        for name, value in zip(split(names), split(values), strict=True):
            (slot,) = SLOT.finditer(value)
            read.append((slot[0], name))
    return read


def returned(script: Script) -> list[list[str]]:
    return [split(values) for values in re.findall(r"\breturn \{(.*)\}", body(script))]


def calls(text: str) -> list[tuple[str, list[str]]]:
    return [(function, split(arguments)) for function, arguments in CALL.findall(text)]


def key_of(arguments: list[str]) -> str:
    """Where a command has its key: in the second place, with few exceptions."""
    match arguments[0].strip("'"):
        case "XGROUP" | "XINFO":
            return arguments[2]
        case "XREADGROUP":
            return arguments[arguments.index("'STREAMS'") + 1]
        case _:
            return arguments[1]


@every_script
def test_every_slot_of_the_header_is_read_once_in_its_order(script: Script) -> None:
    contract = script.contract
    declared = [(f"KEYS[{number}]", name) for number, name in enumerate(contract.keys, 1)]
    declared += [(f"ARGV[{number}]", name) for number, name in enumerate(contract.args, 1)]
    assert slots_read(script) == declared
    assert len(SLOT.findall(body(script))) == len(declared)


@every_script
def test_every_reply_is_as_long_as_the_header_says(script: Script) -> None:
    assert script.contract.reply[0] == "status"
    assert returned(script)
    assert {len(values) for values in returned(script)} == {len(script.contract.reply)}


@every_script
def test_what_is_returned_is_what_is_declared(script: Script) -> None:
    statuses: set[int] = set()
    for values in returned(script):
        match = STATUS.fullmatch(values[0])
        assert match, f"{values[0]} is not made of literal statuses"
        statuses |= {int(number) for number in match.groups() if number is not None}
    assert statuses == set(script.contract.statuses.values())


@every_script
def test_success_is_zero_and_statuses_have_no_gaps(script: Script) -> None:
    numbers = list(script.contract.statuses.values())
    assert numbers == list(range(len(numbers)))


@every_script
def test_python_reads_the_reply_that_the_header_promises(script: Script) -> None:
    reply = REPLIES[script.name]
    assert getattr(reply, "_fields") == script.contract.reply  # noqa: B009
    enum = cast("type[IntEnum]", get_type_hints(reply)["status"])
    assert {status.name: status.value for status in enum} == script.contract.statuses


def test_every_script_has_a_reply_in_python_and_none_is_left_over() -> None:
    assert set(REPLIES) == {script.name for script in load_all()}


@every_script
def test_lua_touches_only_the_keys_that_it_was_given(script: Script) -> None:
    own = set(script.contract.keys)
    for function, arguments in calls(body(script)):
        if function == "redis.call" and arguments[0].strip("'") not in KEYLESS:
            assert key_of(arguments) in own, f"{arguments} has a key that is not in KEYS"
        elif function in INCLUDES and "(key," in INCLUDES[function].read_text("utf-8"):
            assert arguments[0] in own, f"{function} gets a key that is not in KEYS"
    for key in own:
        assert len(re.findall(rf"\b{key}\b(?=[\w, ]* = )", body(script))) == 1, f"{key} is assigned again"


@pytest.mark.parametrize("name", INCLUDES)
def test_an_include_is_one_local_function_of_its_name_that_takes_its_key_first(name: str) -> None:
    text = INCLUDES[name].read_text("utf-8")
    assert "--@include" not in text
    assert re.findall(r"^local function (\w+)\(", text, re.MULTILINE) == [name]
    assert not SLOT.search(text)
    for function, arguments in calls(text):
        if function == "redis.call" and arguments[0].strip("'") not in KEYLESS:
            assert arguments[1] == "key"
            assert f"local function {name}(key," in text


@every_script
def test_errors_are_raised_and_never_caught_or_returned(script: Script) -> None:
    assert not re.search(r"pcall|error_reply|redis\.error|status_reply", script.source)


@every_script
def test_includes_are_put_in_once_and_used(script: Script) -> None:
    for name in re.findall(r"--@include (\w+)", body(script)):
        assert script.source.count(f"local function {name}(") == 1
        assert any(function == name for function, _ in calls(body(script)))
    assert "--@include" not in script.source


def test_scripts_run_no_command_that_looks_at_other_keys_or_at_the_server() -> None:
    for forbidden in ("keys", "scan", "randomkey", "eval", "config", "publish", "flushall", "sort"):
        assert forbidden not in SCRIPT_COMMANDS


READS = {
    "exists",
    "get",
    "hget",
    "hgetall",
    "hkeys",
    "hmget",
    "pttl",
    "smembers",
    "time",
    "xinfo",
    "xlen",
    "xrange",
    "xrevrange",
    "zcard",
    "zrange",
    "zrangebyscore",
    "zscan",
}


@pytest.mark.parametrize("script", load_all(), ids=lambda script: script.name)
def test_a_script_that_writes_says_whether_replicas_must_have_it(script: Script) -> None:
    calls = {word.lower() for word in re.findall(r"redis\.call\('(\w+)'", script.source)}
    assert ("\nDURABLE " in script.source) is bool(calls - READS)


def test_the_example_of_the_documentation_is_a_real_header() -> None:
    page = (Path(__file__).parents[2] / "docs" / "scripts.md").read_text("utf-8")
    example = dedent("".join(re.findall(r"(?:^(?: {4}.*)?\n)+(?=\n*^\| part)", page, re.MULTILINE))).strip()
    name = parse_contract(f"{example}\n").name
    assert (resources.files("lua") / f"{name}.lua").read_text("utf-8").startswith(example)


HEADER = """--[[ noun/verb
What it does.

KEYS   one       string: something
ARGV   two
       three     explained
REPLY  status, left
       0 DONE
       1 REFUSED explained
REPEAT safe      explained
DURABLE yes
]]
"""


def test_a_header_says_everything_about_its_script() -> None:
    contract = parse_contract(HEADER)
    assert contract == ("noun/verb", ("one",), ("two", "three"), ("status", "left"), contract.statuses, True, True)
    assert contract.statuses == {"DONE": 0, "REFUSED": 1}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("--[[ noun/verb", "-- noun/verb", "opens with"),
        ("\n]]", "]]", "opens with"),
        ("--[[ noun/verb", "\n--[[ noun/verb", "opens with"),
        ("REPEAT safe", "REPEAT perhaps", "noun/verb: REPEAT"),
        ("REPEAT safe      explained\n", "", "noun/verb: REPEAT"),
        ("REPEAT safe", "REPEAT unsafe\nREPEAT safe", "noun/verb: REPEAT"),
        ("DURABLE yes", "DURABLE perhaps", "noun/verb: DURABLE"),
    ],
)
def test_a_malformed_header_is_refused(old: str, new: str, message: str) -> None:
    with pytest.raises(ContractError, match=message):
        parse_contract(HEADER.replace(old, new, 1))


def test_a_script_that_calls_itself_something_else_is_refused() -> None:
    with pytest.raises(ContractError, match=r"take\.lua calls itself claim/take"):
        load("claim/../claim/take")
