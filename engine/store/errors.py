"""What can go wrong between the engine and Redis.

Unavailable             Redis could not be asked
├── LinkDown            no connection, or it refuses to work now (LOADING, OOM ...): safe to try again
├── Overloaded          more calls in flight than allowed: nothing was sent
└── OutcomeUnknown      sent, but never answered: it may have been carried out
    └── NotReplicated   carried out, but too few replicas have it: a failover may undo it
ScriptFailed            a script raised: a bug of ours, never the caller's fault
"""


class Unavailable(Exception):
    """Redis could not be asked. `reason` is its name in metrics."""

    reason = "unavailable"
    retry_after_ms = 1000


class LinkDown(Unavailable):
    """There is no working connection, or the server refuses to work for now.

    Nothing was changed; of a call that may be repeated without harm, it may have been carried out all the same.
    """

    reason = "link_down"


class Overloaded(Unavailable):
    """The bound of calls in flight is reached; the call was not sent."""

    reason = "overloaded"


class OutcomeUnknown(Unavailable):
    """The call was sent and its answer is missing: it may or may not have been carried out."""

    reason = "outcome_unknown"


class NotReplicated(OutcomeUnknown):
    """The call was carried out, and too few replicas have confirmed it. A failover may undo it."""

    reason = "not_replicated"


class ScriptFailed(Exception):
    """A script ended in an error reply. That is a bug in the script or in how it was called."""
