"""A random few of a large send go first; the others follow when their answers are known."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from orchestrator.store.database import Connection
from orchestrator.store.messages import canaries, claims
from orchestrator.store.messages.claims import Claimed


class Canaries:
    """Remembers which sends have begun, so that each is looked at once."""

    def __init__(self, size: int, from_size: int) -> None:
        self.size = size
        self.from_size = from_size
        self._begun: set[int] = set()

    def first(
        self,
        connection: Connection,
        batch: Sequence[Claimed],
        *,
        owner: str,
        now: datetime,
        lease_until: datetime,
    ) -> list[Claimed]:
        """
        Return the batch, or random messages of a large send in it that has not begun.

        The first by due moment are no sample: they ordered at the same hour, in one zone.
        """
        take = partial(
            claims.claim_these, connection, owner=owner, now=now, lease_until=lease_until
        )
        for send_id in sorted({one.send_id for one in batch} - self._begun):
            self._begun.add(send_id)
            if canaries.is_fresh(connection, send_id, self.from_size):
                claims.give_back(connection, batch)
                chosen = canaries.draw(connection, send_id, self.size, now)
                # None where another dispatcher has just taken them all.
                return take(chosen) or take([one.id for one in batch])
        return list(batch)
