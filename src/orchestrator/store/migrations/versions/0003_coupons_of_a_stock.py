"""Coupons of which there are only so many."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("coupons", sa.Column("stock", sa.Integer(), nullable=True))
    op.create_index(
        "ix_coupons_stock",
        "coupons",
        ["campaign_id", "offer"],
        unique=False,
        sqlite_where=sa.text("stock IS NOT NULL"),
        postgresql_where=sa.text("stock IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_coupons_stock", table_name="coupons")
    op.drop_column("coupons", "stock")
