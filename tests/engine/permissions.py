"""The user that edges and couriers of the tests are: it may do what they need, and no more."""

import re
from urllib.parse import quote

from engine.store import scripts

USER = "watchword"
PASSWORD = "pass word/%:@"  # whatever a URL must quote
CREDENTIALS = f"{USER}:{quote(PASSWORD, safe='')}"
# What an edge may do: connect, wherever Redis is, and what its scripts do, on keys of the grammar only.
HANDSHAKE_COMMANDS = frozenset(
    {
        "asking",
        "client|caching",
        "client|setname",
        "client|tracking",
        "cluster|slots",
        "evalsha",
        "info",
        "ping",
        "script|load",
        "wait",
    }
)
# Of a command such as XINFO, what is asked of it, and no more.
SCRIPT_COMMANDS = frozenset(
    words.lower().replace("', '", "|")
    for script in scripts.load_all()
    for words in re.findall(r"redis\.call\('((?:(?:XINFO|XGROUP)', ')?\w+)'", script.source)
)
KEY_PATTERN = "{*}:*"


def rules() -> list[str]:
    """The words that make the user, as ACL SETUSER and the command line of a server take them."""
    commands = sorted(HANDSHAKE_COMMANDS | SCRIPT_COMMANDS)
    return [USER, "reset", "on", f">{PASSWORD}", f"~{KEY_PATTERN}", *(f"+{command}" for command in commands)]
