"""Make and upgrade the database's schema."""

import secrets
from datetime import datetime
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import insert, select

from orchestrator.store.database import Database
from orchestrator.store.tables import instance

MIGRATIONS = Path(__file__).parent / "migrations"


class SchemaOutdatedError(Exception):
    """The database was made by another version of this program."""


def upgrade(database: Database, now: datetime) -> None:
    """Bring the schema to this version and name the installation; changes nothing when it is there."""
    with database.write() as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        if connection.execute(select(instance.c.id)).first() is None:
            connection.execute(
                insert(instance).values(
                    id=1,
                    name=secrets.token_hex(8),
                    address_key=secrets.token_hex(16),
                    made_at=now,
                )
            )


def assert_current(database: Database) -> None:
    """Raise SchemaOutdatedError where the schema is not of this version."""
    wanted = ScriptDirectory.from_config(_config()).get_current_head()
    with database.read() as connection:
        found = MigrationContext.configure(connection).get_current_revision()
    if found != wanted:
        state = "has no tables yet" if found is None else f"is at version {found}, not {wanted}"
        raise SchemaOutdatedError(f"{database.shown_url} {state}. Run: orchestrator init")


def address_key(database: Database) -> str:
    with database.read() as connection:
        return str(connection.execute(select(instance.c.address_key)).scalar_one())


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config
