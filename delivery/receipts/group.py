"""Receipts of many who bring them, many to a commit: for the door and for connections that hear them."""

from collections.abc import Sequence

from delivery import group_commit, vitals, wake
from delivery.group_commit import Connection
from delivery.providers.base import Receipt
from delivery.receipts import inbox

#: Whoever reconciles looks again for a while after it was woken, so it need not be told of every commit.
WAKE_SECONDS = 0.1

_Brought = tuple[int, Sequence[Receipt]]


class GroupCommit:
    """Appends receipts to the inbox. `store` returns when they are durable, or raises."""

    def __init__(self) -> None:
        self._commits = group_commit.GroupCommit(
            _append, wake.reconcile, wake_seconds=WAKE_SECONDS, failed="receipts_not_stored"
        )

    @property
    def full(self) -> bool:
        return self._commits.full

    async def store(self, provider_id: int, receipts: Sequence[Receipt]) -> None:
        """Those of one callback, or of one look at a connection: all of them, or none."""
        if receipts:
            await self._commits.bring((provider_id, receipts))

    async def close(self) -> None:
        await self._commits.close()


async def _append(connection: Connection, batch: Sequence[_Brought]) -> None:
    await inbox.append(connection, [(provider_id, receipt) for provider_id, receipts in batch for receipt in receipts])
    for provider_id, receipts in batch:
        vitals.count("receipts_appended", len(receipts), provider_id)
