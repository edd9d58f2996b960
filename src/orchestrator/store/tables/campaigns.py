"""What the shop does: campaigns, who is in them, and every message."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from orchestrator.domain.arms import Arm
from orchestrator.domain.coupons import CouponState
from orchestrator.domain.messages import Channel, MessageState, Reason, WaveKind
from orchestrator.store.tables.types import Id, Moment, Word, metadata

concerns = Table(
    "concerns",
    metadata,
    Column("id", Id, primary_key=True),
    # SHA-256 of the source and of what is said: an entry with another answer is another entry.
    Column("digest", String(64), nullable=False, unique=True),
    Column("category", String(64), nullable=False),
    Column("audience", String(16), nullable=False),  # new, returning, any
    Column("locale", String(16), nullable=False),
    Column("question", Text, nullable=False),
    Column("answer", Text, nullable=False),
    Column("curator", String(128), nullable=False),
    Column("dated", Date, nullable=False),
    Column("evidence", Integer, nullable=False),  # how often it was asked
    Column("source", Text, nullable=False),  # the playbook
    Column("withdrawn_at", Moment),  # no longer in the playbook's files when it was last launched
    Column("updated_at", Moment, nullable=False),
    CheckConstraint("audience IN ('new', 'returning', 'any')", name="audience"),
)

playbook_versions = Table(
    "playbook_versions",
    metadata,
    Column("version", String(64), primary_key=True),  # SHA-256 of all its files
    Column("playbook", String(40), nullable=False),
    Column("files", JSON, nullable=False),  # relative path -> text
    Column("stored_at", Moment, nullable=False),
)

campaigns = Table(
    "campaigns",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", String(80), nullable=False, unique=True),
    Column("playbook_version", ForeignKey("playbook_versions.version"), nullable=False),
    Column("salt", String(64), nullable=False),  # of every lot that is drawn
    Column("state", String(16), nullable=False),  # running, paused, stopped, done
    Column("state_reason", Text),
    Column("shop", JSON, nullable=False),  # name, links and prices as of the launch
    Column("currency", String(3), nullable=False),
    Column("spent", BigInteger, nullable=False, server_default="0"),  # thousandths of a minor unit
    Column("launched_at", Moment, nullable=False),
    Column("enrolled_seen", String(80)),  # the shop's data when people were last enrolled
    # How many recorded evaluations the last published report told of.
    Column("evaluations_reported", Integer, nullable=False, server_default="0"),
    CheckConstraint("state IN ('running', 'paused', 'stopped', 'done')", name="state"),
)

enrollments = Table(
    "enrollments",
    metadata,
    Column("id", Id, primary_key=True),
    Column("campaign_id", ForeignKey("campaigns.id"), nullable=False),
    Column("customer_id", ForeignKey("customers.id"), nullable=False),
    Column("person", String(260), nullable=False),
    Column("order_id", ForeignKey("orders.id"), nullable=False),  # what brought them in
    Column("anchor_at", Moment, nullable=False),  # what the waves count from
    # Where the event was still open at the anchor: a second order of the same event is no return.
    Column("returns_from", Moment),
    Column("track", String(40), nullable=False),
    Column("category", String(64)),  # of their order; of those the audience names, if it does
    Column("locale", String(16), nullable=False),
    Column("timezone", String(64), nullable=False),
    Column("arm", Word(Arm), nullable=False),
    Column("enrolled_at", Moment, nullable=False),
    # Where they stand: the step that is due next, and when. No due moment: it waits for the
    # earlier wave's acceptance, or the walk is over.
    Column("wave", String(40)),
    Column("occurrence", Integer, nullable=False, server_default="0"),
    Column("due_at", Moment),
    Column(
        "shifted", BigInteger, nullable=False, server_default="0"
    ),  # microseconds, by late waves
    Column("exited_at", Moment),
    Column("exit_reason", Word(Reason)),
    # One profile with the same phone is enough, and both are in the same arm.
    UniqueConstraint("campaign_id", "person"),
    # Whatever becomes of their phone and e-mail meanwhile: one lot a customer.
    UniqueConstraint("campaign_id", "customer_id"),
    Index(
        "ix_enrollments_due",
        "campaign_id",
        "wave",
        "occurrence",
        "due_at",
        sqlite_where=text("due_at IS NOT NULL"),
        postgresql_where=text("due_at IS NOT NULL"),
    ),
    Index(
        "ix_enrollments_waiting",
        "campaign_id",
        "wave",
        sqlite_where=text("due_at IS NULL AND wave IS NOT NULL"),
        postgresql_where=text("due_at IS NULL AND wave IS NOT NULL"),
    ),
    Index("ix_enrollments_customer", "customer_id", "campaign_id"),
)

sends = Table(
    "sends",
    metadata,
    Column("id", Id, primary_key=True),
    Column("campaign_id", ForeignKey("campaigns.id"), nullable=False),
    Column("wave", String(40), nullable=False),
    Column("occurrence", Integer, nullable=False),
    Column("day", Date, nullable=False),  # in the playbook's time zone
    Column("created_at", Moment, nullable=False),
    UniqueConstraint("campaign_id", "wave", "occurrence", "day"),
)

messages = Table(
    "messages",
    metadata,
    Column("id", Id, primary_key=True),
    Column("send_id", ForeignKey("sends.id"), nullable=False),
    Column("campaign_id", ForeignKey("campaigns.id"), nullable=False),
    Column("enrollment_id", ForeignKey("enrollments.id"), nullable=False),
    Column("customer_id", ForeignKey("customers.id"), nullable=False),
    Column("wave", String(40), nullable=False),
    Column("occurrence", Integer, nullable=False),
    Column("kind", Word(WaveKind), nullable=False),
    Column("arm", Word(Arm), nullable=False),  # of this send
    # The lot was drawn: it counts in the comparison, whatever became of it afterwards.
    Column("assigned", Boolean, nullable=False),
    Column("variant", String(40)),
    Column("channel", Word(Channel)),  # none where the customer cannot be reached
    Column("address_hash", String(32)),
    Column("state", Word(MessageState), nullable=False),
    Column("reason", Word(Reason)),
    Column("planned_at", Moment, nullable=False),
    Column("due_at", Moment, nullable=False),  # not before; moves when it is put off
    Column("would_go_at", Moment, nullable=False),  # first due moment, alike in both arms
    Column("expires_at", Moment),
    Column("coupon_id", ForeignKey("coupons.id")),
    Column("concern_id", ForeignKey("concerns.id")),
    Column("owner", String(64)),  # the dispatcher that holds it
    Column("token", Integer, nullable=False, server_default="0"),  # fences a stale owner
    Column("lease_until", Moment),
    Column("sending_at", Moment),
    Column("provider", String(32)),
    Column("provider_id", String(128)),
    Column("accepted_at", Moment),
    Column("finished_at", Moment),
    Column("parts", Integer, nullable=False, server_default="0"),
    Column("cost", BigInteger, nullable=False, server_default="0"),  # thousandths of a minor unit
    Column("delivered_at", Moment),
    Column("bounced_at", Moment),
    Column("complained_at", Moment),
    Column("opened_at", Moment),
    Column("clicked_at", Moment),
    # A wave never reaches a customer twice, whatever is retried or replayed …
    UniqueConstraint("enrollment_id", "wave", "occurrence"),
    # … nor one address, whatever number of profiles share it.
    UniqueConstraint(
        "campaign_id", "wave", "occurrence", "channel", "address_hash", name="uq_messages_address"
    ),
    Index(
        "ix_messages_due",
        "due_at",
        "id",
        sqlite_where=text("state = 'planned'"),
        postgresql_where=text("state = 'planned'"),
    ),
    Index(
        "ix_messages_open",
        "state",
        "lease_until",
        sqlite_where=text("state IN ('claimed', 'sending', 'unknown')"),
        postgresql_where=text("state IN ('claimed', 'sending', 'unknown')"),
    ),
    # What caps count beside the person's own: contacts of one address, by kind.
    Index(
        "ix_messages_contacts",
        "address_hash",
        "kind",
        "sending_at",
        sqlite_where=text("sending_at IS NOT NULL"),
        postgresql_where=text("sending_at IS NOT NULL"),
    ),
    Index("ix_messages_send_id", "send_id", "arm"),
    Index("ix_messages_customer_id", "customer_id"),
)

# What a message waited for before it was sent or ended: a row for each reason, however often.
put_offs = Table(
    "put_offs",
    metadata,
    Column("message_id", ForeignKey("messages.id"), primary_key=True),
    Column("reason", Word(Reason), primary_key=True),
    Column("times", Integer, nullable=False),
    Column("first_at", Moment, nullable=False),
    Column("until", Moment, nullable=False),  # as of the last time
)

attempts = Table(
    "attempts",
    metadata,
    Column("id", Id, primary_key=True),
    Column("message_id", ForeignKey("messages.id"), nullable=False),
    Column("token", Integer, nullable=False),
    Column("owner", String(64), nullable=False),
    Column("provider", String(32), nullable=False),
    Column("intended_at", Moment, nullable=False),
    Column("outcome", String(16)),  # accepted, rejected, retry, unknown; none while it is open
    Column("code", String(32)),  # the provider's own
    Column("answered_at", Moment),
    UniqueConstraint("message_id", "token"),
)

coupons = Table(
    "coupons",
    metadata,
    Column("id", Id, primary_key=True),
    Column("code", String(64), nullable=False, unique=True),  # in capitals, without dashes
    Column("printed", String(128)),  # of a pool: as the platform writes it, where that differs
    Column("offer", String(40), nullable=False),  # the offer's or the pool's name
    Column("campaign_id", ForeignKey("campaigns.id")),
    Column("enrollment_id", ForeignKey("enrollments.id")),
    Column("wave", String(40)),
    Column("occurrence", Integer),
    Column("state", Word(CouponState), nullable=False),
    Column("amount", BigInteger),  # minor units
    Column("percent", Integer),
    Column("free_postage", Integer, nullable=False, server_default="0"),
    Column("gift", String(128)),
    Column("min_spend", BigInteger),  # minor units
    Column("currency", String(3)),
    Column("stock", Integer),  # of how many of its campaign's offer it is one; none: without limit
    Column("issued_at", Moment),
    Column("expires_at", Moment),
    Column("redeemed_at", Moment),
    Column("order_id", ForeignKey("orders.id"), unique=True),
    Column("discount", BigInteger),  # minor units, what it cost when redeemed
    UniqueConstraint("enrollment_id", "wave", "occurrence"),
    Index(
        "ix_coupons_pool",
        "offer",
        "id",
        sqlite_where=text("state = 'pool'"),
        postgresql_where=text("state = 'pool'"),
    ),
    Index(
        "ix_coupons_issued",
        "expires_at",
        sqlite_where=text("state = 'issued'"),
        postgresql_where=text("state = 'issued'"),
    ),
    # What a stock counts.
    Index(
        "ix_coupons_stock",
        "campaign_id",
        "offer",
        sqlite_where=text("stock IS NOT NULL"),
        postgresql_where=text("stock IS NOT NULL"),
    ),
)
