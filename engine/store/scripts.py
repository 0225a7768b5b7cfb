"""The Lua scripts as Python sees them: text with its includes, content address, contract."""

import re
from dataclasses import dataclass, field
from hashlib import sha1
from importlib import resources
from typing import NamedTuple

_ROOT = resources.files("lua")
_NOT_NOUNS = {"include", "__pycache__"}
_INCLUDE = re.compile(r"^--@include (\w+)$", re.MULTILINE)
_HEADER = re.compile(r"\A--\[\[ (?P<name>[\w/]+)\n(?P<body>.*?)\n\]\]\n", re.DOTALL)
_SECTION = re.compile(r"^(KEYS|ARGV|REPLY|REPEAT|DURABLE)\s+(.*)$")
_ENTRY = re.compile(r"^ {7}(\w+)(?:  +.*)?$")
_STATUS = re.compile(r"^ {7}(\d+) ([A-Z_]+)\b")


class ContractError(Exception):
    """A script's opening comment does not say what it must say."""


class Contract(NamedTuple):
    """The opening comment of a script, parsed."""

    name: str
    keys: tuple[str, ...]
    args: tuple[str, ...]
    reply: tuple[str, ...]
    statuses: dict[str, int]
    repeatable: bool
    durable: bool


@dataclass(frozen=True, slots=True)
class Script:
    """One transaction. `sha` is its content address, so old and new edges share one Redis."""

    contract: Contract
    source: str
    sha: bytes = field(init=False)

    def __post_init__(self) -> None:
        sha = sha1(self.source.encode(), usedforsecurity=False).hexdigest().encode()
        object.__setattr__(self, "sha", sha)

    @property
    def name(self) -> str:
        return self.contract.name

    @property
    def repeatable(self) -> bool:
        """Whether a call with an unknown outcome may be made again without harm."""
        return self.contract.repeatable

    @property
    def durable(self) -> bool:
        """Whether what it has done must be as durable as the deployment asks for before anybody is told."""
        return self.contract.durable


def load(name: str) -> Script:
    """Read `lua/<name>.lua` and put its includes in.

    Raises:
        ContractError: the opening comment is missing or malformed.
    """
    text = (_ROOT / f"{name}.lua").read_text("utf-8")
    contract = parse_contract(text)
    if contract.name != name:
        raise ContractError(f"lua/{name}.lua calls itself {contract.name}")
    return Script(contract, _INCLUDE.sub(_included, text))


def parse_contract(text: str) -> Contract:
    """Parse the opening comment of a script; the layout is in docs/scripts.md."""
    header = _HEADER.match(text)
    if header is None:
        raise ContractError("a script opens with --[[ noun/verb ... ]]")
    names: dict[str, list[str]] = {"KEYS": [], "ARGV": [], "REPLY": [], "REPEAT": [], "DURABLE": []}
    statuses: dict[str, int] = {}
    section = ""
    for line in header["body"].splitlines():
        if opening := _SECTION.match(line):
            section, rest = opening.groups()
            names[section].extend(_opening_names(section, rest))
        elif section == "REPLY" and (status := _STATUS.match(line)):
            statuses[status[2]] = int(status[1])
        elif section in {"KEYS", "ARGV"} and (entry := _ENTRY.match(line)):
            names[section].append(entry[1])
    if names["REPEAT"] not in (["safe"], ["unsafe"]):
        raise ContractError(f"{header['name']}: REPEAT is safe or unsafe")
    if names["DURABLE"] not in ([], ["yes"], ["no"]):
        raise ContractError(f"{header['name']}: DURABLE is yes or no")
    keys, args, reply = (tuple(names[section]) for section in ("KEYS", "ARGV", "REPLY"))
    repeatable, durable = names["REPEAT"] == ["safe"], names["DURABLE"] == ["yes"]
    return Contract(header["name"], keys, args, reply, statuses, repeatable, durable)


def _opening_names(section: str, rest: str) -> list[str]:
    if section == "REPLY":
        return [name.strip() for name in rest.split(",")]
    return rest.split()[:1]


def _included(match: re.Match[str]) -> str:
    return (_ROOT / "include" / f"{match[1]}.lua").read_text("utf-8").rstrip()


def load_all() -> tuple[Script, ...]:
    """Every script there is, for the link to load on connect."""
    nouns = sorted(entry.name for entry in _ROOT.iterdir() if entry.is_dir() and entry.name not in _NOT_NOUNS)
    return tuple(
        load(f"{noun}/{file.name.removesuffix('.lua')}")
        for noun in nouns
        for file in sorted((_ROOT / noun).iterdir(), key=lambda file: file.name)
        if file.name.endswith(".lua")
    )
