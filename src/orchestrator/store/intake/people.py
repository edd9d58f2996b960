"""Customers and consents, merged: who is stored already, what differs, who is the same person."""

from datetime import datetime

import polars as pl
from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Table,
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
from orchestrator.store.intake.staging import stage
from orchestrator.store.tables import consents, customers

PHONE_ALIAS, EMAIL_ALIAS = "phone:", "email:"
_CELLS = ("name", "phone", "email", "phone_hash", "email_hash", "locale", "timezone", "country",
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
    _lock_in_order(connection)
    for alias, column in ((PHONE_ALIAS, rows.c.phone_hash), (EMAIL_ALIAS, rows.c.email_hash)):
        _take_over(connection, alias, column)
    if bool(frame["is_alias"].any()):
        _find_profiles(connection)
    total = _one_row_each(connection)
    updated = _update(connection, import_id, now)
    inserted = _insert(connection, import_id, now)
    _name_persons(connection)
    staging.drop(connection, rows)
    return Counts(inserted, updated, total - inserted - updated)


def merge_consents(connection: Connection, frame: pl.DataFrame, source: str) -> Counts:
    """
    Store what customers agreed to.

    The latest dated statement counts. Without a date a no counts at once, and a yes revokes no no.
    """
    rows = staging.consents
    stage(connection, rows, frame)
    customer = find_customer(rows, rows.c.external_id)
    given = (
        select(
            rows.c.nr,
            customer.label("customer_id"),
            rows.c.channel,
            rows.c.purpose,
            rows.c.granted,
            rows.c.at,
            rows.c.is_dated,
        )
        .where(customer.is_not(None))
        .subquery("given")
    )
    same = and_(
        consents.c.customer_id == given.c.customer_id,
        type_coerce(consents.c.channel, Text) == given.c.channel,
        consents.c.purpose == given.c.purpose,
    )
    stored_at = type_coerce(consents.c.at, rows.c.at.type)
    newer = and_(given.c.is_dated, given.c.at > stored_at)
    changed = update(consents).where(
        same,
        or_(newer, and_(~given.c.granted, consents.c.granted, ~given.c.is_dated)),
    )
    updated = connection.execute(
        changed.values(granted=given.c.granted, source=source, at=given.c.at)
    ).rowcount
    fresh = (
        select(
            given.c.customer_id,
            given.c.channel,
            given.c.purpose,
            given.c.granted,
            literal(source),
            given.c.at,
        )
        .outerjoin(consents, same)
        .where(
            consents.c.customer_id.is_(None),
            given.c.nr.in_(
                select(func.max(given.c.nr)).group_by(
                    given.c.customer_id, given.c.channel, given.c.purpose
                )
            ),
        )
    )
    names = ["customer_id", "channel", "purpose", "granted", "source", "at"]
    inserted = connection.execute(insert(consents).from_select(names, fresh)).rowcount
    staging.drop(connection, rows)
    return Counts(inserted, updated, frame.height - inserted - updated)


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


def find_customer(rows: Table, external_id: ColumnElement[str]) -> ColumnElement[int]:
    """The stored customer of a staged row: by id; without an id of its own, by phone, by e-mail."""
    return func.coalesce(
        select(customers.c.id).where(customers.c.external_id == external_id).scalar_subquery(),
        *(
            select(func.min(customers.c.id))
            .where(stored == staged, rows.c.is_alias)
            .scalar_subquery()
            for stored, staged in _addresses(rows)
        ),
    )


def _addresses(rows: Table) -> list[tuple[Column[str], Column[str]]]:
    return [
        (customers.c.phone_hash, rows.c.phone_hash),
        (customers.c.email_hash, rows.c.email_hash),
    ]


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
    for stored, staged in _addresses(rows):
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


def _update(connection: Connection, import_id: int, now: datetime) -> int:
    rows = staging.customers
    new = {name: func.coalesce(rows.c[name], customers.c[name]) for name in _CELLS}
    stored_json = cast(customers.c.attributes, Text)
    differs = [customers.c[name].is_distinct_from(value) for name, value in new.items()]
    changed = (
        update(customers)
        .where(
            customers.c.external_id == rows.c.external_id,
            or_(*differs, and_(rows.c.attributes.is_not(None), stored_json != rows.c.attributes)),
        )
        .values(
            **new,
            attributes=func.coalesce(
                _as_json(connection, rows.c.attributes), customers.c.attributes
            ),
            import_id=import_id,
            updated_at=now,
        )
    )
    return connection.execute(changed).rowcount


def _insert(connection: Connection, import_id: int, now: datetime) -> int:
    rows = staging.customers
    person = func.coalesce(rows.c.phone, rows.c.email, literal("id:") + rows.c.external_id)
    fresh = (
        select(
            rows.c.external_id,
            *(rows.c[name] for name in _CELLS),
            person,
            func.coalesce(
                _as_json(connection, rows.c.attributes), _as_json(connection, literal("{}"))
            ),
            literal(import_id),
            literal(now, customers.c.updated_at.type),
        )
        .outerjoin(customers, customers.c.external_id == rows.c.external_id)
        .where(customers.c.id.is_(None))
        .order_by(rows.c.nr)
    )
    names = ["external_id", *_CELLS, "person", "attributes", "import_id", "updated_at"]
    return connection.execute(insert(customers).from_select(names, fresh)).rowcount


def _as_json(connection: Connection, column: ColumnElement[str]) -> ColumnElement[str]:
    text = type_coerce(column, Text)
    # SQLite keeps JSON as text; PostgreSQL wants to be told.
    return text if connection.dialect.name == "sqlite" else text.op("::")(sql("json"))


def _name_persons(connection: Connection) -> None:
    """A phone is a person; so is an e-mail, unless a profile with the same e-mail has a phone."""
    rows = staging.customers
    other = customers.alias("other")
    phone_of_email = (
        select(func.min(other.c.phone))
        .where(other.c.email == customers.c.email, other.c.phone.is_not(None))
        .scalar_subquery()
    )
    person = func.coalesce(
        customers.c.phone,
        phone_of_email,
        customers.c.email,
        literal("id:") + customers.c.external_id,
    )
    profile, sibling = customers.alias("profile"), customers.alias("sibling")
    touched = (
        select(profile.c.id)
        .join(rows, profile.c.external_id == rows.c.external_id)
        .union(
            select(sibling.c.id)
            .join(profile, (sibling.c.email == profile.c.email) & (sibling.c.id != profile.c.id))
            .join(rows, profile.c.external_id == rows.c.external_id)
        )
    )
    connection.execute(
        update(customers)
        .where(customers.c.id.in_(touched), customers.c.person.is_distinct_from(person))
        .values(person=person)
    )
