"""Customers and consents, merged: who is stored already, what differs, who is the same person."""

from datetime import datetime

import polars as pl
from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Text,
    and_,
    cast,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
    type_coerce,
    update,
)
from sqlalchemy import text as sql

from orchestrator.store.intake import staging
from orchestrator.store.intake.counts import Counts
from orchestrator.store.intake.finding import addresses, find_customers
from orchestrator.store.intake.persons import name_persons
from orchestrator.store.intake.staging import stage
from orchestrator.store.tables import consents, customers

PHONE_ALIAS, EMAIL_ALIAS = "phone:", "email:"
CELLS = ("name", "phone", "email", "phone_hash", "email_hash", "locale", "timezone", "country",
          "region", "tier")  # fmt: skip


def merge_customers(
    connection: Connection, frame: pl.DataFrame, *, import_id: int, now: datetime
) -> Counts:
    """
    Store customers (columns of ``staging.customers``, one row an id); empty cells erase nothing.

    A row with an id of its own takes over the profile that orders without one had made from its
    phone or e-mail. A row without one goes to the profile that has its phone, else its e-mail.
    """
    rows = staging.customers
    stage(connection, rows, frame)
    total, stored, said = frame.height, _stored(connection), _said(frame)
    if stored < total and said & {"phone_hash", "email_hash"}:
        total = _find_profiles_by_address(connection, frame)
        stored = _stored(connection)
    inserted = updated = 0
    # Rows with nothing but ids, as in most files of orders, change nobody.
    if stored and said:
        _lock_in_order(connection)
        updated = _update(connection, said, import_id, now)
    if stored < total:
        inserted = _insert(connection, import_id, now, all_new=not stored)
    if "email" in said or updated:
        name_persons(connection, updated=bool(updated))
    staging.drop(connection, rows)
    return Counts(inserted, updated, total - inserted - updated)


def merge_consents(connection: Connection, frame: pl.DataFrame, source: str) -> Counts:
    """
    Store what customers agreed to.

    The latest dated statement counts. Without a date a no counts at once, and a yes revokes no no.
    """
    rows = staging.consents
    stage(connection, rows, frame)
    aliases = bool(frame["is_alias"].any())
    find_customers(connection, rows, rows.c.external_id, aliases=aliases)
    same = and_(
        consents.c.customer_id == rows.c.customer_id,
        type_coerce(consents.c.channel, Text) == rows.c.channel,
        consents.c.purpose == rows.c.purpose,
    )
    stored = connection.execute(
        select(func.count()).select_from(rows).join(consents, same)
    ).scalar_one()
    updated = _update_consents(connection, same, source) if stored else 0
    fresh = select(
        rows.c.customer_id,
        rows.c.channel,
        rows.c.purpose,
        rows.c.granted,
        literal(source),
        rows.c.at,
    ).where(rows.c.customer_id.is_not(None))
    if stored:
        fresh = fresh.outerjoin(consents, same).where(consents.c.customer_id.is_(None))
    if aliases:  # two of them may be one customer
        one = (rows.c.customer_id, rows.c.channel, rows.c.purpose)
        fresh = fresh.where(rows.c.nr.in_(select(func.max(rows.c.nr)).group_by(*one)))
    names = ["customer_id", "channel", "purpose", "granted", "source", "at"]
    inserted = connection.execute(insert(consents).from_select(names, fresh)).rowcount
    staging.drop(connection, rows)
    return Counts(inserted, updated, frame.height - inserted - updated)


def _update_consents(connection: Connection, same: ColumnElement[bool], source: str) -> int:
    rows = staging.consents
    newer = and_(rows.c.is_dated, rows.c.at > type_coerce(consents.c.at, rows.c.at.type))
    revoked = and_(~rows.c.granted, consents.c.granted, ~rows.c.is_dated)
    changed = update(consents).where(same, or_(newer, revoked))
    values = changed.values(granted=rows.c.granted, source=source, at=rows.c.at)
    return connection.execute(values).rowcount


def _stored(connection: Connection) -> int:
    rows = staging.customers
    both = select(func.count()).select_from(rows)
    both = both.join(customers, customers.c.external_id == rows.c.external_id)
    return int(connection.execute(both).scalar_one())


def _said(frame: pl.DataFrame) -> set[str]:
    """The columns in which any row says something about its customer."""
    cells = (*CELLS, "attributes")
    return {name for name in cells if name in frame and frame[name].null_count() < frame.height}


