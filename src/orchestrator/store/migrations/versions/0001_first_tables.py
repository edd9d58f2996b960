"""The first tables, the functions that SQL calls, and what may never be changed."""

import sqlalchemy as sa
from alembic import op

from orchestrator.store import functions
from orchestrator.store.guards import guard_statements

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# SQLite gives a rowid alias only to INTEGER PRIMARY KEY.
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    dialect = op.get_bind().dialect.name
    if dialect == "postgresql":
        for statement in functions.POSTGRESQL:
            op.execute(statement)
    for make in _TABLES:
        make()
    for statement in guard_statements(dialect):
        op.execute(statement)


def downgrade() -> None:
    """The first version has nothing to go back to; drop the database instead."""
    raise RuntimeError("there is no version before the first")


def _audit_log() -> None:
    op.create_table(
        "audit_log",
        sa.Column("id", _ID, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.String(length=128), nullable=False),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=128), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("previous_hash", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_log")),
        sa.UniqueConstraint("hash", name=op.f("uq_audit_log_hash")),
        sa.UniqueConstraint("previous_hash", name=op.f("uq_audit_log_previous_hash")),
    )


def _categories() -> None:
    op.create_table(
        "categories",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=True),
        sa.Column("parent", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(["parent"], ["categories.name"], name=op.f("fk_categories_parent")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_categories")),
    )


def _concerns() -> None:
    op.create_table(
        "concerns",
        sa.Column("id", _ID, nullable=False),
        sa.Column("category", sa.String(length=64), nullable=False),
        sa.Column("audience", sa.String(length=16), nullable=False),
        sa.Column("locale", sa.String(length=16), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("curator", sa.String(length=128), nullable=False),
        sa.Column("dated", sa.Date(), nullable=False),
        sa.Column("evidence", sa.Integer(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("withdrawn_at", sa.BigInteger(), nullable=True),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "audience IN ('new', 'returning', 'any')", name=op.f("ck_concerns_audience")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_concerns")),
        sa.UniqueConstraint(
            "category",
            "audience",
            "locale",
            "question",
            name=op.f("uq_concerns_category_audience_locale_question"),
        ),
    )


def _dispatchers() -> None:
    op.create_table(
        "dispatchers",
        sa.Column("owner", sa.String(length=64), nullable=False),
        sa.Column("host", sa.String(length=128), nullable=False),
        sa.Column("boot_id", sa.String(length=64), nullable=False),
        sa.Column("life_file", sa.Text(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("dead_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("owner", name=op.f("pk_dispatchers")),
    )


def _events() -> None:
    op.create_table(
        "events",
        sa.Column("id", _ID, nullable=False),
        sa.Column("provider", sa.String(length=32), nullable=False),
        sa.Column("dedupe_key", sa.String(length=128), nullable=False),
        sa.Column("message_id", _ID, nullable=True),
        sa.Column("fact", sa.String(32), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.String(length=32), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
        sa.UniqueConstraint("provider", "dedupe_key", name=op.f("uq_events_provider_dedupe_key")),
    )
    op.create_index("ix_events_message_id", "events", ["message_id"], unique=False)


def _heartbeats() -> None:
    op.create_table(
        "heartbeats",
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("host", sa.String(length=128), nullable=False),
        sa.Column("boot_id", sa.String(length=64), nullable=False),
        sa.Column("suspicion", sa.String(32), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("place", name=op.f("pk_heartbeats")),
    )


def _imports() -> None:
    op.create_table(
        "imports",
        sa.Column("id", _ID, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("preset", sa.String(length=64), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("file_hash", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("rows_read", sa.Integer(), server_default="0", nullable=False),
        sa.Column("rows_rejected", sa.Integer(), server_default="0", nullable=False),
        sa.Column("rows_left_out", sa.Integer(), server_default="0", nullable=False),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.Column("rejects_file", sa.Text(), nullable=True),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_imports")),
    )


def _instance() -> None:
    op.create_table(
        "instance",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("address_key", sa.String(length=64), nullable=False),
        sa.Column("dispatch_stopped", sa.Text(), nullable=True),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("site", sa.Text(), nullable=True),
        sa.Column("confirmed", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_instance")),
    )


def _playbook_versions() -> None:
    op.create_table(
        "playbook_versions",
        sa.Column("version", sa.String(length=64), nullable=False),
        sa.Column("playbook", sa.String(length=40), nullable=False),
        sa.Column("files", sa.JSON(), nullable=False),
        sa.Column("stored_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_playbook_versions")),
    )


def _suppressions() -> None:
    op.create_table(
        "suppressions",
        sa.Column("id", _ID, nullable=False),
        sa.Column("channel", sa.String(32), nullable=False),
        sa.Column("address_hash", sa.String(length=32), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("source", sa.String(length=128), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("lifted_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suppressions")),
        sa.UniqueConstraint(
            "channel",
            "address_hash",
            "reason",
            name=op.f("uq_suppressions_channel_address_hash_reason"),
        ),
    )


def _campaigns() -> None:
    op.create_table(
        "campaigns",
        sa.Column("id", _ID, nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("playbook_version", sa.String(length=64), nullable=False),
        sa.Column("salt", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("state_reason", sa.Text(), nullable=True),
        sa.Column("shop", sa.JSON(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("spent", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("launched_at", sa.BigInteger(), nullable=False),
        sa.Column("enrolled_seen", sa.String(length=80), nullable=True),
        sa.CheckConstraint(
            "state IN ('running', 'paused', 'stopped', 'done')", name=op.f("ck_campaigns_state")
        ),
        sa.ForeignKeyConstraint(
            ["playbook_version"],
            ["playbook_versions.version"],
            name=op.f("fk_campaigns_playbook_version"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaigns")),
        sa.UniqueConstraint("name", name=op.f("uq_campaigns_name")),
    )


def _customers() -> None:
    op.create_table(
        "customers",
        sa.Column("id", _ID, nullable=False),
        sa.Column("external_id", sa.String(length=128), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("phone", sa.String(length=16), nullable=True),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column("phone_hash", sa.String(length=32), nullable=True),
        sa.Column("email_hash", sa.String(length=32), nullable=True),
        sa.Column("person", sa.String(length=260), nullable=False),
        sa.Column("locale", sa.String(length=16), nullable=True),
        sa.Column("timezone", sa.String(length=64), nullable=True),
        sa.Column("country", sa.String(length=2), nullable=True),
        sa.Column("region", sa.String(length=128), nullable=True),
        sa.Column("tier", sa.String(length=64), nullable=True),
        sa.Column("attributes", sa.JSON(), nullable=False),
        sa.Column("import_id", sa.BigInteger(), nullable=True),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customers")),
        sa.UniqueConstraint("external_id", name=op.f("uq_customers_external_id")),
    )
    op.create_index("ix_customers_email", "customers", ["email"], unique=False)
    op.create_index("ix_customers_email_hash", "customers", ["email_hash"], unique=False)
    op.create_index("ix_customers_person", "customers", ["person"], unique=False)
    op.create_index("ix_customers_phone_hash", "customers", ["phone_hash"], unique=False)
    op.create_index("ix_customers_updated_at", "customers", ["updated_at"], unique=False)


def _products() -> None:
    op.create_table(
        "products",
        sa.Column("id", _ID, nullable=False),
        sa.Column("external_id", sa.String(length=128), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("category", sa.String(length=64), nullable=True),
        sa.Column("price", sa.BigInteger(), nullable=True),
        sa.Column("cost", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=True),
        sa.Column("import_id", sa.BigInteger(), nullable=True),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["category"], ["categories.name"], name=op.f("fk_products_category")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_products")),
        sa.UniqueConstraint("external_id", name=op.f("uq_products_external_id")),
    )


def _consents() -> None:
    op.create_table(
        "consents",
        sa.Column("customer_id", _ID, nullable=False),
        sa.Column("channel", sa.String(32), nullable=False),
        sa.Column("purpose", sa.String(length=16), nullable=False),
        sa.Column("granted", sa.Boolean(), nullable=False),
        sa.Column("source", sa.String(length=128), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("purpose IN ('marketing', 'service')", name=op.f("ck_consents_purpose")),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name=op.f("fk_consents_customer_id")
        ),
        sa.PrimaryKeyConstraint("customer_id", "channel", "purpose", name=op.f("pk_consents")),
    )


def _orders() -> None:
    op.create_table(
        "orders",
        sa.Column("id", _ID, nullable=False),
        sa.Column("external_id", sa.String(length=128), nullable=False),
        sa.Column("customer_id", _ID, nullable=False),
        sa.Column("placed_at", sa.BigInteger(), nullable=False),
        sa.Column("paid_at", sa.BigInteger(), nullable=True),
        sa.Column("cancelled_at", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("refunded", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("counts", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("category", sa.String(length=64), nullable=True),
        sa.Column("item", sa.Text(), nullable=True),
        sa.Column("entry", sa.String(length=64), nullable=True),
        sa.Column("utm_source", sa.String(length=128), nullable=True),
        sa.Column("utm_medium", sa.String(length=128), nullable=True),
        sa.Column("utm_campaign", sa.String(length=128), nullable=True),
        sa.Column("coupon_code", sa.String(length=64), nullable=True),
        sa.Column("import_id", sa.BigInteger(), nullable=True),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("refunded >= 0", name=op.f("ck_orders_refunded")),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name=op.f("fk_orders_customer_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orders")),
        sa.UniqueConstraint("external_id", name=op.f("uq_orders_external_id")),
    )
    op.create_index(
        "ix_orders_customer_placed", "orders", ["customer_id", "placed_at", "counts"], unique=False
    )
    op.create_index(
        "ix_orders_placed_customer", "orders", ["placed_at", "customer_id"], unique=False
    )
    op.create_index("ix_orders_updated_at", "orders", ["updated_at"], unique=False)


def _sends() -> None:
    op.create_table(
        "sends",
        sa.Column("id", _ID, nullable=False),
        sa.Column("campaign_id", _ID, nullable=False),
        sa.Column("wave", sa.String(length=40), nullable=False),
        sa.Column("occurrence", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.id"], name=op.f("fk_sends_campaign_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sends")),
        sa.UniqueConstraint(
            "campaign_id",
            "wave",
            "occurrence",
            "day",
            name=op.f("uq_sends_campaign_id_wave_occurrence_day"),
        ),
    )


def _enrollments() -> None:
    op.create_table(
        "enrollments",
        sa.Column("id", _ID, nullable=False),
        sa.Column("campaign_id", _ID, nullable=False),
        sa.Column("customer_id", _ID, nullable=False),
        sa.Column("person", sa.String(length=260), nullable=False),
        sa.Column("order_id", _ID, nullable=False),
        sa.Column("anchor_at", sa.BigInteger(), nullable=False),
        sa.Column("returns_from", sa.BigInteger(), nullable=True),
        sa.Column("track", sa.String(length=40), nullable=False),
        sa.Column("category", sa.String(length=64), nullable=True),
        sa.Column("locale", sa.String(length=16), nullable=False),
        sa.Column("timezone", sa.String(length=64), nullable=False),
        sa.Column("arm", sa.String(32), nullable=False),
        sa.Column("enrolled_at", sa.BigInteger(), nullable=False),
        sa.Column("wave", sa.String(length=40), nullable=True),
        sa.Column("occurrence", sa.Integer(), server_default="0", nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("shifted", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("exited_at", sa.BigInteger(), nullable=True),
        sa.Column("exit_reason", sa.String(32), nullable=True),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.id"], name=op.f("fk_enrollments_campaign_id")
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name=op.f("fk_enrollments_customer_id")
        ),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_enrollments_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_enrollments")),
        sa.UniqueConstraint(
            "campaign_id", "person", name=op.f("uq_enrollments_campaign_id_person")
        ),
        sa.UniqueConstraint(
            "campaign_id", "customer_id", name=op.f("uq_enrollments_campaign_id_customer_id")
        ),
    )
    op.create_index(
        "ix_enrollments_customer", "enrollments", ["customer_id", "campaign_id"], unique=False
    )
    op.create_index(
        "ix_enrollments_due",
        "enrollments",
        ["campaign_id", "wave", "occurrence", "due_at"],
        unique=False,
        sqlite_where=sa.text("due_at IS NOT NULL"),
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    op.create_index(
        "ix_enrollments_waiting",
        "enrollments",
        ["campaign_id", "wave"],
        unique=False,
        sqlite_where=sa.text("due_at IS NULL AND wave IS NOT NULL"),
        postgresql_where=sa.text("due_at IS NULL AND wave IS NOT NULL"),
    )


def _evaluations() -> None:
    op.create_table(
        "evaluations",
        sa.Column("id", _ID, nullable=False),
        sa.Column("campaign_id", _ID, nullable=False),
        sa.Column("send_id", _ID, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("scope", sa.String(length=120), nullable=False),
        sa.Column("revision", sa.Integer(), server_default="0", nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=True),
        sa.Column("result", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.id"], name=op.f("fk_evaluations_campaign_id")
        ),
        sa.ForeignKeyConstraint(["send_id"], ["sends.id"], name=op.f("fk_evaluations_send_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evaluations")),
        sa.UniqueConstraint(
            "send_id",
            "kind",
            "scope",
            "revision",
            name=op.f("uq_evaluations_send_id_kind_scope_revision"),
        ),
    )
    op.create_index("ix_evaluations_campaign_id", "evaluations", ["campaign_id"], unique=False)
    op.create_index(
        "ix_evaluations_due",
        "evaluations",
        ["due_at"],
        unique=False,
        sqlite_where=sa.text("recorded_at IS NULL"),
        postgresql_where=sa.text("recorded_at IS NULL"),
    )


def _order_lines() -> None:
    op.create_table(
        "order_lines",
        sa.Column("id", _ID, nullable=False),
        sa.Column("order_id", _ID, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("product_id", _ID, nullable=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_order_lines_order_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["product_id"], ["products.id"], name=op.f("fk_order_lines_product_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_lines")),
        sa.UniqueConstraint("order_id", "position", name=op.f("uq_order_lines_order_id_position")),
    )
    op.create_index("ix_order_lines_product_id", "order_lines", ["product_id"], unique=False)


def _coupons() -> None:
    op.create_table(
        "coupons",
        sa.Column("id", _ID, nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("offer", sa.String(length=40), nullable=False),
        sa.Column("campaign_id", _ID, nullable=True),
        sa.Column("enrollment_id", _ID, nullable=True),
        sa.Column("wave", sa.String(length=40), nullable=True),
        sa.Column("occurrence", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=True),
        sa.Column("percent", sa.Integer(), nullable=True),
        sa.Column("free_postage", sa.Integer(), server_default="0", nullable=False),
        sa.Column("gift", sa.String(length=128), nullable=True),
        sa.Column("min_spend", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=True),
        sa.Column("issued_at", sa.BigInteger(), nullable=True),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("redeemed_at", sa.BigInteger(), nullable=True),
        sa.Column("order_id", _ID, nullable=True),
        sa.Column("discount", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.id"], name=op.f("fk_coupons_campaign_id")
        ),
        sa.ForeignKeyConstraint(
            ["enrollment_id"], ["enrollments.id"], name=op.f("fk_coupons_enrollment_id")
        ),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_coupons_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_coupons")),
        sa.UniqueConstraint("code", name=op.f("uq_coupons_code")),
        sa.UniqueConstraint(
            "enrollment_id",
            "wave",
            "occurrence",
            name=op.f("uq_coupons_enrollment_id_wave_occurrence"),
        ),
        sa.UniqueConstraint("order_id", name=op.f("uq_coupons_order_id")),
    )
    op.create_index(
        "ix_coupons_issued",
        "coupons",
        ["expires_at"],
        unique=False,
        sqlite_where=sa.text("state = 'issued'"),
        postgresql_where=sa.text("state = 'issued'"),
    )
    op.create_index(
        "ix_coupons_pool",
        "coupons",
        ["offer", "id"],
        unique=False,
        sqlite_where=sa.text("state = 'pool'"),
        postgresql_where=sa.text("state = 'pool'"),
    )


def _messages() -> None:
    op.create_table(
        "messages",
        sa.Column("id", _ID, nullable=False),
        sa.Column("send_id", _ID, nullable=False),
        sa.Column("campaign_id", _ID, nullable=False),
        sa.Column("enrollment_id", _ID, nullable=False),
        sa.Column("customer_id", _ID, nullable=False),
        sa.Column("wave", sa.String(length=40), nullable=False),
        sa.Column("occurrence", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("arm", sa.String(32), nullable=False),
        sa.Column("assigned", sa.Boolean(), nullable=False),
        sa.Column("variant", sa.String(length=40), nullable=True),
        sa.Column("channel", sa.String(32), nullable=True),
        sa.Column("address_hash", sa.String(length=32), nullable=True),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("reason", sa.String(32), nullable=True),
        sa.Column("planned_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("would_go_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("coupon_id", _ID, nullable=True),
        sa.Column("concern_id", _ID, nullable=True),
        sa.Column("owner", sa.String(length=64), nullable=True),
        sa.Column("token", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.Column("sending_at", sa.BigInteger(), nullable=True),
        sa.Column("provider", sa.String(length=32), nullable=True),
        sa.Column("provider_id", sa.String(length=128), nullable=True),
        sa.Column("accepted_at", sa.BigInteger(), nullable=True),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.Column("parts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("cost", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("delivered_at", sa.BigInteger(), nullable=True),
        sa.Column("bounced_at", sa.BigInteger(), nullable=True),
        sa.Column("complained_at", sa.BigInteger(), nullable=True),
        sa.Column("opened_at", sa.BigInteger(), nullable=True),
        sa.Column("clicked_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.id"], name=op.f("fk_messages_campaign_id")
        ),
        sa.ForeignKeyConstraint(
            ["concern_id"], ["concerns.id"], name=op.f("fk_messages_concern_id")
        ),
        sa.ForeignKeyConstraint(["coupon_id"], ["coupons.id"], name=op.f("fk_messages_coupon_id")),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name=op.f("fk_messages_customer_id")
        ),
        sa.ForeignKeyConstraint(
            ["enrollment_id"], ["enrollments.id"], name=op.f("fk_messages_enrollment_id")
        ),
        sa.ForeignKeyConstraint(["send_id"], ["sends.id"], name=op.f("fk_messages_send_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_messages")),
        sa.UniqueConstraint(
            "campaign_id",
            "wave",
            "occurrence",
            "channel",
            "address_hash",
            name="uq_messages_address",
        ),
        sa.UniqueConstraint(
            "enrollment_id",
            "wave",
            "occurrence",
            name=op.f("uq_messages_enrollment_id_wave_occurrence"),
        ),
    )
    op.create_index(
        "ix_messages_contacts",
        "messages",
        ["address_hash", "kind", "sending_at"],
        unique=False,
        sqlite_where=sa.text("sending_at IS NOT NULL"),
        postgresql_where=sa.text("sending_at IS NOT NULL"),
    )
    op.create_index("ix_messages_customer_id", "messages", ["customer_id"], unique=False)
    op.create_index(
        "ix_messages_due",
        "messages",
        ["due_at", "id"],
        unique=False,
        sqlite_where=sa.text("state = 'planned'"),
        postgresql_where=sa.text("state = 'planned'"),
    )
    op.create_index(
        "ix_messages_open",
        "messages",
        ["state", "lease_until"],
        unique=False,
        sqlite_where=sa.text("state IN ('claimed', 'sending', 'unknown')"),
        postgresql_where=sa.text("state IN ('claimed', 'sending', 'unknown')"),
    )
    op.create_index("ix_messages_send_id", "messages", ["send_id", "arm"], unique=False)


def _attempts() -> None:
    op.create_table(
        "attempts",
        sa.Column("id", _ID, nullable=False),
        sa.Column("message_id", _ID, nullable=False),
        sa.Column("token", sa.Integer(), nullable=False),
        sa.Column("owner", sa.String(length=64), nullable=False),
        sa.Column("provider", sa.String(length=32), nullable=False),
        sa.Column("intended_at", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=True),
        sa.Column("code", sa.String(length=32), nullable=True),
        sa.Column("answered_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["message_id"], ["messages.id"], name=op.f("fk_attempts_message_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempts")),
        sa.UniqueConstraint("message_id", "token", name=op.f("uq_attempts_message_id_token")),
    )


_TABLES = (
    _audit_log,
    _categories,
    _concerns,
    _dispatchers,
    _events,
    _heartbeats,
    _imports,
    _instance,
    _playbook_versions,
    _suppressions,
    _campaigns,
    _customers,
    _products,
    _consents,
    _orders,
    _sends,
    _enrollments,
    _evaluations,
    _order_lines,
    _coupons,
    _messages,
    _attempts,
)
