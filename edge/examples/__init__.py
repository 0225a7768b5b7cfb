"""Examples of calls for the OpenAPI document: `<surface>.http`, stories that a test plays against a running edge.

`### title`, the request, `HTTP status`, the headers that matter, the body. `$name` stands for a value: one that
the story begins with, or one that an answer brings. In the document it is the one of SAMPLES.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from string import Template
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import msgspec

_PARAMETER = re.compile(r"\{\w+\}")
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9]+")
_EXCHANGE = re.compile(
    r"### (?P<title>.+)\n"
    r"(?P<method>[A-Z]+) (?P<path>\S+)\n"
    r"(?P<headers>(?:[\w-]+: .+\n)*)"
    r"(?:\n(?P<body>.+)\n)?"
    r"\nHTTP (?P<status>\d+)\n"
    r"(?P<answer_headers>(?:[\w-]+: .+\n)*)"
    r"(?:\n(?P<answer>.+)\n)?"
)

_BASE = "https://watchword.example.com"
SAMPLES: Mapping[str, str] = {
    "base": _BASE,
    "tenant_id": "2dddb241-4dac-4a3b-9f42-7b56797cf451",
    "tenant_name": "Acme Bank",
    "new_tenant_id": "2dddb241-4dac-4a3b-9f42-7b56797cf451",
    "new_name": "Acme Bank",
    "new_email": "tenantadmin@example.com",
    "email": "tenantadmin@example.com",
    "password": "correct horse battery staple",
    "new_token": "wwsdecc9624fbd32976cf20ef4c22f29c571a3Z0HWIm0dMlUeuEgP1aIYC4lp2F3QfLDYgZ35owH4a2906c75",
    "new_api_key": "wwk2dddb2414dac4a3b9f427b56797cf451nFtZ4tkN6KEM9W94LhYhYFuX9MBG4D8ODzjB4YhN4yl9de33086",
    "number": "48094770",
    "time": "2026-11-22 20:28:54",
    "timestamp": "2026-11-22T20:28:54+00:00",
    "five_digits": "04950",
    "key": "15550102030",
    "workspace_id": "decc9624-fbd3-4976-8f20-ef4c22f29c57",
    "project_id": "2dddb241-4dac-4a3b-9f42-7b56797cf451",
    "factor_id": "1f6c2a53-93f1-4c1e-8d0e-5a4b1f0a7d11",
    "active_factor_id": "7b0d7a4e-0f0b-4b53-9c57-2f1f4f0f6c22",
    "challenge_id": "3c9d7c52-6d0e-4f4b-8a53-8f7f2d1f9e33",
    "next_challenge_id": "5e1f9a74-8b2c-4d6a-9c75-1a9b3c5d7e44",
    "secret": "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
    "picture": "data:image/png;base64,iVBORw0KGgo=",
    "code_before": "492039",
    "active_code": "287082",
    "coordinate": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "coordinate_y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    "key_id": "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",
    "exposition": "# HELP watchword_build_info ...\n",
    "document": '{"openapi":"3.1.0"}',
}


class Exchange(NamedTuple):
    title: str
    method: str
    path: str
    headers: str
    body: str | None
    status: str
    answer_headers: str
    answer: str | None


def exchanges(text: str) -> Iterator[Exchange]:
    """The exchanges of a story, in order."""
    for block in re.split(r"(?m)^(?=### )", text)[1:]:
        match = _EXCHANGE.fullmatch(block.strip() + "\n")
        if match is None:
            raise ValueError(f"cannot be read: {block}")
        yield Exchange(**match.groupdict())


def story(surface: str) -> str:
    """What is played of a surface; nothing, if it has no examples."""
    file = resources.files(__name__) / f"{surface}.http"
    return file.read_text() if file.is_file() else ""


class Example(NamedTuple):
    """What the document shows of an exchange. Bodies are what JSON or a form says, or else text."""

    name: str
    title: str
    status: str
    query: Mapping[str, str]
    asked: Any = None
    told: Any = None

    def shown(self, value: object) -> dict[str, Any]:
        """An Example Object of OpenAPI, by its name."""
        return {self.name: {"summary": self.title, "value": value}}


class Examples:
    """Those of one surface, by call. `paths` are those of its routes as they are documented."""

    def __init__(self, surface: str, paths: list[str]) -> None:
        self._of: dict[tuple[str, str], list[Example]] = {}
        for exchange in _read(surface):
            path, _, query = exchange.path.partition("?")
            found = min(
                (each for each in paths if _fits(each, path)), key=lambda each: each.count("{"), default=None
            )
            if found is None:  # /metrics may have a port of its own
                continue
            self._of.setdefault((exchange.method, found), []).append(_example(exchange, query))

    def of(self, method: str, path: str) -> list[Example]:
        return self._of.get((method, path), [])


@cache
def _read(surface: str) -> tuple[Exchange, ...]:
    return tuple(exchanges(story(surface)))


def _fits(template: str, path: str) -> bool:
    return re.fullmatch(_PARAMETER.sub("[^/]+", template), path) is not None


def _example(exchange: Exchange, query: str) -> Example:
    return Example(
        name=_NOT_IN_NAMES.sub("_", exchange.title).strip("_").lower(),
        title=exchange.title,
        status=exchange.status,
        query=dict(parse_qsl(_said(query))),
        asked=None if exchange.body is None else _form(exchange) or _value(exchange.body),
        told=None if exchange.answer is None else _value(exchange.answer),
    )


def _form(exchange: Exchange) -> dict[str, str]:
    is_form = "x-www-form-urlencoded" in exchange.headers
    return dict(parse_qsl(_said(exchange.body or ""))) if is_form else {}


def _value(text: str) -> Any:  # noqa: ANN401  # JSON
    said = _said(text)
    try:
        return msgspec.json.decode(said)
    except msgspec.DecodeError:
        return said


def _said(text: str) -> str:
    return Template(text).substitute(SAMPLES)
