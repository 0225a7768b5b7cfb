"""Origins of web pages, as browsers say them (RFC 6454 6.2)."""

import re

_ORIGIN = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<host>[a-z0-9._-]+|\[[0-9a-f:.]+\])(:(?P<port>[0-9]{1,5}))?"
)
_IMPLIED_PORTS = {"http": 80, "https": 443}
_MAX_PORT = 65535


def normal_origin(text: str) -> str | None:
    """An origin as a browser would say it, None if it is none: it has a path, or there is no such port."""
    match = _ORIGIN.fullmatch(text.lower())
    if match is None or int(match["port"] or 0) > _MAX_PORT:
        return None
    scheme, host, port = match["scheme"], match["host"], match["port"]
    if port is None or int(port) == _IMPLIED_PORTS.get(scheme):
        return f"{scheme}://{host}"
    return f"{scheme}://{host}:{int(port)}"
