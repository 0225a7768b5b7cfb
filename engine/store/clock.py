"""The clock of scripts: that of their server, unless a test passes an instant in (lua/include/clock.lua)."""


def clock(now_us: int | None) -> int | str:
    """The argument of a script that tells the time, in microseconds since the epoch."""
    return "" if now_us is None else now_us
