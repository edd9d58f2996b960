"""Campaigns and the playbook versions they are pinned to."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    BindParameter,
    Connection,
    Row,
    Select,
    bindparam,
    exists,
    func,
    insert,
    literal_column,
    or_,
    select,
    update,
)

from orchestrator.domain.shop import Shop
from orchestrator.store.tables import (
    campaigns,
    customers,
    enrollments,
    evaluations,
    imports,
    messages,
    orders,
    playbook_versions,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCampaign:
    id: int
    name: str
    version: str
    files: Mapping[str, str]
    salt: str
    state: str
    shop: Shop
    launched_at: datetime
    enrolled_seen: str | None
    state_reason: str | None = None  #: why it is paused or stopped


def add(
    connection: Connection,
    *,
    name: str,
    playbook: str,
    version: str,
    files: Mapping[str, str],
    salt: str,
    shop: Shop,
    now: datetime,
) -> int:
    """Store a launched campaign; IntegrityError where the name is taken."""
    known = select(playbook_versions.c.version).where(playbook_versions.c.version == version)
    if connection.execute(known).first() is None:
        connection.execute(
            insert(playbook_versions).values(
                version=version, playbook=playbook, files=dict(files), stored_at=now
            )
        )
    stored = insert(campaigns).values(
        name=name,
        playbook_version=version,
        salt=salt,
        state="running",
        shop=shop.as_json(),
        currency=shop.currency,
        launched_at=now,
    )
    return int(connection.execute(stored.returning(campaigns.c.id)).scalar_one())


def find(connection: Connection, name: str, *, to_change: bool = False) -> StoredCampaign | None:
    """Return the campaign, ``to_change`` locked against others who would; rows may refer to it still."""
    found = _stored().where(campaigns.c.name == name)
    if to_change:
        found = found.with_for_update(of=campaigns, key_share=True)
    row = connection.execute(found).first()
    return None if row is None else _campaign(row)


def get(connection: Connection, campaign_id: int) -> StoredCampaign:
    return _campaign(connection.execute(_stored().where(campaigns.c.id == campaign_id)).one())


def in_state(connection: Connection, *states: str) -> list[StoredCampaign]:
    listed = _stored().where(campaigns.c.state.in_(states)).order_by(campaigns.c.id)
    return [_campaign(row) for row in connection.execute(listed)]


def every(connection: Connection) -> list[StoredCampaign]:
    return [_campaign(row) for row in connection.execute(_stored().order_by(campaigns.c.id))]


def set_state(
    connection: Connection,
    campaign_id: int,
    state: str,
    reason: str | None,
    *,
    only_from: str | None = None,
) -> bool:
    """Return whether it is so now; False where the campaign had left the state ``only_from``."""
    moved = update(campaigns).where(campaigns.c.id == campaign_id)
    if only_from is not None:
        moved = moved.where(campaigns.c.state == only_from)
    return connection.execute(moved.values(state=state, state_reason=reason)).rowcount == 1


def with_untold_evaluations(connection: Connection) -> dict[str, int]:
    """
    Return by name how many evaluations are recorded, of campaigns whose report told of fewer.

    Counted and not dated: rows are only ever added, so one that is committed late is not missed.
    """
    recorded = func.count(evaluations.c.id)
    counted = (
        select(campaigns.c.name, recorded.label("recorded"))
        .join(evaluations, evaluations.c.campaign_id == campaigns.c.id)
        .where(evaluations.c.recorded_at.is_not(None))
        .group_by(campaigns.c.id, campaigns.c.name, campaigns.c.evaluations_reported)
        .having(recorded > campaigns.c.evaluations_reported)
    )
    return {row.name: row.recorded for row in connection.execute(counted)}


def set_evaluations_reported(connection: Connection, name: str, number: int) -> None:
    """Note how many a published report has told of; never fewer than before."""
    columns = campaigns.c
    told = update(campaigns).where(columns.name == name, columns.evaluations_reported < number)
    connection.execute(told.values(evaluations_reported=number))


def set_enrolled_seen(connection: Connection, campaign_id: int, seen: str) -> None:
    connection.execute(
        update(campaigns).where(campaigns.c.id == campaign_id).values(enrolled_seen=seen)
    )


_SHOP_DATA_SEEN = select(
    func.coalesce(select(func.max(orders.c.updated_at)).scalar_subquery(), 0, type_=BigInteger),
    func.coalesce(select(func.max(customers.c.updated_at)).scalar_subquery(), 0, type_=BigInteger),
    select(func.count()).where(imports.c.state == "done").scalar_subquery(),
    # The events of a day share a row.
    select(func.coalesce(func.sum(imports.c.rows_read), 0)).scalar_subquery(),
)


def shop_data_seen(connection: Connection) -> str:
    """A mark that changes whenever orders or customers do: latest changes, imports, their rows."""
    return ":".join(str(part) for part in connection.execute(_SHOP_DATA_SEEN).one())


# As literals, and as each partial index has them: with parameters neither database sees that it fits.
_WAITING: tuple[Any, ...] = (literal_column("'planned'"),)
_HANDED: tuple[Any, ...] = tuple(
    literal_column(f"'{state}'") for state in ("claimed", "sending", "unknown")
)


def _is_complete() -> Select[Any]:
    campaign: BindParameter[int] = bindparam("campaign")
    anybody = exists().where(enrollments.c.campaign_id == campaign)
    # Whoever has a due moment has a wave; either half has its partial index.
    due, wave = enrollments.c.due_at, enrollments.c.wave
    walking = or_(
        exists().where(enrollments.c.campaign_id == campaign, due.is_not(None)),
        exists().where(enrollments.c.campaign_id == campaign, due.is_(None), wave.is_not(None)),
    )
    under_way = or_(
        *(
            exists().where(messages.c.campaign_id == campaign, messages.c.state.in_(states))
            for states in (_WAITING, _HANDED)
        )
    )
    to_come = exists().where(
        evaluations.c.campaign_id == campaign, evaluations.c.recorded_at.is_(None)
    )
    return select(anybody & ~to_come & ~walking & ~under_way)


_IS_COMPLETE = _is_complete()


def is_complete(connection: Connection, campaign_id: int) -> bool:
    """Whether people were enrolled, and all of them, their messages and evaluations are done."""
    return bool(connection.execute(_IS_COMPLETE, {"campaign": campaign_id}).scalar_one())


def _stored() -> Select[Any]:
    return select(campaigns, playbook_versions.c.files).join(
        playbook_versions, playbook_versions.c.version == campaigns.c.playbook_version
    )


def _campaign(row: Row[Any]) -> StoredCampaign:
    return StoredCampaign(
        id=row.id,
        name=row.name,
        version=row.playbook_version,
        files=row.files,
        salt=row.salt,
        state=row.state,
        shop=Shop.from_json(row.shop),
        launched_at=row.launched_at,
        enrolled_seen=row.enrolled_seen,
        state_reason=row.state_reason,
    )
