"""The first tables, the functions that SQL calls, and what may never be changed."""

from alembic import op

from orchestrator.store import functions
from orchestrator.store.guards import guard_statements
from orchestrator.store.tables import metadata

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        for statement in functions.POSTGRESQL:
            op.execute(statement)
    metadata.create_all(connection)
    for statement in guard_statements(connection.dialect.name):
        op.execute(statement)


def downgrade() -> None:
    metadata.drop_all(op.get_bind())
