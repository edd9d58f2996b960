"""The evaluations of a campaign: scheduled with their send, recorded once, revised in a new row."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import CTE, Connection, Row, Select, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from orchestrator.domain.evaluations import EvaluationKind, Result
from orchestrator.store.tables import (
    customers,
    enrollments,
    evaluations,
    instance,
    messages,
    orders,
    sends,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheduled:
    send_id: int
    campaign_id: int
    kind: EvaluationKind
    scope: str
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEvaluation:
    id: int
    campaign_id: int
    send_id: int
    wave: str
    occurrence: int
    day: date  #: of the send, in the playbook's time zone
    kind: EvaluationKind
    scope: str
    revision: int
    due_at: datetime
    recorded_at: datetime | None
    result: Result | None


def schedule(  # noqa: PLR0917  -- reads like the row it makes
    connection: Connection,
    send_id: int,
    campaign_id: int,
    kind: EvaluationKind | str,
    scope: str,
    due_at: datetime,
) -> None:
    """Make the evaluation of a send, or move it later; never earlier, and not once it is recorded."""
    row = Scheduled(
        send_id=send_id,
        campaign_id=campaign_id,
        kind=EvaluationKind(kind),
        scope=scope,
        due_at=due_at,
    )
    schedule_all(connection, [row])


def schedule_all(connection: Connection, rows: Sequence[Scheduled]) -> None:
    """`schedule` for many, in one statement; a key may be in it once only."""
    if not rows:
        return
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    values = [
        {
            "send_id": row.send_id,
            "campaign_id": row.campaign_id,
            "kind": row.kind.value,
            "scope": row.scope,
            "revision": 0,
            "due_at": row.due_at,
        }
        for row in rows
    ]
    made = dialect.insert(evaluations).values(values)
    columns = evaluations.c
    connection.execute(
        made.on_conflict_do_update(
            index_elements=["send_id", "kind", "scope", "revision"],
            set_={"due_at": made.excluded.due_at},
            where=columns.recorded_at.is_(None) & (columns.due_at < made.excluded.due_at),
        )
    )


def due(connection: Connection, now: datetime) -> list[StoredEvaluation]:
    columns = evaluations.c
    chosen = _stored().where(columns.recorded_at.is_(None), columns.due_at <= now)
    return [_evaluation(row) for row in connection.execute(chosen.order_by(columns.id))]


def latest(connection: Connection, campaign_id: int) -> list[StoredEvaluation]:
    """Return every evaluation of a campaign in its last revision, recorded or not, by day."""
    chosen = _stored().where(evaluations.c.campaign_id == campaign_id, _is_last())
    ordered = chosen.order_by(sends.c.day, sends.c.id, evaluations.c.kind, evaluations.c.scope)
    return [_evaluation(row) for row in connection.execute(ordered)]


def put_off(connection: Connection, evaluation_id: int, until: datetime) -> None:
    columns = evaluations.c
    moved = update(evaluations).where(columns.id == evaluation_id, columns.recorded_at.is_(None))
    connection.execute(moved.values(due_at=until))


def record(connection: Connection, evaluation_id: int, result: Result, now: datetime) -> bool:
    """Write the result down; False where another process was first."""
    columns = evaluations.c
    written = (
        update(evaluations)
        .where(columns.id == evaluation_id, columns.recorded_at.is_(None))
        .values(recorded_at=now, result=result.as_json())
    )
    return connection.execute(written).rowcount == 1


def add_revision(
    connection: Connection, before: StoredEvaluation, result: Result, now: datetime
) -> int | None:
    """Record the next revision beside the one before; None where another process was first."""
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    made = dialect.insert(evaluations).values(
        send_id=before.send_id,
        campaign_id=before.campaign_id,
        kind=before.kind.value,
        scope=before.scope,
        revision=before.revision + 1,
        due_at=now,
        recorded_at=now,
        result=result.as_json(),
    )
    once = made.on_conflict_do_nothing(index_elements=["send_id", "kind", "scope", "revision"])
    return connection.execute(once.returning(evaluations.c.id)).scalar()


_REVISED_AT = select(instance.c.revised_at)


def revised_at(connection: Connection) -> datetime | None:
    """When all evaluations were last looked at for later changes."""
    found: datetime | None = connection.execute(_REVISED_AT).scalar()
    return found


def set_revised_at(connection: Connection, now: datetime) -> None:
    connection.execute(update(instance).values(revised_at=now))


def outdated(connection: Connection, since: datetime) -> list[StoredEvaluation]:
    """
    Return recorded evaluations of sends since then, some of whose customers' orders changed later.

    Candidates only: whether the change lies within a window is seen when the sums are made again.
    """
    columns = evaluations.c
    recent = (
        select(columns.id)
        .join(sends, sends.c.id == columns.send_id)
        .where(columns.recorded_at.is_not(None), sends.c.created_at >= since, _is_last())
    )
    oldest = select(func.min(columns.recorded_at)).where(columns.id.in_(recent)).scalar_subquery()
    written_to, enrolled = _touched_since(oldest)
    of_send = (columns.kind == EvaluationKind.SEND.value) & (written_to.c.at > columns.recorded_at)
    of_campaign = (columns.kind != EvaluationKind.SEND.value) & (
        enrolled.c.at > columns.recorded_at
    )
    chosen = (
        _stored()
        .outerjoin(written_to, written_to.c.send_id == columns.send_id)
        .outerjoin(enrolled, enrolled.c.campaign_id == columns.campaign_id)
        .where(columns.id.in_(recent), or_(of_send, of_campaign))
        .order_by(columns.id)
    )
    return [_evaluation(row) for row in connection.execute(chosen)]


def _touched_since(oldest: Any) -> tuple[CTE, CTE]:
    """When an order of a send's, or of a campaign's, persons was last changed."""
    buyer, profile = customers.alias("buyer"), customers.alias("profile")
    changed = (
        select(profile.c.id.label("customer_id"), func.max(orders.c.updated_at).label("at"))
        .join_from(orders, buyer, buyer.c.id == orders.c.customer_id)
        .join(profile, profile.c.person == buyer.c.person)
        .where(orders.c.updated_at > oldest)
        .group_by(profile.c.id)
        .cte("changed")
    )
    written_to = (
        select(messages.c.send_id, func.max(changed.c.at).label("at"))
        .join(changed, changed.c.customer_id == messages.c.customer_id)
        .group_by(messages.c.send_id)
        .cte("written_to")
    )
    enrolled = (
        select(enrollments.c.campaign_id, func.max(changed.c.at).label("at"))
        .join(changed, changed.c.customer_id == enrollments.c.customer_id)
        .group_by(enrollments.c.campaign_id)
        .cte("enrolled")
    )
    return written_to, enrolled


def _stored() -> Select[Any]:
    chosen = select(evaluations, sends.c.wave, sends.c.occurrence, sends.c.day)
    return chosen.join(sends, sends.c.id == evaluations.c.send_id)


def _is_last() -> Any:
    newer = evaluations.alias("newer")
    return ~(
        select(newer.c.id)
        .where(
            newer.c.send_id == evaluations.c.send_id,
            newer.c.kind == evaluations.c.kind,
            newer.c.scope == evaluations.c.scope,
            newer.c.revision > evaluations.c.revision,
        )
        .correlate(evaluations)
        .exists()
    )


def _evaluation(row: Row[Any]) -> StoredEvaluation:
    return StoredEvaluation(
        id=row.id,
        campaign_id=row.campaign_id,
        send_id=row.send_id,
        wave=row.wave,
        occurrence=row.occurrence,
        day=row.day,
        kind=EvaluationKind(row.kind),
        scope=row.scope,
        revision=row.revision,
        due_at=row.due_at,
        recorded_at=row.recorded_at,
        result=None if row.result is None else Result.from_json(row.result),
    )
