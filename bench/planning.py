"""Enroll and plan one promo wave, against the bare pair of INSERT … SELECT.

    python bench/planning.py --rows 1000000
    python bench/planning.py --rows 1000000 --database postgresql://postgres@127.0.0.1/postgres
    python bench/planning.py --arms --database postgresql://postgres@127.0.0.1/postgres

The bare pair is what anybody would write by hand into the same tables with the same indexes, in one
transaction: the audience, then a message for those who agreed and did not opt out. It draws no lot
and knows no purchase since, quiet hours, doubled phone, second channel or reason. ``--arms`` compares the arms of both databases and of pure Python, every person.
"""

import argparse
import random
import sys
from collections.abc import Callable
from datetime import timedelta

from big_shop import ADMITTED, DUE, EVENT, LAUNCH, WAVE, definition, empty, fill, launch
from limits import (
    Meter,
    a_database,
    cpu,
    header,
    interleaved,
    judged,
    ratios,
    spread,
    wall,
)
from sqlalchemy import select, text

from orchestrator.domain.arms import campaign_salt, draw_lot, lots_of, variant_salt, wave_salt
from orchestrator.playbooks import Definition
from orchestrator.services.enroll import enroll
from orchestrator.services.plan import plan
from orchestrator.store.campaigns import StoredCampaign
from orchestrator.store.database import Database
from orchestrator.store.tables import enrollments, messages, micros

FLOOR, GOAL = 2.0, 1.5
VARIANTS = [{"variant": "warm", "share": "30%"}, {"variant": "plain", "share": "70%"}]
_BARE_ENROLLMENTS = """
INSERT INTO enrollments (campaign_id, customer_id, person, order_id, anchor_at, track, category,
    locale, timezone, arm, enrolled_at, wave, occurrence, due_at)
SELECT :campaign, c.id, c.person, o.id, o.placed_at, 'all', o.category, c.locale,
    coalesce(c.timezone, 'Asia/Shanghai'),
    CASE WHEN c.id % 10 = 9 THEN 'holdout' ELSE 'treated' END, :now, 'coupon', 0,
    o.placed_at + 604800000000
FROM orders o JOIN customers c ON c.id = o.customer_id
WHERE o.counts AND o.placed_at >= :begins AND o.placed_at < :ends AND o.total - o.refunded >= 29900
ON CONFLICT DO NOTHING
"""
_BARE_MESSAGES = """
INSERT INTO messages (send_id, campaign_id, enrollment_id, customer_id, wave, occurrence, kind, arm,
    assigned, channel, address_hash, state, planned_at, due_at, would_go_at)
SELECT :send, :campaign, e.id, e.customer_id, 'coupon', 0, 'promo', 'treated', 1 = 1, 'sms',
    c.phone_hash, 'planned', :due, :due, :due
FROM enrollments e JOIN customers c ON c.id = e.customer_id
WHERE e.campaign_id = :campaign AND e.arm = 'treated'
  AND EXISTS (SELECT 1 FROM consents s WHERE s.customer_id = c.id AND s.channel = 'sms'
    AND s.purpose = 'marketing' AND s.granted)
  AND NOT EXISTS (SELECT 1 FROM suppressions s WHERE s.channel = 'sms'
    AND s.address_hash = c.phone_hash AND s.lifted_at IS NULL)
ON CONFLICT DO NOTHING
"""


def real(database: Database, campaign: StoredCampaign, asked: Definition) -> Callable[[], None]:
    dice = random.Random(7)  # noqa: S311  # seeded

    def work() -> None:
        enroll(database, campaign, asked, LAUNCH)
        plan(database, campaign, asked, now=DUE, random_bytes=dice.randbytes)

    return work


def bare(database: Database, campaign: StoredCampaign) -> Callable[[], None]:
    window = {"begins": micros(EVENT - timedelta(hours=12)), "ends": micros(EVENT) + 43_200 * 10**6}
    values = {"campaign": campaign.id, "now": micros(LAUNCH), "due": micros(DUE), **window}
    send = "INSERT INTO sends (campaign_id, wave, occurrence, day, created_at)"

    def work() -> None:
        with database.write() as connection:
            made = f"{send} VALUES (:campaign, 'coupon', 0, '2025-11-18', :now) RETURNING id"
            send_id = connection.execute(text(made), values).scalar_one()
            connection.execute(text(_BARE_ENROLLMENTS), values)
            connection.execute(text(_BARE_MESSAGES), {**values, "send": send_id})

    return work


