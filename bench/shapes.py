"""Load shapes: --users is the most there are, --run-time how long it takes."""

from typing import ClassVar

from locust import LoadTestShape

from bench.curves import CURVES, Curve

_MOST_USERS = 20
_FASTEST = 100  # users per second: Locust advises against more


class _CurveShape(LoadTestShape):
    abstract: ClassVar[bool] = True
    use_common_options: ClassVar[bool] = True
    curve: ClassVar[Curve]

    def tick(self) -> tuple[int, float] | None:
        options = self.runner.environment.parsed_options if self.runner else None
        most: int = getattr(options, "num_users", None) or _MOST_USERS
        seconds: float = getattr(options, "run_time", None) or self.curve.seconds
        users = self.curve.users(self.get_run_time(), most=most, seconds=seconds)
        ramp_s = self.curve.ramp * seconds
        return None if users is None else (users, min(most / ramp_s if ramp_s else most, _FASTEST))


class Steps(_CurveShape):
    """Five steps up."""

    curve = CURVES["steps"]


class Spike(_CurveShape):
    """A tenth of the users, all of them for a fifth of the time, a tenth again."""

    curve = CURVES["spike"]


class Soak(_CurveShape):
    """All of the users for a long time, reached slowly."""

    curve = CURVES["soak"]


SHAPES: dict[str, type[LoadTestShape]] = {"steps": Steps, "spike": Spike, "soak": Soak}
