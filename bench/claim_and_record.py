"""Claim and record against the raw driver; claims under an old snapshot; an idle tick; a whole send.

python bench/claim_and_record.py
python bench/claim_and_record.py --database postgresql://postgres@127.0.0.1/postgres
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from limits import Meter, a_database, header, interleaved, judged, ratios, spread
from sqlalchemy import text

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from builders import DUE, a_life, add_campaign, add_messages
from orchestrator.domain.messages import Channel
from orchestrator.domain.providers import Outcome
from orchestrator.providers.simulated import SimulatedProvider
from orchestrator.services.dispatch import OpenedTexts, Settings, dispatch
from orchestrator.store.database import Database
from orchestrator.store.messages import claims, outcomes
from orchestrator.store.messages.outcomes import Answered
from orchestrator.store.schema import upgrade
from orchestrator.store.tables import micros

CHUNK = 1_000
LEASE = timedelta(minutes=10)
_OWN = "state = 'claimed', reason = NULL, owner = {p}, token = token + 1, lease_until = {p}"
_PICK = "SELECT id FROM messages WHERE state = 'planned' AND due_at <= {p} ORDER BY due_at, id LIMIT {p}"
_BACK = "id, token, due_at, send_id, campaign_id, channel"
_RAW = {
    "sqlite": {
        "claim": f"UPDATE messages SET {_OWN} WHERE id IN ({_PICK}) RETURNING {_BACK}".format(
            p="?"
        ),
        "attempts": """
            UPDATE attempts SET outcome = 'accepted', answered_at = ?
            FROM json_each(?) j WHERE message_id = json_extract(j.value, '$[0]')
            AND token = json_extract(j.value, '$[1]')""",
        "record": """
            UPDATE messages SET state = 'accepted', reason = NULL, accepted_at = ?, finished_at = ?,
                lease_until = NULL, owner = NULL, provider_id = json_extract(j.value, '$[2]')
            FROM json_each(?) j WHERE messages.id = json_extract(j.value, '$[0]')
            AND token = json_extract(j.value, '$[1]') AND state = 'sending'""",
    },
    "postgresql": {
        "claim": (
            f"WITH picked AS MATERIALIZED ({_PICK} FOR UPDATE SKIP LOCKED) "
            f"UPDATE messages SET {_OWN} WHERE id IN (SELECT id FROM picked) RETURNING {_BACK}"
        ).format(p="%s"),
        "attempts": """
            UPDATE attempts SET outcome = 'accepted', answered_at = %s
            FROM unnest(%s::bigint[], %s::integer[]) j(id, token)
            WHERE message_id = j.id AND attempts.token = j.token""",
        "record": """
            UPDATE messages SET state = 'accepted', reason = NULL, accepted_at = %s,
                finished_at = %s, lease_until = NULL, owner = NULL, provider_id = j.provider_id
            FROM unnest(%s::bigint[], %s::integer[], %s::text[]) j(id, token, provider_id)
            WHERE messages.id = j.id AND messages.token = j.token AND state = 'sending'""",
    },
}


def claim_all(database: Database) -> None:
    while True:
        with database.write() as connection:
            batch = claims.claim(
                connection, owner="ours", now=DUE, lease_until=DUE + LEASE, limit=CHUNK
            )
        if not batch:
            return


def record_all(database: Database, count: int) -> None:
    for chunk in _chunks(count):
        answers = [
            Answered(message_id=one, token=1, outcome=Outcome.ACCEPTED, provider_id=f"SM{one:032x}")
            for one in chunk
        ]
        with database.write() as connection:
            assert outcomes.record(connection, answers, DUE) == len(chunk)


def claim_all_raw(database: Database) -> None:
    now, lease = micros(DUE), micros(DUE + LEASE)
    given = ("raw", lease, now, CHUNK) if database.is_sqlite else (now, CHUNK, "raw", lease)
    rows = True
    with raw_driver(database) as (cursor, transaction, sql):
        while rows:
            with transaction():
                rows = bool(cursor.execute(sql["claim"], given).fetchall())


def record_all_raw(database: Database, count: int) -> None:
    with raw_driver(database) as (cursor, transaction, sql):
        for chunk in _chunks(count):
            with transaction():
                for name, given in _given(chunk, micros(DUE), sqlite=database.is_sqlite):
                    cursor.execute(sql[name], given)


@contextmanager
def raw_driver(database: Database) -> Iterator[tuple[Any, Any, dict[str, str]]]:
    held = database.engine.raw_connection()
    cursor = held.cursor()

    @contextmanager
    def transaction() -> Iterator[None]:
        if database.is_sqlite:
            cursor.execute("BEGIN IMMEDIATE")
        yield
        cursor.execute("COMMIT") if database.is_sqlite else held.commit()

    yield cursor, transaction, _RAW["sqlite" if database.is_sqlite else "postgresql"]
    held.close()


def _chunks(count: int) -> Iterator[range]:
    return (range(start, min(start + CHUNK, count + 1)) for start in range(1, count + 1, CHUNK))


def _given(chunk: range, now: int, *, sqlite: bool) -> Iterator[tuple[str, tuple[Any, ...]]]:
    marks = [(one, 1, f"SM{one:032x}") for one in chunk]
    if sqlite:
        listed = json.dumps(marks)
        yield "attempts", (now, listed)
        yield "record", (now, now, listed)
        return
    ids, tokens, names = ([mark[place] for mark in marks] for place in range(3))
    yield "attempts", (now, ids, tokens)
    yield "record", (now, now, ids, tokens, names)


def again(database: Database) -> None:
    with database.write() as connection:
        connection.execute(text("DELETE FROM attempts"))
        connection.execute(
            text(
                "UPDATE messages SET state = 'planned', token = 0, owner = NULL, provider = NULL, "
                "sending_at = NULL, cost = 0, parts = 0, lease_until = NULL, accepted_at = NULL"
            )
        )
        connection.execute(text("UPDATE campaigns SET spent = 0"))
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as tidy:
        if not database.is_sqlite:
            tidy.exec_driver_sql("VACUUM ANALYZE messages")


def fill(database: Database, count: int) -> None:
    upgrade(database, DUE)
    with database.write() as connection:
        campaign = add_campaign(connection)
        for start in range(0, count, 5_000):
            add_messages(connection, campaign, min(5_000, count - start))
        connection.execute(text("ANALYZE"))


def sent(database: Database) -> None:
    """All are being sent: what a record finds."""
    again(database)
    with database.write() as connection:
        connection.execute(
            text(
                "INSERT INTO attempts (message_id, token, owner, provider, intended_at) "
                "SELECT id, 1, 'bench', 'bench', 0 FROM messages"
            )
        )
        connection.execute(text("UPDATE messages SET state = 'sending', token = 1"))


def row_6(database: Database, count: int, rounds: int) -> None:
    meter = Meter(database)
    header(database, "claim, record", messages=f"{count:,}", chunk=CHUNK, rounds=rounds)
    claimed = interleaved(
        meter,
        {"ours": lambda: claim_all(database), "raw": lambda: claim_all_raw(database)},
        rounds=rounds,
        before=lambda: again(database),
    )
    recorded = interleaved(
        meter,
        {
            "ours": lambda: record_all(database, count),
            "raw": lambda: record_all_raw(database, count),
        },
        rounds=rounds,
        before=lambda: sent(database),
    )
    meter.close()
    both = {
        name: [one.plus(other) for one, other in zip(claimed[name], recorded[name], strict=True)]
        for name in claimed
    }
    for name, spent in both.items():
        print(f"  {name}: {spread([one.cpu / count * 1e6 for one in spent], 1)} µs CPU a message")
    by_cpu, by_wall = ratios(both, "ours", "raw")
    verdict = judged(statistics.median(by_cpu), 2.2, 1.6)
    print(f"  ours / raw: {spread(by_cpu)} × CPU, {spread(by_wall)} × wall; {verdict}")


@contextmanager
def old_snapshot(database: Database) -> Iterator[None]:
    holder = database.engine.connect().execution_options(isolation_level="REPEATABLE READ")
    holder.execute(text("SELECT count(*) FROM campaigns"))
    yield
    holder.close()


def row_17(database: Database) -> None:
    """Claims of 500 while somebody holds an old snapshot: the first against the last tenth."""
    again(database)
    spent: list[float] = []
    floor = None
    with old_snapshot(database):
        while True:
            began = time.perf_counter()
            with database.write() as connection:
                batch = claims.claim(
                    connection,
                    owner="w",
                    now=DUE,
                    lease_until=DUE + LEASE,
                    limit=500,
                    floor=floor,
                )
            if not batch:
                break
            spent.append(time.perf_counter() - began)
            floor = (batch[-1].due_at, batch[-1].id)
    tenth = max(1, len(spent) // 10)
    first, last = statistics.median(spent[:tenth]), statistics.median(spent[-tenth:])
    verdict = judged(last / first, 2.5, 1.6)
    header(database, "claims under an old snapshot", claims=len(spent))
    print(
        f"  {first * 1e3:.1f} → {last * 1e3:.1f} ms a claim of 500, {last / first:.2f} ×; {verdict}"
    )


def whole_send(database: Database, count: int) -> None:
    again(database)
    texts = OpenedTexts()
    providers = dict.fromkeys(Channel, SimulatedProvider())
    meter = Meter(database)
    with tempfile.TemporaryDirectory() as folder, a_life(Path(folder)) as life:

        def send() -> None:
            report = dispatch(
                database, providers, now=lambda: DUE, life=life, texts=texts, settings=Settings()
            )
            assert report.accepted in (0, count)

        cost = meter(send)
        idle = statistics.median(meter(send).wall for _ in range(30))
    meter.close()
    header(database, "whole send, simulated provider", messages=f"{count:,}")
    print(f"  {count / cost.wall:,.0f} messages/s, {cost.cpu / count * 1e6:.0f} µs CPU a message")
    print(f"  idle tick {idle * 1e3:.1f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", help="a PostgreSQL server; SQLite where left out")
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    with a_database(given.database) as database:
        fill(database, given.messages)
        row_6(database, given.messages, given.rounds)
        if not database.is_sqlite:
            row_17(database)
        whole_send(database, given.messages)


if __name__ == "__main__":
    main()