def counted(database: Database) -> str:
    tables = ("enrollments", "messages", "coupons")
    with database.read() as connection:
        found = {
            name: connection.execute(text(f"SELECT count(*) FROM {name}")).scalar_one()
            for name in tables
        }
    return ", ".join(f"{count:,} {name}" for name, count in found.items())


def compare_cost(server: str | None, rows: int, rounds: int) -> bool:
    with a_database(server) as database:
        fill(database, rows)
        campaign = launch(database, "bench")
        meter = Meter(database)
        works = {
            "bare": bare(database, campaign),
            "planned": real(database, campaign, definition()),
            "with coupons": real(database, campaign, definition(coupon=True)),
        }
        header(database, "enroll + plan", customers=f"{rows:,}", rounds=rounds)
        for name, work in works.items():
            if rounds > 1:
                empty(database)
                work()
                print(f"  {name}: {counted(database)}", flush=True)
        costs = interleaved(meter, works, rounds=rounds, before=lambda: empty(database))
        meter.close()
    for name, spent in costs.items():
        per_row = [cost / (rows * ADMITTED) * 1e6 for cost in cpu(spent)]
        print(f"  {name}: {spread(per_row, 1)} µs CPU an enrollment, {spread(wall(spent))} s wall")
    by_cpu, _ = ratios(costs, "planned", "bare")
    for name in ("planned", "with coupons"):
        mine, walls = ratios(costs, name, "bare")
        verdict = judged(sorted(mine)[len(mine) // 2], FLOOR, GOAL)
        print(f"  {name} / bare: {spread(mine)} × CPU, {spread(walls)} × wall; {verdict}")
    return sorted(by_cpu)[len(by_cpu) // 2] <= FLOOR


def drawn(database: Database, rows: int) -> dict[str, tuple[str, str | None, str | None]]:
    """Return each person's arm in the campaign, their arm in the wave and their variant."""
    asked = definition(waves=[{**WAVE, "variants": VARIANTS}])
    fill(database, rows)
    real(database, launch(database, "bench"), asked)()
    columns = (enrollments.c.person, enrollments.c.arm, messages.c.arm, messages.c.variant)
    found = select(*columns, messages.c.assigned).outerjoin_from(
        enrollments, messages, messages.c.enrollment_id == enrollments.c.id
    )
    with database.read() as connection:
        return {
            person: (arm, sent if assigned else None, variant if assigned else None)
            for person, arm, sent, variant, assigned in connection.execute(found)
        }


def by_hand(person: str, *, walks: bool) -> tuple[str, str | None, str | None]:
    if draw_lot(person, campaign_salt("salt")) < lots_of(0.1):
        return ("holdout", None, None)
    if not walks:
        return ("treated", None, None)
    if draw_lot(person, wave_salt("salt", "coupon", 0)) < lots_of(0.1):
        return ("treated", "holdout", None)
    warm = draw_lot(person, variant_salt("salt", "coupon")) < lots_of(0.3)
    return ("treated", "treated", "warm" if warm else "plain")


def compare_arms(server: str | None, rows: int) -> bool:
    with a_database(None) as database:
        first = drawn(database, rows)
    mine = {person: by_hand(person, walks=found[1] is not None) for person, found in first.items()}
    same = first == mine
    print(f"arms of {len(first):,} persons: SQLite = Python: {same}")
    if server is not None:
        with a_database(server) as database:
            second = drawn(database, rows)
        same &= first == second
        print(f"arms of {len(second):,} persons: SQLite = PostgreSQL: {first == second}")
    return same


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000, help="customers in the shop")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--database", help="a PostgreSQL server's URL; SQLite where left out")
    parser.add_argument("--arms", action="store_true", help="compare arms instead of cost")
    given = parser.parse_args()
    if given.arms:
        return int(not compare_arms(given.database, given.rows))
    return int(not compare_cost(given.database, given.rows, given.rounds))


if __name__ == "__main__":
    sys.exit(main())
