"""What the shop knows: customers, what they agreed to, products, orders, imports."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
)

from orchestrator.domain.messages import Channel
from orchestrator.store.tables.types import Id, Moment, Word, metadata

imports = Table(
    "imports",
    metadata,
    Column("id", Id, primary_key=True),
    Column(
        "kind", String(16), nullable=False
    ),  # orders, lines, customers, products, optouts, codes
    Column("preset", String(64), nullable=False),
    Column("file_name", Text, nullable=False),
    Column("file_hash", String(64), nullable=False),
    Column("state", String(16), nullable=False),  # running, done, failed
    Column("rows_read", Integer, nullable=False, server_default="0"),
    Column("rows_rejected", Integer, nullable=False, server_default="0"),
    Column("rows_left_out", Integer, nullable=False, server_default="0"),
    Column("counts", JSON, nullable=False, default=dict),  # by table: inserted, updated, unchanged
    Column("rejects_file", Text),
    Column("started_at", Moment, nullable=False),
    Column("finished_at", Moment),
    Column("half_at", Moment),  # since when a part is in; none while nothing is, and when all is
)

customers = Table(
    "customers",
    metadata,
    Column("id", Id, primary_key=True),
    Column("external_id", String(128), nullable=False, unique=True),
    Column("name", Text),
    Column("phone", String(16)),  # E.164
    Column("email", String(254)),  # lower case
    # Keyed hashes: suppression, uniqueness and logs need an address without showing it.
    Column("phone_hash", String(32)),
    Column("email_hash", String(32)),
    # Profiles that share a phone (or, without one, an e-mail) are one person: the unit of the lot.
    Column("person", String(260), nullable=False),
    Column("locale", String(16)),
    Column("timezone", String(64)),
    Column("country", String(2)),
    Column("region", String(128)),
    Column("tier", String(64)),
    Column("attributes", JSON, nullable=False, default=dict),
    Column("import_id", BigInteger),  # no foreign key: it would cost half of a large import
    Column("updated_at", Moment, nullable=False),
    Index("ix_customers_person", "person"),
    Index("ix_customers_phone_hash", "phone_hash"),
    Index("ix_customers_email_hash", "email_hash"),
    Index("ix_customers_updated_at", "updated_at"),
)

consents = Table(
    "consents",
    metadata,
    Column("customer_id", ForeignKey("customers.id"), primary_key=True),
    Column("channel", Word(Channel), primary_key=True),
    Column("purpose", String(16), primary_key=True),  # marketing, service
    Column("granted", Boolean, nullable=False),
    Column("source", String(128), nullable=False),
    Column("at", Moment, nullable=False),
    CheckConstraint("purpose IN ('marketing', 'service')", name="purpose"),
)

suppressions = Table(
    "suppressions",
    metadata,
    Column("id", Id, primary_key=True),
    Column("channel", Word(Channel), nullable=False),
    Column("address_hash", String(32), nullable=False),
    Column("reason", String(32), nullable=False),  # opted_out, bounced, complained, imported
    Column("source", String(128), nullable=False),
    Column("at", Moment, nullable=False),
    Column("lifted_at", Moment),
    UniqueConstraint("channel", "address_hash", "reason"),
)

categories = Table(
    "categories",
    metadata,
    Column("name", String(64), primary_key=True),
)

products = Table(
    "products",
    metadata,
    Column("id", Id, primary_key=True),
    Column("external_id", String(128), nullable=False, unique=True),
    Column("title", Text, nullable=False),
    Column("category", ForeignKey("categories.name")),
    Column("price", BigInteger),  # minor units
    Column("cost", BigInteger),  # minor units
    Column("currency", String(3)),
    Column("import_id", BigInteger),  # no foreign key: it would cost half of a large import
    Column("updated_at", Moment, nullable=False),
)

orders = Table(
    "orders",
    metadata,
    Column("id", Id, primary_key=True),
    Column("external_id", String(128), nullable=False, unique=True),
    Column("customer_id", ForeignKey("customers.id"), nullable=False),
    Column("placed_at", Moment, nullable=False),
    Column("paid_at", Moment),
    Column("cancelled_at", Moment),
    Column("currency", String(3), nullable=False),
    Column("total", BigInteger, nullable=False),  # minor units, before refunds
    Column("refunded", BigInteger, nullable=False, server_default="0"),  # minor units
    # A purchase counts as one while it is paid for, not cancelled and not refunded in full.
    Column("counts", Boolean, nullable=False, server_default=false()),
    Column("category", String(64)),  # of the lines with the most money; ties by name
    Column("item", Text),  # title of the line with the most money; ties by position
    Column("entry", String(64)),  # how they came: source name, web, pos …
    Column("utm_source", String(128)),
    Column("utm_medium", String(128)),
    Column("utm_campaign", String(128)),
    Column("coupon_code", String(64)),
    Column("import_id", BigInteger),  # no foreign key: it would cost half of a large import
    Column("updated_at", Moment, nullable=False),
    CheckConstraint("refunded >= 0", name="refunded"),
    # "Did they buy since" and "who bought then", both answered from the index alone.
    Index("ix_orders_customer_placed", "customer_id", "placed_at", "counts"),
    Index("ix_orders_placed_customer", "placed_at", "customer_id"),
    Index("ix_orders_updated_at", "updated_at"),
)

order_lines = Table(
    "order_lines",
    metadata,
    Column("id", Id, primary_key=True),
    Column("order_id", ForeignKey("orders.id", ondelete="CASCADE"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("product_id", ForeignKey("products.id")),
    Column("title", Text, nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("amount", BigInteger, nullable=False),  # minor units, the whole line
    UniqueConstraint("order_id", "position"),
    Index("ix_order_lines_product_id", "product_id"),
)
