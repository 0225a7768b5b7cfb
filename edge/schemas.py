"""JSON Schema of what travels on a surface: msgspec's, put right for answers, and for readers in any language."""

import re
from collections.abc import Sequence
from typing import Any, cast, get_origin

import msgspec
from msgspec import inspect

from edge.calls import Kind

Json = dict[str, Any]

_COMPONENTS = "#/components/schemas/"
_REFERENCE = re.compile(rf'"\$ref":"{_COMPONENTS}([^"]+)"')
# What Python's regular expressions say in other words: the end of a text, and letters and digits of any script.
# ECMA-262 has \p for those and many engines do not, so beyond ASCII all characters are let through.
_PORTABLE = {r"\Z": "$", r"[^\W_]": r"[^\x00-/:-@\[-`{-\x7f]"}


class Schemas:
    """The schemas of one surface. Their names begin with its name, so that those of two surfaces never meet.

    Args:
        surface: its name.
        asked: what requests carry: what has a default may be left out.
        told: what answers carry: what has a default is said all the same.
    """

    def __init__(self, surface: str, *, asked: Sequence[Kind], told: Sequence[Kind]) -> None:
        self._kinds = [*asked, *told]
        made, components = msgspec.json.schema_components(
            self._kinds, ref_template=f"{_COMPONENTS}{surface}.{{name}}"
        )
        self._schemas = [_portable(schema) for schema in made]
        self.components: dict[str, Json] = {
            f"{surface}.{name}": _portable(schema) for name, schema in components.items()
        }
        spared = self._reachable(self._schemas[: len(asked)])
        brief = {struct.__name__ for struct in _structs(self._kinds) if struct.__struct_config__.omit_defaults}
        for name, schema in self.components.items():
            if name not in spared and schema.get("title") not in brief:
                _require_what_has_a_default(schema)

    def of(self, kind: Kind) -> Json:
        """The schema of one of the kinds; of a struct, a reference."""
        return self._schemas[self._kinds.index(kind)]

    def _reachable(self, schemas: Sequence[Json]) -> set[str]:
        """The names of all components that the schemas refer to, and these again."""
        found: set[str] = set()
        waiting = _references(schemas)
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting += _references(self.components[name])
        return found


def _portable(schema: Any) -> Any:  # noqa: ANN401  # any part of a schema
    """The same with patterns that other engines read (JSON Schema asks for ECMA-262)."""
    if isinstance(schema, list):
        return [_portable(part) for part in cast("list[Any]", schema)]
    if not isinstance(schema, dict):
        return schema
    return {
        name: _portable_pattern(part) if name == "pattern" and isinstance(part, str) else _portable(part)
        for name, part in cast("Json", schema).items()
    }


def _portable_pattern(pattern: str) -> str:
    for ours, theirs in _PORTABLE.items():
        pattern = pattern.replace(ours, theirs)
    return pattern


def _references(schemas: Json | Sequence[Json]) -> list[str]:
    """The names of the components that schemas refer to themselves."""
    return _REFERENCE.findall(msgspec.json.encode(schemas).decode())


def _structs(kinds: Sequence[Kind]) -> set[type[msgspec.Struct]]:
    """All structs within the kinds."""
    found: set[type[msgspec.Struct]] = set()
    waiting: list[Any] = list(inspect.multi_type_info(kinds))
    while waiting:
        part = waiting.pop()
        if isinstance(part, inspect.StructType):
            struct = get_origin(part.cls) or part.cls  # of a generic one, what it is made of
            if struct not in found:
                found.add(struct)
                waiting += [field.type for field in part.fields]
        elif isinstance(part, inspect.Type):
            waiting += msgspec.structs.astuple(part)
        elif isinstance(part, tuple):
            waiting += part
    return found


def _require_what_has_a_default(schema: Json) -> None:
    """Of an answer: what has none and is not required is UNSET at times."""
    for name, of_field in schema.get("properties", {}).items():
        if "default" in of_field:
            del of_field["default"]
            schema["required"].append(name)
