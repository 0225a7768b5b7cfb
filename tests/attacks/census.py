"""What decodes, by the program itself: its readers of bodies and queries, and every call that decodes."""

import ast
import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import edge
import engine
import watchword
from edge.wire import Body, Query

ROOT = Path(__file__).parents[2]
DECODING = frozenset(
    {
        "b64decode",
        "convert",
        "Decoder",
        "fromhex",
        "ip_address",
        "ip_network",
        "json.decode",
        "load_der_private_key",
        "msgpack.decode",
        "parse_qsl",
        "parse_url",
        "unquote",
    }
)


def bodies() -> dict[str, Body[Any] | Query[Any]]:
    """Every reader of bodies and queries that a module has, by itself or in a table."""
    return {
        name: one for module in _modules() for name, one in _of_module(module) if isinstance(one, Body | Query)
    }


def places() -> set[str]:
    """Where calls decode, as `module:function`, by the source."""
    return {
        f"{'.'.join(path.relative_to(ROOT).with_suffix('').parts)}:{place}"
        for package in ("edge", "engine", "watchword")
        for path in sorted((ROOT / package).rglob("*.py"))
        for place in _places(ast.parse(path.read_text("utf-8")), "")
    }


def _modules() -> Iterator[ModuleType]:
    """All of the program but its entry point."""
    for package in (edge, engine, watchword):
        for found in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
            if not found.name.endswith("__main__"):
                yield importlib.import_module(found.name)


def _of_module(module: ModuleType) -> Iterator[tuple[str, object]]:
    for name, value in vars(module).items():
        many: Mapping[object, object] = (
            cast("Mapping[object, object]", value) if isinstance(value, Mapping) else {"": value}
        )
        yield from ((f"{module.__name__}:{name}{key}", one) for key, one in many.items())


def _places(node: ast.AST, within: str) -> Iterator[str]:
    for child in ast.iter_child_nodes(node):
        inner = within
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            inner = f"{within}.{child.name}".removeprefix(".")
        if isinstance(child, ast.Call) and _decodes(ast.unparse(child.func)):
            yield within
        yield from _places(child, inner)


def _decodes(function: str) -> bool:
    return any(f".{function}".endswith(f".{name}") for name in DECODING)
