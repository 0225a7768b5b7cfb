"""How commands answer: text for people, one JSON value for scripts."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import click
import msgspec

json_option = click.option("--json", "as_json", is_flag=True, help="Answer in JSON, for scripts.")


def answer(value: object, text: str, *, as_json: bool) -> None:
    """Print one of the two: a value that JSON can hold, or what it means."""
    click.echo(msgspec.json.encode(value).decode() if as_json else text)


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Columns, as wide as they need to be."""
    lines = [header, *([printable(cell) for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)


def listing(pairs: Iterable[tuple[str, str]]) -> str:
    """Names and values, indented under what they are about."""
    known = list(pairs)
    width = max(len(name) for name, _ in known)
    return "\n".join(f"  {name:{width}}  {printable(value)}" for name, value in known)


def printable(text: str) -> str:
    """Names come from anybody: none may steer the operator's terminal."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def timestamp(seconds: int) -> str:
    """RFC 3339, UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
