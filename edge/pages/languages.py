"""The languages of pages: a file of words for each, `web/i18n/<what>.<language>.json`."""

import re
from importlib import resources
from typing import Any

import msgspec

from edge.http import Request

DEFAULT = "en"
_FOLDER = resources.files("web") / "i18n"
_ACCEPTED = re.compile(r"([a-z]{2,3})(?:-[a-z0-9-]+)?\s*(?:;\s*q=([01](?:\.[0-9]{0,3})?))?", re.IGNORECASE)

Words = dict[str, Any]


def read_words(what: str) -> dict[str, Words]:
    """The words for something, by language."""
    files = [entry for entry in _FOLDER.iterdir() if entry.name.startswith(f"{what}.")]
    return {entry.name.split(".")[1]: msgspec.json.decode(entry.read_bytes(), type=Words) for entry in files}


LANGUAGES = tuple(sorted(read_words("pages")))


def language_of(request: Request) -> str:
    """The one of ours that the reader likes best (RFC 9110 12.5.4)."""
    accepted = _ACCEPTED.finditer(request.header(b"accept-language") or "")
    liked = {match[1].lower(): float(match[2] or 1) for match in reversed(list(accepted))}
    known = [language for language in sorted(liked, key=liked.__getitem__, reverse=True) if language in LANGUAGES]
    return known[0] if known and liked[known[0]] > 0 else DEFAULT
