"""What messages waited for, and how much of a campaign its published report has told."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column(
        "campaigns",
        sa.Column("evaluations_reported", sa.Integer(), nullable=False, server_default="0"),
    )
    op.create_table(
        "put_offs",
        sa.Column("message_id", _ID, nullable=False),
        sa.Column("reason", sa.String(32), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("first_at", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["message_id"], ["messages.id"], name=op.f("fk_put_offs_message_id")
        ),
        sa.PrimaryKeyConstraint("message_id", "reason", name=op.f("pk_put_offs")),
    )


def downgrade() -> None:
    op.drop_table("put_offs")
    op.drop_column("campaigns", "evaluations_reported")
