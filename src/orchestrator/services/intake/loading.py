"""The first file of a shop: straight into the empty tables, in one transaction."""

from collections.abc import Iterator

import polars as pl

from orchestrator.services.intake.merging import Merge
from orchestrator.services.intake.spool import Frames, Spool
from orchestrator.store.database import Connection
from orchestrator.store.intake import first_load
from orchestrator.store.intake.persons import name_all_persons
from orchestrator.store.tables import consents, customers, orders

_PEOPLE = (customers, consents)
_FRAMES = 10


def load_customers(merge: Merge, people: Spool, connection: Connection) -> bool:
    """Return whether there was nobody to merge them with, and they are stored."""
    if not first_load.is_first(connection, *_PEOPLE):
        return False
    with first_load.without_indexes(connection, *_PEOPLE):
        merge.people(people.whole(), total=people.rows, fresh=True)
    name_all_persons(connection)
    return True


def load_orders(merge: Merge, people: Spool, found: Frames, connection: Connection) -> bool:
    """Return whether there was no order to merge them with, and they and their customers are stored."""
    if not first_load.is_first(connection, orders) or first_load.any_coupon(connection):
        return False
    fresh = first_load.is_first(connection, *_PEOPLE)
    with first_load.without_indexes(connection, orders, *(_PEOPLE if fresh else ())):
        merge.people(people.whole(), total=people.rows, fresh=fresh)
        ids = first_load.ids_of(connection, customers)
        for several in _together(found):
            merge.load_orders(several, ids, total=found.rows)
    if fresh:
        name_all_persons(connection)
    return True


def _together(found: Frames) -> Iterator[pl.DataFrame]:
    """Yield some frames at a time: all customers are gone through for each, be it large or small."""
    for start in range(0, len(found), _FRAMES):
        yield pl.concat(found[at] for at in range(start, min(start + _FRAMES, len(found))))
