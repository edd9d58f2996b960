"""What is written down for good: evaluations, provider events, the audit log, dispatchers."""

from sqlalchemy import (
    JSON,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from orchestrator.domain.messages import Fact
from orchestrator.domain.quarantine import Suspicion
from orchestrator.store.tables.types import Id, Moment, Word, metadata

evaluations = Table(
    "evaluations",
    metadata,
    Column("id", Id, primary_key=True),
    Column("campaign_id", ForeignKey("campaigns.id"), nullable=False),
    Column("send_id", ForeignKey("sends.id"), nullable=False),  # whose transaction created it
    Column("kind", String(16), nullable=False),  # send, group, overall
    Column("scope", String(120), nullable=False),  # the group, or empty
    Column("revision", Integer, nullable=False, server_default="0"),
    Column("due_at", Moment, nullable=False),
    Column("recorded_at", Moment),  # from then on the row is immutable
    Column("result", JSON),
    UniqueConstraint("send_id", "kind", "scope", "revision"),
    Index(
        "ix_evaluations_due",
        "due_at",
        sqlite_where=text("recorded_at IS NULL"),
        postgresql_where=text("recorded_at IS NULL"),
    ),
    Index("ix_evaluations_campaign_id", "campaign_id"),
)

events = Table(
    "events",
    metadata,
    Column("id", Id, primary_key=True),
    Column("provider", String(32), nullable=False),
    Column("dedupe_key", String(128), nullable=False),
    # No foreign key: news of a message that a restored database lacks is kept all the same.
    Column("message_id", Id),
    Column("fact", Word(Fact), nullable=False),
    Column("at", Moment, nullable=False),
    Column("received_at", Moment, nullable=False),
    Column("code", String(32)),
    UniqueConstraint("provider", "dedupe_key"),
    Index("ix_events_message_id", "message_id"),
)

audit_log = Table(
    "audit_log",
    metadata,
    Column("id", Id, primary_key=True),
    Column("at", Moment, nullable=False),
    Column("actor", String(128), nullable=False),
    Column("action", String(64), nullable=False),
    Column("subject", String(128), nullable=False),
    Column("details", JSON, nullable=False),
    # Each row carries the hash of the one before: a changed byte is found.
    Column("previous_hash", String(64), nullable=False, unique=True),
    Column("hash", String(64), nullable=False, unique=True),
)

dispatchers = Table(
    "dispatchers",
    metadata,
    Column("owner", String(64), primary_key=True),
    Column("host", String(128), nullable=False),
    Column("boot_id", String(64), nullable=False),
    Column("life_file", Text, nullable=False),  # locked for life: the kernel proves a death
    Column("started_at", Moment, nullable=False),
    Column("dead_at", Moment),
)

heartbeats = Table(
    "heartbeats",
    metadata,
    # Host and folder of a memory: one row for each place from which this database dispatches.
    Column("place", Text, primary_key=True),
    Column("host", String(128), nullable=False),
    Column("boot_id", String(64), nullable=False),
    Column("suspicion", Word(Suspicion)),  # why this place refuses to dispatch
    Column("at", Moment, nullable=False),
)

instance = Table(
    "instance",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(64), nullable=False),  # random, drawn when the database is made
    Column("address_key", String(64), nullable=False),  # of the address hashes
    Column("dispatch_stopped", Text),  # the kill switch: why nothing may be sent
    Column("made_at", Moment, nullable=False),
    Column("site", Text),  # where it lay at its first dispatch: a copy lies elsewhere
    Column("confirmed", Integer, nullable=False, server_default="0"),  # by persons, how often
    Column("revised_at", Moment),  # when evaluations were last looked at for later refunds
)
