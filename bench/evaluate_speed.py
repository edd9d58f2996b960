"""What an evaluation costs, against the bare SQL query over the same rows.

    python bench/evaluate_speed.py --rows 1000000
    python bench/evaluate_speed.py --rows 1000000 --database postgresql://postgres@127.0.0.1/postgres

One send to ``rows`` customers, a tenth of them withheld, three orders a customer; one person in
fifty has a second profile, which buys as well. The bare query joins messages, the profiles of each
person and their orders, and sums people, buyers and money by track, arm and variant: what anybody
would write by hand. ``by profile`` asks for the orders of the profile alone, and so misses some.
"""

import argparse
import statistics
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from limits import Meter, a_database, cpu, header, interleaved, judged, ratios, spread, wall
from sqlalchemy import text

from orchestrator.domain.evaluations import EvaluationKind
from orchestrator.domain.shop import Shop
from orchestrator.playbooks.reading import playbook_from_files
from orchestrator.services.evaluate import evaluate
from orchestrator.store import campaigns, evaluations
from orchestrator.store.database import Connection, Database
from orchestrator.store.schema import upgrade
from orchestrator.store.tables import micros

LIMIT = 1.5
NOON = datetime(2025, 11, 12, 12, 0, tzinfo=UTC)
DAY = 86_400_000_000  # microseconds
WINDOW = 10 * DAY
FILES = {
    "playbook.yaml": """\
playbook: bench
title: Bench
timezone: UTC
locales: [en]
audience: {order_total: {at_least: 1}}
waves: [{wave: thanks, kind: thanks, after: 1 day, channels: [sms], holdout: 10%}]
""",
    "en/thanks.sms.j2": "{{ shop.name }}: thank you for the {{ order.item }}. Reply STOP to opt out.\n",
}
PERSON = """JOIN customers own ON own.id = m.customer_id
    JOIN customers profile ON profile.person = own.person
    JOIN orders o ON o.customer_id = profile.id"""
PROFILE = "JOIN orders o ON o.customer_id = m.customer_id"
BARE = f"""
WITH bought AS (
  SELECT m.id AS unit, count(*) AS orders, sum(o.total - o.refunded) AS revenue
  FROM messages m {PERSON}
    AND o.placed_at > m.would_go_at
    AND o.placed_at <= m.would_go_at + {WINDOW}
  WHERE m.send_id = 1 AND o.counts
  GROUP BY m.id
)
SELECT e.track, m.arm, m.variant, count(*), count(m.accepted_at), sum(m.cost), count(b.unit),
  sum(b.orders), sum(b.revenue)
FROM messages m JOIN enrollments e ON e.id = m.enrollment_id LEFT JOIN bought b ON b.unit = m.id
WHERE m.send_id = 1 AND m.assigned
GROUP BY e.track, m.arm, m.variant
"""


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rows", type=int, default=100_000)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--database", help="a PostgreSQL server; a SQLite file where left out")
    given = arguments.parse_args()
    with a_database(given.database) as database:
        fill(database, given.rows)
        return compare(database, given.rows, given.rounds)


def compare(database: Database, rows: int, rounds: int) -> int:
    meter = Meter(database)
    works: dict[str, Callable[[], object]] = {
        "bare": lambda: bare_query(database, BARE),
        "by profile": lambda: bare_query(database, BARE.replace(PERSON, PROFILE)),
        "evaluate": lambda: evaluate(database, NOON + timedelta(days=60)),
    }
    header(database, "evaluate", messages=f"{rows:,}", orders=f"{3 * rows:,}", rounds=rounds)
    for work in works.values():
        due(database)
        work()  # warms the caches of all
    costs = interleaved(meter, works, rounds=rounds, before=lambda: due(database))
    meter.close()
    for name, measured in costs.items():
        print(f"  {name:10}  cpu {spread(cpu(measured), 3)} s  wall {spread(wall(measured), 3)} s")
    for name in ("bare", "by profile"):
        by_cpu, by_wall = ratios(costs, "evaluate", name)
        print(f"  evaluate / {name:10}  cpu {spread(by_cpu)}  wall {spread(by_wall)}")
    ratio = statistics.median(ratios(costs, "evaluate", "bare")[0])
    print(f"  {judged(ratio, LIMIT, LIMIT)}")
    return int(ratio > LIMIT)


