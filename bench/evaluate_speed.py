"""How long an evaluation takes, against the bare SQL query over the same rows.

    python bench/evaluate_speed.py --rows 1000000 [--url postgresql://…/empty]

One send to ``rows`` customers, a tenth of them withheld, three orders a customer. The bare query
joins messages and orders and sums people, buyers and money by track, arm and variant: what one
would write by hand for the same table. Both run in turn; printed is the median of the ratios by round, of wall time.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

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
BARE = f"""
WITH bought AS (
  SELECT m.id AS unit, count(*) AS orders, sum(o.total - o.refunded) AS revenue
  FROM messages m JOIN orders o ON o.customer_id = m.customer_id
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


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rows", type=int, default=100_000)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--url", help="an empty database; a SQLite file of its own by default")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        database = Database(given.url or f"sqlite:///{Path(folder) / 'bench.db'}")
        fill(database, given.rows)
        rounds = list(measure(database, given.rounds))
        database.close()
    ratios = [full / bare for bare, full in rounds]
    ratio = statistics.median(ratios)
    print(f"{database.url.get_backend_name()}: {given.rows:,} messages, {3 * given.rows:,} orders")
    print(f"bare query  {statistics.median(bare for bare, _ in rounds):8.3f} s")
    print(f"evaluate    {statistics.median(full for _, full in rounds):8.3f} s")
    print(f"ratio       {ratio:8.2f}   [{min(ratios):.2f} – {max(ratios):.2f}]   limit {LIMIT}")


def measure(database: Database, rounds: int) -> Iterator[tuple[float, float]]:
    # Nobody reads the first round's times: it warms the caches of both.
    for number in range(rounds + 1):
        due(database, number)
        bare = timed(lambda: bare_query(database))
        now = NOON + timedelta(days=30 + number)
        full = timed(lambda now=now: evaluate(database, now))  # type: ignore[misc]
        if number:
            yield bare, full


def timed(act: Callable[[], object]) -> float:
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun


def bare_query(database: Database) -> object:
    with database.read() as connection:
        return connection.execute(text(BARE)).all()


def due(database: Database, number: int) -> None:
    """Give the send another evaluation: a recorded one never runs again."""
    with database.write() as connection:
        evaluations.schedule(
            connection, 1, 1, EvaluationKind.SEND, f"round {number}", NOON + timedelta(days=11)
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
    yield f"""INSERT INTO customers (id, external_id, person, attributes, updated_at)
        SELECT n, 'c' || n, 'p' || n, '{{}}', {noon} FROM {people} AS s"""
    # Spread over five hundred days, so that some six in a hundred buy within the window.
    yield f"""INSERT INTO orders (id, external_id, customer_id, placed_at, currency, total, refunded,
          counts, updated_at)
        SELECT n, 'o' || n, 1 + (n * 7919) % {rows},
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
    main()
