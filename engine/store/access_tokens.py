"""Access tokens in Redis: what each of them grants."""

from enum import IntEnum
from typing import NamedTuple

from engine.store import keys
from engine.store.keys import Place
from engine.store.runner import Runner
from engine.store.scripts import load

_ISSUE = load("token/issue")
_READ = load("token/read")
_REVOKE = load("token/revoke")


class IssueStatus(IntEnum):
    ISSUED = 0


class ReadStatus(IntEnum):
    FOUND = 0
    ABSENT = 1


class RevokeStatus(IntEnum):
    REVOKED = 0
    ABSENT = 1


class IssueReply(NamedTuple):
    status: IssueStatus


class ReadReply(NamedTuple):
    status: ReadStatus
    grant: bytes


class RevokeReply(NamedTuple):
    status: RevokeStatus


class AccessTokenStore:
    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    async def issue(self, *, token: Place, grant: bytes, life_ms: int) -> IssueReply:
        reply = await self._runner.run(_ISSUE, token.partition, [keys.token(token)], [grant, life_ms])
        return IssueReply(IssueStatus(reply[0]))

    async def read(self, *, token: Place) -> ReadReply:
        reply = await self._runner.run(_READ, token.partition, [keys.token(token)], [])
        return ReadReply(ReadStatus(reply[0]), reply[1])

    async def revoke(self, *, token: Place, grant: bytes) -> RevokeReply:
        reply = await self._runner.run(_REVOKE, token.partition, [keys.token(token)], [grant])
        return RevokeReply(RevokeStatus(reply[0]))
