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
    liked = {DEFAULT: 0.0}
    for match in _ACCEPTED.finditer(request.header(b"accept-language") or ""):
        language = match[1].lower()
        if language in LANGUAGES:
            liked[language] = max(float(match[2] or 1), liked.pop(language, 0.0))
    return max(liked, key=liked.__getitem__)
