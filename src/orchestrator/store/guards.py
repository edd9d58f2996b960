"""Triggers that keep written records as they were written."""

# What is refused, where: an evaluation once recorded, any row of the audit log.
_RULES = (
    ("evaluations", "UPDATE", "OLD.recorded_at IS NOT NULL", "a recorded evaluation is immutable"),
    ("evaluations", "DELETE", "OLD.recorded_at IS NOT NULL", "a recorded evaluation is immutable"),
    ("audit_log", "UPDATE", "1 = 1", "the audit log is append-only"),
    ("audit_log", "DELETE", "1 = 1", "the audit log is append-only"),
)


def guard_statements(dialect: str) -> list[str]:
    make = _sqlite if dialect == "sqlite" else _postgresql
    return [statement for rule in _RULES for statement in make(*rule)]


def _sqlite(table: str, verb: str, condition: str, message: str) -> list[str]:
    return [
        (
            f"CREATE TRIGGER guard_{table}_{verb.lower()} BEFORE {verb} ON {table} "
            f"WHEN {condition} BEGIN SELECT RAISE(ABORT, '{message}'); END"
        )
    ]


def _postgresql(table: str, verb: str, condition: str, message: str) -> list[str]:
    name = f"guard_{table}_{verb.lower()}"
    return [
        (
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ "
            f"BEGIN RAISE EXCEPTION '{message}' USING ERRCODE = 'restrict_violation'; END $$"
        ),
        (
            f"CREATE TRIGGER {name} BEFORE {verb} ON {table} "
            f"FOR EACH ROW WHEN ({condition}) EXECUTE FUNCTION {name}()"
        ),
    ]
