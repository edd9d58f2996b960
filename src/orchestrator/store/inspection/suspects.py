"""What a check finds: how many rows, of whom, and one of them to look at."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, func, select


@dataclass(frozen=True, slots=True, kw_only=True)
class Since:
    """What counts as late."""

    now: datetime
    grace: timedelta = timedelta(hours=1)  #: a tick or two may be missed

    @property
    def late(self) -> datetime:
        return self.now - self.grace


@dataclass(frozen=True, slots=True)
class Suspect:
    subject: str  #: the campaign's name, or what else the rows belong to
    count: int
    example: str  #: the first row's id


#: Selects ``subject`` and ``id`` of every row that is not as it should be.
Check = Callable[[Since], Select[Any]]


def run(connection: Connection, check: Check, since: Since) -> list[Suspect]:
    rows = check(since).subquery("suspects")
    counted = (
        select(rows.c.subject, func.count(), func.min(rows.c.id))
        .group_by(rows.c.subject)
        .order_by(rows.c.subject)
    )
    return [
        Suspect(str(subject), count, str(example))
        for subject, count, example in connection.execute(counted)
    ]
