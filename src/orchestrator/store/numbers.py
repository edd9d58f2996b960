"""How a customer is named: by the shop's own number, or by ours where the shop's may tell who it is."""

import re

from sqlalchemy import ColumnElement

from orchestrator.store.tables import customers

_OURS = re.compile(r"id:([0-9]{1,18})")


def our_number(customer_id: int) -> str:
    """A name that gives nobody away: the shop's own number may be what the buyer calls themselves."""
    return f"id:{customer_id}"


def known_as(name: str) -> ColumnElement[bool]:
    """The customer of that name, as a condition."""
    if ours := _OURS.fullmatch(name):
        return customers.c.id == int(ours[1])
    return customers.c.external_id == name
