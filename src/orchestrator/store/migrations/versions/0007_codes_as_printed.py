"""Codes of a pool are printed as the shop's platform writes them."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("coupons", sa.Column("printed", sa.String(length=128), nullable=True))


def downgrade() -> None:
    op.drop_column("coupons", "printed")
