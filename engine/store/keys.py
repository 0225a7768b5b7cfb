"""The key grammar: the one place where a key name is made.

    {partition}:noun:digest

The tag in braces is all that Redis Cluster hashes, so keys of one partition share a slot. A digest is keyed
(BLAKE2b, RFC 7693), so a dump of Redis tells no phone number, e-mail address or pass key.
"""

import secrets
import uuid
from binascii import b2a_base64
from hashlib import blake2b
from typing import NamedTuple

MAX_PARTITIONS = 4096

# Nouns that live until somebody deletes them. Every other key has a time to live.
PERMANENT = frozenset(
    {
        "active",
        "admin",
        "admins",
        "agent",
        "agents",
        "claim",
        "deployment",
        "due",
        "factor",
        "inactive",
        "keychecks",
        "outbox",
        "owned",
        "retries",
        "tenant",
        "tenants",
    }
)

DEPLOYMENT = b"{0}:deployment"
KEY_CHECKS = b"{0}:keychecks"
KEY_HOLDERS = b"{0}:keyholders"

_DIGEST_BYTES = 16


class Place(NamedTuple):
    """Where a subject's keys are: its partition, and the digest that stands for it."""

    partition: int
    tag: bytes
    digest: bytes


class KeySpace:
    """Places subjects in partitions and names their keys.

    Args:
        partitions: how many there are; the same for the life of a deployment.
        index_key: secret of the digests, 32 bytes; the same for the life of a deployment, unless Redis loses it.
    """

    def __init__(self, *, partitions: int, index_key: bytes) -> None:
        self.partitions = partitions
        self.index_key = index_key
        self._keyed = _keyed(index_key)
        self._tags = [b"{%d}:" % number for number in range(partitions)]

    def adopt(self, index_key: bytes) -> None:
        """Name keys by another secret from now on."""
        self.index_key = index_key
        self._keyed = _keyed(index_key)

    def place(self, *parts: str) -> Place:
        """The place of a subject, named by its parts in full: kind, tenant, name within it."""
        return self._place_of(self._raw_digest(parts))

    def place_of_id(self, identifier: str) -> Place:
        """The place of a subject whose identifier is its digest already."""
        return self._place_of(bytes.fromhex(identifier))

    def new_id(self, beside: Place) -> str:
        """An identifier, in the form of a UUID, of something new in a subject's partition."""
        first = secrets.randbelow(2**32 // self.partitions) * self.partitions + beside.partition
        return str(uuid.UUID(bytes=first.to_bytes(4, "big") + secrets.token_bytes(12), version=4))

    def place_of_new(self, identifier: str, *parts: str) -> Place:
        """The place of what `new_id` named: in the partition that its id carries.

        The parts are digested with the id, so that who does not know all of them finds nothing.
        """
        return self.place_in(self.partition_of_new(identifier), *parts, identifier)

    def partition_of_new(self, identifier: str) -> int:
        """The partition that an id of `new_id` carries."""
        return int(identifier[:8], 16) % self.partitions

    def place_in(self, partition: int, *parts: str) -> Place:
        """The place of a subject that has a share in every partition, in one of them."""
        digest = b2a_base64(self._raw_digest(parts), newline=False)[:22]
        return Place(partition, self._tags[partition], digest)

    def partition(self, number: int) -> Place:
        """The place of what belongs to a whole partition."""
        return Place(number, self._tags[number], b"")

    def digest(self, *parts: str) -> str:
        """A keyed digest in hexadecimal, for what is compared but must not be read."""
        return self._raw_digest(parts).hex()

    def _place_of(self, raw: bytes) -> Place:
        partition = int.from_bytes(raw[:4], "big") % self.partitions
        return Place(partition, self._tags[partition], b2a_base64(raw, newline=False)[:22])

    def _raw_digest(self, parts: tuple[str, ...]) -> bytes:
        # NUL separates, and no part holds one: ("a", "bc") and ("ab", "c") stay two subjects.
        keyed = self._keyed.copy()  # cheaper than to begin with the key
        keyed.update("\0".join(parts).encode())
        return keyed.digest()


def _keyed(index_key: bytes) -> "blake2b":
    """What every digest begins with."""
    return blake2b(key=index_key, digest_size=_DIGEST_BYTES)


def claim(name: Place) -> bytes:
    return name.tag + b"claim:" + name.digest


def admin(email: Place) -> bytes:
    return email.tag + b"admin:" + email.digest


def admins(partition: Place) -> bytes:
    return partition.tag + b"admins"


def session(email: Place, token_digest: str) -> bytes:
    return email.tag + b"session:" + token_digest.encode()


def agent(agent_id: Place) -> bytes:
    return agent_id.tag + b"agent:" + agent_id.digest


def agents(tenant_id: Place) -> bytes:
    return tenant_id.tag + b"agents:" + tenant_id.digest


def agent_session(agent_id: Place, token_digest: str) -> bytes:
    return agent_id.tag + b"agentsession:" + agent_id.digest + token_digest.encode()


def tenant(tenant_id: Place) -> bytes:
    return tenant_id.tag + b"tenant:" + tenant_id.digest


def tenants(partition: Place) -> bytes:
    return partition.tag + b"tenants"


def owned(admin: Place) -> bytes:
    return admin.tag + b"owned:" + admin.digest


def passcode(subject: Place) -> bytes:
    return subject.tag + b"passcode:" + subject.digest


def submit_receipt(subject: Place, request: str) -> bytes:
    return subject.tag + b"submitted:" + subject.digest + request.encode()


def fetch_receipt(subject: Place, request: str) -> bytes:
    return subject.tag + b"fetched:" + subject.digest + request.encode()


def token(subject: Place) -> bytes:
    return subject.tag + b"token:" + subject.digest


def limit(subject: Place) -> bytes:
    return subject.tag + b"limit:" + subject.digest


def request(subject: Place) -> bytes:
    return subject.tag + b"request:" + subject.digest


def factor(subject: Place) -> bytes:
    return subject.tag + b"factor:" + subject.digest


def pending_factors(tenant_in_partition: Place) -> bytes:
    return tenant_in_partition.tag + b"pending:" + tenant_in_partition.digest


def active_factors(tenant_in_partition: Place) -> bytes:
    return tenant_in_partition.tag + b"active:" + tenant_in_partition.digest


def inactive_factors(tenant_in_partition: Place) -> bytes:
    return tenant_in_partition.tag + b"inactive:" + tenant_in_partition.digest


def challenge(subject: Place) -> bytes:
    return subject.tag + b"challenge:" + subject.digest


def challenges(factor: Place) -> bytes:
    return factor.tag + b"challenges:" + factor.digest


def due(partition: Place) -> bytes:
    return partition.tag + b"due"


def outbox(partition: Place) -> bytes:
    return partition.tag + b"outbox"


def retries(partition: Place) -> bytes:
    return partition.tag + b"retries"


def fence(partition: int) -> bytes:
    return b"{%d}:fence" % partition


def dead_letters(tenant_in_partition: Place) -> bytes:
    return tenant_in_partition.tag + b"dead:" + tenant_in_partition.digest


def deliveries(tenant_in_partition: Place) -> bytes:
    return tenant_in_partition.tag + b"deliveries:" + tenant_in_partition.digest


def audit(owner_in_partition: Place) -> bytes:
    return owner_in_partition.tag + b"audit:" + owner_in_partition.digest


def audit_beside(subject: Place, owner: bytes) -> bytes:
    """The audit trail of an owner, by its digest, in a subject's partition."""
    return subject.tag + b"audit:" + owner


def journal(partition: Place) -> bytes:
    return partition.tag + b"journal"


def usage(tenant: Place) -> bytes:
    return tenant.tag + b"usage:" + tenant.digest
