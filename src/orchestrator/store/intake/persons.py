"""Who is one person: the phone, else a phone of the same e-mail, else the e-mail, else the id."""

from sqlalchemy import Connection, func, select, update

from orchestrator.store.intake import staging
from orchestrator.store.tables import customers


def name_persons(connection: Connection, *, updated: bool) -> None:
    """
    Name the profiles without a phone that share an e-mail with the staged customers.

    A profile with a phone is named by it when it is stored. ``updated`` says that some of the
    staged customers were stored before: their e-mail may be stored alone.
    """
    rows = staging.customers
    mails = select(rows.c.email_hash).where(rows.c.email_hash.is_not(None))
    if updated:
        stored = select(customers.c.email_hash).join(
            rows, rows.c.external_id == customers.c.external_id
        )
        mails = stored.where(customers.c.email_hash.is_not(None))
    mail = mails.distinct().subquery("mail")
    profile, other = customers.alias("profile"), customers.alias("other")
    named = (
        select(
            profile.c.id, func.coalesce(func.min(other.c.phone), profile.c.email).label("person")
        )
        .select_from(mail)
        .join(profile, profile.c.email_hash == mail.c.email_hash)
        .outerjoin(other, (other.c.email_hash == profile.c.email_hash) & other.c.phone.is_not(None))
        .where(profile.c.phone.is_(None))
        .group_by(profile.c.id, profile.c.email)
        .subquery("named")
    )
    connection.execute(
        update(customers)
        .where(customers.c.id == named.c.id, customers.c.person != named.c.person)
        .values(person=named.c.person)
    )


def name_all_persons(connection: Connection) -> None:
    """Name all profiles without a phone that share an e-mail with one that has a phone."""
    other = customers.alias("other")
    phone = (
        select(func.min(other.c.phone))
        .where(other.c.email_hash == customers.c.email_hash, other.c.phone.is_not(None))
        .scalar_subquery()
    )
    nameless = (customers.c.phone.is_(None), customers.c.email_hash.is_not(None))
    connection.execute(update(customers).where(*nameless, phone.is_not(None)).values(person=phone))
