"""Imports say when a part of them is in; customers are found by their e-mail's hash alone."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("imports", sa.Column("half_at", sa.BigInteger(), nullable=True))
    op.drop_index("ix_customers_email", table_name="customers")


def downgrade() -> None:
    op.create_index("ix_customers_email", "customers", ["email"])
    op.drop_column("imports", "half_at")
