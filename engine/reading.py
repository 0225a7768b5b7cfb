"""What Redis keeps as lines: each is read by itself, so that one which a newer version wrote harms no other."""

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def readable(lines: bytes, parse: Callable[[str], T]) -> tuple[list[T], int]:
    """What can be read, and how many lines cannot. These are told of by number: nobody knows what is in them."""
    read: list[T] = []
    unreadable = 0
    for line in lines.splitlines():
        try:
            read.append(parse(line.decode()))
        except ValueError:
            unreadable += 1
    return read, unreadable