def bare_query(database: Database, query: str) -> object:
    with database.read() as connection:
        return connection.execute(text(query)).all()


def due(database: Database) -> None:
    """Let one evaluation of the send be due: a recorded one never runs again."""
    recorded = "SELECT count(*) FROM evaluations WHERE recorded_at IS NOT NULL"
    with database.write() as connection:
        scope = f"round {connection.execute(text(recorded)).scalar_one()}"
        evaluations.schedule(
            connection, 1, 1, EvaluationKind.SEND, scope, NOON + timedelta(days=11)
        )


def fill(database: Database, rows: int) -> None:
    upgrade(database, NOON)
    playbook = playbook_from_files(FILES)
    shop = Shop(
        name="Bench", url="https://shop.example/", postal_address="1 Road",
        unsubscribe_url="https://shop.example/u", currency="CNY", country="CN", timezone="UTC",
        locale="en", sms_price=4500, email_price=100,
    )  # fmt: skip
    with database.write() as connection:
        campaigns.add(
            connection, name="bench", playbook="bench", version=playbook.version,
            files=playbook.files, salt="salt", shop=shop, now=NOON,
        )  # fmt: skip
        for statement in rows_of(rows, connection):
            connection.execute(text(statement))
    with database.engine.connect() as connection:
        connection.exec_driver_sql("ANALYZE")
        connection.commit()


def rows_of(rows: int, connection: Connection) -> Iterator[str]:
    """Yield the statements that make the shop, from one series of numbers."""
    noon = micros(NOON)
    if connection.dialect.name == "sqlite":
        series = "(WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {0}) SELECT n FROM s LIMIT {0})"
    else:
        series = "(SELECT n::bigint AS n FROM generate_series(1, {0}) AS n)"
    people, bought = series.format(rows), series.format(3 * rows)
    profiles = rows + rows // 50
    yield f"""INSERT INTO customers (id, external_id, person, attributes, updated_at)
        SELECT n, 'c' || n, 'p' || CASE WHEN n > {rows} THEN (n - {rows}) * 50 ELSE n END,
          '{{}}', {noon} FROM {series.format(profiles)} AS s"""
    # Spread over five hundred days, so that some six in a hundred buy within the window.
    yield f"""INSERT INTO orders (id, external_id, customer_id, placed_at, currency, total, refunded,
          counts, updated_at)
        SELECT n, 'o' || n, 1 + (n * 7919) % {profiles},
          {noon} + ((n * 104729) % 500 - 490) * {DAY} + n % 1000, 'CNY', 5000 + n % 9000, 0,
          (1 = 1), {noon} FROM {bought} AS s"""
    yield f"""INSERT INTO enrollments (id, campaign_id, customer_id, person, order_id, anchor_at,
          track, locale, timezone, arm, enrolled_at)
        SELECT n, 1, n, 'p' || n, n, {noon - DAY}, 'all', 'en', 'UTC', 'treated', {noon - DAY}
        FROM {people} AS s"""
    yield f"""INSERT INTO sends (id, campaign_id, wave, occurrence, day, created_at)
        VALUES (1, 1, 'thanks', 0, '2025-11-12', {noon})"""
    yield f"""INSERT INTO messages (id, send_id, campaign_id, enrollment_id, customer_id, wave,
          occurrence, kind, arm, assigned, channel, state, planned_at, due_at, would_go_at,
          accepted_at, cost)
        SELECT n, 1, 1, n, n, 'thanks', 0, 'thanks',
          CASE WHEN n % 10 = 0 THEN 'holdout' ELSE 'treated' END, (1 = 1), 'sms',
          CASE WHEN n % 10 = 0 THEN 'withheld' ELSE 'accepted' END, {noon}, {noon},
          {noon} + n % 1000, CASE WHEN n % 10 > 0 THEN {noon} + n % 1000 END, 4500
        FROM {people} AS s"""


if __name__ == "__main__":
    sys.exit(main())
