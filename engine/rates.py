"""Rates: how often something may be done."""

import re
from functools import lru_cache
from typing import NamedTuple

_RATE = re.compile(r"([1-9][0-9]{0,6})/([1-9][0-9]{0,5})")
_MICROSECONDS = 1_000_000


class Rate(NamedTuple):
    """So many requests in so many seconds, all of them at once if need be. A quota of 0 is no limit."""

    quota: int
    window_s: int

    @classmethod
    def parse(cls, text: str) -> "Rate":
        """Read `quota/seconds`, or `0` for no limit.

        Raises:
            ValueError: anything else.
        """
        if text == "0":
            return NO_LIMIT
        match = _RATE.fullmatch(text)
        if match is None:
            raise ValueError("a rate is written quota/seconds, as in 60/60, or 0 for no limit")
        return cls(int(match[1]), int(match[2]))

    @property
    def window_us(self) -> int:
        return self.window_s * _MICROSECONDS

    @property
    def emission_us(self) -> int:
        """Between two requests at the sustained rate; whole, as in lua/include/gcra.lua."""
        return -(-self.window_us // self.quota)


NO_LIMIT = Rate(0, 1)


@lru_cache(maxsize=1024)
def per_second(quota: int) -> Rate:
    return Rate(quota, 1)


class DefaultRates(NamedTuple):
    """The limits of a deployment, where a tenant sets none."""

    submit_per_address: Rate
    submit_per_key: Rate
    fetch_per_api_key: Rate
    fetch_per_agent: Rate
    login_per_email: Rate
    login_per_address: Rate
    sign_up_per_email: Rate
    sign_up_per_address: Rate
    call_per_client: Rate
    token_per_address: Rate
