"""When evaluations were last looked at for later refunds: once a day is enough."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("instance", sa.Column("revised_at", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    op.drop_column("instance", "revised_at")
