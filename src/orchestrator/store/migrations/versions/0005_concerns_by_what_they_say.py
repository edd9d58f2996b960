"""
Concerns are known by what they say, so that another answer is another entry; categories are names.

One row a question served every playbook: a campaign's answers changed with the next launch. What
the pinned versions say comes back as entries of its own. A category's kind and parent were never
filled.
"""

import hashlib
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op
from ruamel.yaml import YAML

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# SQLite gives a rowid alias only to INTEGER PRIMARY KEY.
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_OLD = "uq_concerns_category_audience_locale_question"
_SAID = ("source", "category", "audience", "locale", "question", "answer")
_CONCERNS = sa.table(
    "concerns",
    *(sa.column(name, sa.String()) for name in (*_SAID, "curator", "digest")),
    *(
        sa.column(name, sa.BigInteger())
        for name in ("id", "evidence", "withdrawn_at", "updated_at")
    ),
    sa.column("dated", sa.Date()),
)
_VERSIONS = sa.table(
    "playbook_versions",
    sa.column("playbook", sa.String()),
    sa.column("files", sa.JSON()),
    sa.column("stored_at", sa.BigInteger()),
)
_CATEGORIES = sa.table("categories", sa.column("name", sa.String()))


def upgrade() -> None:
    connection = op.get_bind()
    known, fresh = _register(connection)
    if connection.dialect.name == "sqlite":
        _rebuild_categories(connection)
        _rebuild_concerns(known, fresh)
    else:
        op.drop_column("categories", "parent")
        op.drop_column("categories", "kind")
        _alter_concerns(connection, known, fresh)


def downgrade() -> None:
    """Several answers to one question cannot go back into one row."""
    raise RuntimeError("there is no way back before 0005; restore the backup instead")


def _register(connection: sa.Connection) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the stored entries and those that only pinned versions know, each with its digest."""
    names = [column for column in _CONCERNS.c if column.name != "digest"]
    known = [dict(row) for row in connection.execute(sa.select(*names)).mappings()]
    pinned: dict[str, dict[str, Any]] = {}
    latest: dict[str, tuple[int, set[str]]] = {}
    for version in connection.execute(sa.select(_VERSIONS).order_by(_VERSIONS.c.stored_at)):
        entries = {_digest(entry): entry for entry in _entries(version)}
        pinned |= entries
        latest[version.playbook] = version.stored_at, set(entries)
    for row in known:
        row["digest"] = _digest(row)
    stored = {row["digest"] for row in known}
    fresh = [row | {"digest": name} for name, row in pinned.items() if name not in stored]
    for row in (*known, *fresh):
        withdrawn_at, in_use = latest.get(row["source"], (row["updated_at"], set()))
        row["withdrawn_at"] = None if row["digest"] in in_use else withdrawn_at
    return known, fresh


def _entries(version: sa.Row[Any]) -> Iterator[dict[str, Any]]:
    for path, text in version.files.items():
        if not path.startswith("concerns/"):
            continue
        for entry in YAML(typ="safe", pure=True).load(text)["concerns"]:
            said = {name: entry[name].strip() for name in ("question", "answer", "curator")}
            yield {
                "source": version.playbook,
                "category": entry["category"],
                "audience": entry.get("audience", "any"),
                "locale": path.removeprefix("concerns/").removesuffix(".yaml"),
                **said,
                "dated": entry["dated"],
                "evidence": entry["evidence"],
                "updated_at": version.stored_at,
            }


def _digest(entry: dict[str, Any]) -> str:
    return hashlib.sha256("\n".join(entry[name] for name in _SAID).encode()).hexdigest()


def _alter_concerns(
    connection: sa.Connection, known: list[dict[str, Any]], fresh: list[dict[str, Any]]
) -> None:
    op.drop_constraint(_OLD, "concerns", type_="unique")
    op.add_column("concerns", sa.Column("digest", sa.String(length=64), nullable=True))
    for row in known:
        changed = {name: row[name] for name in ("digest", "withdrawn_at")}
        connection.execute(sa.update(_CONCERNS).where(_CONCERNS.c.id == row["id"]).values(changed))
    op.bulk_insert(_CONCERNS, fresh)
    op.alter_column("concerns", "digest", nullable=False)
    op.create_unique_constraint("uq_concerns_digest", "concerns", ["digest"])


def _rebuild_concerns(known: list[dict[str, Any]], fresh: list[dict[str, Any]]) -> None:
    """SQLite drops no constraint: the table is made anew, and its rows come back with their ids."""
    # Each row that goes and comes back is looked for among the messages.
    op.create_index("ix_messages_concern_for_now", "messages", ["concern_id"])
    op.execute("PRAGMA defer_foreign_keys=ON")
    op.drop_table("concerns")
    op.create_table(
        "concerns",
        sa.Column("id", _ID, nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
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
        sa.UniqueConstraint("digest", name=op.f("uq_concerns_digest")),
    )
    op.bulk_insert(_CONCERNS, known)
    op.bulk_insert(_CONCERNS, fresh)
    op.drop_index("ix_messages_concern_for_now", table_name="messages")


def _rebuild_categories(connection: sa.Connection) -> None:
    names = [{"name": name} for name in connection.execute(sa.select(_CATEGORIES)).scalars()]
    op.create_index("ix_products_category_for_now", "products", ["category"])
    op.execute("PRAGMA defer_foreign_keys=ON")
    op.drop_table("categories")
    op.create_table(
        "categories",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_categories")),
    )
    op.bulk_insert(_CATEGORIES, names)
    op.drop_index("ix_products_category_for_now", table_name="products")
