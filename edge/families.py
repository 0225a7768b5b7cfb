"""The metrics that one worker counts: their names, their labels, and what they say.

No label names a tenant, a pass key, an address or anybody at all, and each has a bounded set of values.
"""

from functools import partial

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

# In seconds.
BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)

# What totals over workers: a gauge of those that live, for a dead one has nothing under way.
_SUM = "livesum"
_MOST = "livemax"


class Families:
    def __init__(self, registry: CollectorRegistry) -> None:
        counter = partial(Counter, registry=registry)
        gauge = partial(Gauge, registry=registry, multiprocess_mode=_SUM)
        info = partial(Gauge, registry=registry, multiprocess_mode=_MOST)
        histogram = partial(Histogram, registry=registry, buckets=BUCKETS)
        route = ["route", "method"]

        self.requests = counter("watchword_requests", "Requests served.", [*route, "outcome"])
        self.request_seconds = histogram(
            "watchword_request_seconds", "Time to serve a request.", [*route, "outcome"]
        )
        self.requests_in_flight = gauge("watchword_requests_in_flight", "Requests being served.", route)
        self.requests_capacity = gauge("watchword_requests_capacity", "Requests that may be served at once.")
        self.passcodes = counter(
            "watchword_passcodes", "What became of passcodes: submitted, taken, fetched or gone.", ["event"]
        )
        self.challenges = _counters(
            counter,
            "watchword_challenges_{}",
            opened="Challenges that were opened.",
            verified="Challenges that ended with a right answer.",
            failed="Challenges that ended with a wrong answer, or were denied.",
            wrong="Wrong answers after which another one could be tried.",
            cancelled="Challenges that were taken back.",
        )
        self.limit_decisions = counter(
            "watchword_limit_decisions",
            "Rate limit decisions, made by Redis or by a worker that knew the answer.",
            ["policy", "decision", "by"],
        )

        self.link_up = gauge("watchword_link_up", "Workers with a working link to Redis.")
        self.link_in_flight = gauge("watchword_link_in_flight", "Calls that wait for Redis, sampled.")
        self.link_queued = gauge("watchword_link_queued", "Calls that wait for the next connection, sampled.")
        self.link_capacity = gauge("watchword_link_capacity", "Calls that may wait for Redis.")
        self.link_round_trip = histogram("watchword_link_round_trip_seconds", "Time of a PING, once a second.")
        self.redis_info = info("watchword_redis_info", "Who answers; 1 if still so.", ["server", "version"])
        self.link_events = _counters(
            counter,
            "watchword_link_{}",
            calls="Calls sent to Redis.",
            connects="Connections made to Redis.",
            connect_failures="Attempts to connect to Redis that failed.",
            losses="Connections to Redis that were lost.",
            script_reloads="Scripts that Redis had forgotten and was given again.",
            overloads="Calls refused because too many were in flight.",
            overdue="Calls that were not answered within the deadline.",
            unanswered="Calls whose outcome is unknown.",
            redirects="Calls that a node of a Cluster did not run, since their keys are elsewhere or on the move.",
            unreplicated="Calls that were carried out, and not confirmed by enough replicas.",
        )

        self.tenants_known = gauge("watchword_tenant_cache_size", "Tenants that workers know.")
        self.tenant_events = _counters(
            counter,
            "watchword_tenant_cache_{}",
            hits="Tenants that were known when asked for.",
            misses="Tenants that were not known when asked for.",
            reads="Tenants read from Redis.",
            invalidations="Tenants forgotten because they were written.",
            flushes="Times that all tenants were forgotten because changes may have been missed.",
        )

        self.passwords_queued = gauge("watchword_passwords_queued", "Passwords being hashed or waiting.")
        self.password_threads = gauge("watchword_password_threads", "Threads that hash passwords.")

        self.workers = gauge("watchword_workers", "Workers that serve.")
        self.worker_starts = counter("watchword_worker_starts", "Workers that began to serve.")
        self.cpu_seconds = counter("watchword_cpu_seconds", "Processor time that workers used.")
        self.event_loop_lag = histogram(
            "watchword_event_loop_lag_seconds", "How late a worker's event loop wakes, once a second."
        )
        self.build = info("watchword_build_info", "What is running; always 1.", ["version", "python"])


def _counters(make: "partial[Counter]", pattern: str, **texts: str) -> dict[str, Counter]:
    """A counter for each of some counts by name."""
    return {name: make(pattern.format(name), text) for name, text in texts.items()}
