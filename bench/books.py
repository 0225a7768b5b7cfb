"""What a closing check found out, in one process or in all of them together."""

import logging
from collections import Counter

import msgspec

KEPT = (
    "closing check: nobody got somebody else's code, no code was fetched twice, no acknowledged submit was missing"
    ", no answer was wrongly accepted"
)
FAILED = "closing check FAILED"
SILENT = "a worker did not report"
IDLE = "nothing was asked"


class Report(msgspec.Struct):
    """Counts of one process, or of several.

    Args:
        asked: requests of all kinds.
        submitted: submits that were acknowledged.
        fetched: codes that were fetched, those of the sweep among them.
        verified: answers to challenges that were accepted.
        expired: codes that nobody fetched in time.
        lost: fetches whose answer never came and that cannot be repeated, so that nobody knows.
        left: codes that were neither fetched nor expired in the end.
        swept: how many of these were asked for.
        failures: requests that were not answered as documented, those that broke a promise among them.
        violations: how often which promise was broken.
    """

    asked: int = 0
    submitted: int = 0
    fetched: int = 0
    verified: int = 0
    expired: int = 0
    lost: int = 0
    left: int = 0
    swept: int = 0
    failures: int = 0
    violations: dict[str, int] = {}

    def __add__(self, other: "Report") -> "Report":
        return Report(
            asked=self.asked + other.asked,
            submitted=self.submitted + other.submitted,
            fetched=self.fetched + other.fetched,
            verified=self.verified + other.verified,
            expired=self.expired + other.expired,
            lost=self.lost + other.lost,
            left=self.left + other.left,
            swept=self.swept + other.swept,
            failures=self.failures + other.failures,
            violations=dict(Counter(self.violations) + Counter(other.violations)),
        )

    def judged(self) -> "Report":
        """The report of a whole run, which must have asked for something."""
        return self if self.asked else self + Report(violations={IDLE: 1})

    @property
    def is_good(self) -> bool:
        return not self.failures and not self.violations

    def lines(self) -> list[str]:
        """What people read."""
        counts = (
            f"closing check: {self.submitted} submits acknowledged, {self.fetched} codes fetched, "
            f"{self.expired} expired, {self.lost} with a lost answer, {self.verified} answers accepted; "
            f"{self._end()}"
        )
        broken = [f"{FAILED}: {what} ({times})" for what, times in self.violations.items()]
        others = self.failures - sum(self.violations.values())
        if others > 0:
            broken.append(f"{FAILED}: a request was not answered as documented ({others})")
        return [counts, *(broken if self.violations else [*broken, KEPT])]

    def tell(self, logger: logging.Logger) -> None:
        for line in self.lines():
            logger.log(logging.ERROR if FAILED in line else logging.INFO, line)

    def _end(self) -> str:
        if not self.left:
            return "nothing was left in the end"
        share = "all of them" if self.swept == self.left else f"a sample of {self.swept}"
        return f"{self.left} were left in the end, and {share} asked for then"
