"""What must have happened to a write before anybody is told of it."""

import re
from enum import StrEnum
from typing import NamedTuple, Self

_MAX_REPLICAS = 9


class Mode(StrEnum):
    NONE = "none"
    AOF = "aof"
    REPLICAS = "replicas"


class Durability(NamedTuple):
    """How an acknowledged write outlives a failure.

    none        as Redis is configured, whatever that is
    aof         only servers whose append-only file is on are linked: a crash of Redis loses nothing that was
                acknowledged, a crash of its machine what its appendfsync allows
    replicas:N  and N replicas have it, or the answer is "unknown outcome": a failover to one of them loses nothing
    """

    mode: Mode = Mode.NONE
    replicas: int = 0

    def __str__(self) -> str:
        return f"{self.mode}:{self.replicas}" if self.mode is Mode.REPLICAS else str(self.mode)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises: ValueError: it is none of the three."""
        if text in {Mode.NONE, Mode.AOF}:
            return cls(Mode(text))
        if match := re.fullmatch(rf"replicas:([1-{_MAX_REPLICAS}])", text):
            return cls(Mode.REPLICAS, int(match[1]))
        raise ValueError(f"none, aof or replicas:N, N from 1 to {_MAX_REPLICAS}")