def _find_profiles_by_address(connection: Connection, frame: pl.DataFrame) -> int:
    """Make staged and stored profiles that share an address meet; return the rows that are left."""
    rows = staging.customers
    for alias, column in ((PHONE_ALIAS, rows.c.phone_hash), (EMAIL_ALIAS, rows.c.email_hash)):
        _take_over(connection, alias, column)
    if not bool(frame["is_alias"].any()):
        return frame.height
    _find_profiles(connection)
    return _one_row_each(connection)


def _lock_in_order(connection: Connection) -> None:
    """
    Lock the stored customers of these rows by id, as dispatchers do.

    In another order two would wait for each other. SQLite has one writer.
    """
    if connection.dialect.name == "sqlite":
        return
    rows = staging.customers
    staged = select(rows.c.external_id)
    locked = (
        select(customers.c.id)
        .where(customers.c.external_id.in_(staged))
        .order_by(customers.c.id)
        .with_for_update(key_share=True)
        .cte("locked")
        .prefix_with("MATERIALIZED")
    )
    connection.execute(select(func.count()).select_from(locked)).all()


def _take_over(connection: Connection, alias: str, address: Column[str]) -> None:
    rows = staging.customers
    profile, known = customers.alias("profile"), customers.alias("known")
    taken = (
        select(profile.c.id, func.min(rows.c.external_id).label("external_id"))
        .join(rows, profile.c.external_id == literal(alias) + address)
        .outerjoin(known, known.c.external_id == rows.c.external_id)
        .where(~rows.c.is_alias, known.c.id.is_(None))
        .group_by(profile.c.id)
        .subquery("taken")
    )
    connection.execute(
        update(customers)
        .where(customers.c.id == taken.c.id)
        .values(external_id=taken.c.external_id)
    )


def _find_profiles(connection: Connection) -> None:
    rows = staging.customers
    exact = select(customers.c.id).where(customers.c.external_id == rows.c.external_id).exists()
    for stored, staged in addresses(rows):
        found = (
            select(customers.c.external_id)
            .where(stored == staged)
            .order_by(customers.c.id)
            .limit(1)
            .scalar_subquery()
        )
        connection.execute(
            update(rows)
            .where(rows.c.is_alias, ~exact, found.is_not(None))
            .values(external_id=found)
        )


def _one_row_each(connection: Connection) -> int:
    rows = staging.customers
    last = select(func.max(rows.c.nr)).group_by(rows.c.external_id)
    connection.execute(delete(rows).where(rows.c.nr.not_in(last)))
    return int(connection.execute(select(func.count()).select_from(rows)).scalar_one())


def _update(connection: Connection, said: set[str], import_id: int, now: datetime) -> int:
    rows = staging.customers
    cells = [name for name in CELLS if name in said]
    new = {name: func.coalesce(rows.c[name], customers.c[name]) for name in cells}
    differs = [customers.c[name].is_distinct_from(value) for name, value in new.items()]
    if "attributes" in said:
        stored_json = cast(customers.c.attributes, Text)
        differs.append(and_(rows.c.attributes.is_not(None), stored_json != rows.c.attributes))
        new["attributes"] = func.coalesce(
            _as_json(connection, rows.c.attributes), customers.c.attributes
        )
    changed = update(customers).where(customers.c.external_id == rows.c.external_id, or_(*differs))
    person = func.coalesce(rows.c.phone, customers.c.person)
    return connection.execute(
        changed.values(**new, person=person, import_id=import_id, updated_at=now)
    ).rowcount


def _insert(connection: Connection, import_id: int, now: datetime, *, all_new: bool) -> int:
    rows = staging.customers
    person = func.coalesce(rows.c.phone, rows.c.email, literal("id:") + rows.c.external_id)
    fresh = select(
        rows.c.external_id,
        *(rows.c[name] for name in CELLS),
        person,
        func.coalesce(_as_json(connection, rows.c.attributes), _as_json(connection, literal("{}"))),
        literal(import_id),
        literal(now, customers.c.updated_at.type),
    ).order_by(rows.c.nr)
    if not all_new:
        same = customers.c.external_id == rows.c.external_id
        fresh = fresh.outerjoin(customers, same).where(customers.c.id.is_(None))
    names = ["external_id", *CELLS, "person", "attributes", "import_id", "updated_at"]
    return connection.execute(insert(customers).from_select(names, fresh)).rowcount


def _as_json(connection: Connection, column: ColumnElement[str]) -> ColumnElement[str]:
    text = type_coerce(column, Text)
    # SQLite keeps JSON as text; PostgreSQL wants to be told.
    return text if connection.dialect.name == "sqlite" else text.op("::")(sql("json"))
