"""What single rules promise, how they are told, and that they run on an index."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sqlalchemy import ClauseElement, Executable, Select, insert, text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

from orchestrator.playbooks.model import Definition
from orchestrator.playbooks.rules import Rule
from orchestrator.store.audience import KINDS, RuleVerdict, candidates, explain
from orchestrator.store.database import Connection, Database
from orchestrator.store.tables import customers, orders
from shops import EVENT_NOON

NOW = EVENT_NOON + timedelta(days=1)
LAUNCHED = EVENT_NOON - timedelta(days=10)
THE_DAY = str(EVENT_NOON.date())
EVENT = {"event_day": {"from": THE_DAY, "to": THE_DAY}}
Add = Callable[..., int]


def a_playbook(audience: dict[str, Any], **fields: Any) -> Definition:
    tracks = {"new": {"orders_before": 0}, "returning": {"orders_before": {"at_least": 1}}}
    waves = [{"wave": "thanks", "kind": "thanks", "after": "1 day"}]
    data = {"playbook": "p", "title": "P", "timezone": "Asia/Shanghai", "audience": audience}
    return Definition.model_validate({**data, "tracks": tracks, "waves": waves, **fields})


def query(definition: Definition, **fields: Any) -> Select[Any]:
    told = {"now": NOW, "launched_at": LAUNCHED, "currency": "CNY"}
    return candidates(definition, **{**told, **fields})


def chosen(database: Database, definition: Definition, **fields: Any) -> list[tuple[int, str]]:
    with database.read() as connection:
        rows = connection.execute(query(definition, **fields))
        return sorted((row.order_id, row.track) for row in rows)


def told(
    database: Database, definition: Definition, customer: str
) -> list[tuple[RuleVerdict, ...]]:
    with database.read() as connection:
        verdicts = explain(
            connection, definition, customer, now=NOW, launched_at=LAUNCHED, currency="CNY"
        )
        return [verdict.rules for verdict in verdicts]


def test_every_kind_of_rule_has_its_sql() -> None:
    assert {*KINDS, "every", "some", "no"} == set(Rule.model_fields)


def test_a_basket_of_exactly_299_is_enough(
    database: Database, a_customer: Add, an_order: Add
) -> None:
    enough = an_order(a_customer(), total=29_900)
    an_order(a_customer(), total=29_899)
    an_order(a_customer(), total=30_000, refunded=101)

    asked = a_playbook({**EVENT, "order_total": {"at_least": 299}})

    assert chosen(database, asked) == [(enough, "new")]


def test_two_orders_on_the_day_leave_a_new_customer_new(
    database: Database, a_customer: Add, an_order: Add
) -> None:
    shopper = a_customer()
    an_order(shopper, total=10_000)
    second = an_order(shopper, hours=1)

    asked = a_playbook({**EVENT, "order_total": {"at_least": 299}})

    assert chosen(database, asked) == [(second, "new")]


def test_two_profiles_with_one_phone_come_in_once(
    database: Database, a_customer: Add, an_order: Add
) -> None:
    an_order(a_customer(person="one"), hours=1)
    first = an_order(a_customer(person="one"))

    assert chosen(database, a_playbook(EVENT)) == [(first, "new")]


def test_what_is_ordered_later_is_not_seen_yet(
    database: Database, a_customer: Add, an_order: Add
) -> None:
    shopper = a_customer()
    now = an_order(shopper)
    an_order(shopper, hours=100)

    lapsed = a_playbook({"recency": {"at_least": "20 hours"}}, anchor="enrollment")

    assert chosen(database, lapsed) == [(now, "new")]


def test_looks_only_at_orders_since_the_last_look(
    database: Database, a_customer: Add, an_order: Add
) -> None:
    an_order(a_customer())
    fresh = an_order(a_customer(), hours=10)

    found = chosen(database, a_playbook({}), since=NOW - timedelta(hours=15))

    assert found == [(fresh, "new")]


def test_a_line_in_the_basket_makes_its_category_bought(
    database: Database, a_customer: Add, an_order: Add, a_line: Callable[..., None]
) -> None:
    basket = an_order(a_customer(), category="toys")
    a_line(basket, "womenswear")

    asked = a_playbook({**EVENT, "category": {"in": ["womenswear"]}})

    assert chosen(database, asked) == [(basket, "new")]


def test_tells_what_was_asked_and_what_was_found(
    database: Database, a_customer: Add, an_order: Add
) -> None:
    an_order(a_customer(external_id="anna", tier="gold"), total=24_900)
    asked = a_playbook(
        {**EVENT, "order_total": {"at_least": 299}, "any": [{"tier": {"in": ["gold", "black"]}}]},
        tracks={"all": {}},
    )

    assert told(database, asked, "anna") == [
        (
            RuleVerdict("audience.event_day", f"placed {THE_DAY}", f"{THE_DAY} 12:00", True),
            RuleVerdict("audience.order_total", "at least 299.00 CNY", "249.00 CNY", False),
            RuleVerdict("audience.any[0].tier", "one of gold, black", "gold", True),
        )
    ]


def test_nobody_is_told_of_a_customer_who_never_ordered(
    database: Database, a_customer: Add
) -> None:
    a_customer(external_id="anna")

    assert told(database, a_playbook(EVENT), "anna") == []


def test_a_new_profile_of_somebody_who_bought_before_is_returning(
    database: Database, a_customer: Add, an_order: Add
) -> None:
    bought_last_year = a_customer(person="Li")
    an_order(bought_last_year, hours=-24 * 365)
    again = an_order(a_customer(person="Li"))
    first = an_order(a_customer())

    assert chosen(database, a_playbook(EVENT)) == [(again, "returning"), (first, "new")]


def test_what_a_person_spent_under_all_profiles_is_one_sum(
    database: Database, a_customer: Add, an_order: Add
) -> None:
    an_order(a_customer(person="Li"), hours=-24, total=30_000)
    order = an_order(a_customer(person="Li"), total=30_000)
    an_order(a_customer(), total=30_000)

    playbook = a_playbook({**EVENT, "spend": {"at_least": 600}})
    assert [found for found, _ in chosen(database, playbook)] == [order]


def test_who_bought_lately_under_another_profile_has_not_lapsed(
    database: Database, a_customer: Add, an_order: Add
) -> None:
    an_order(a_customer(person="Li"), hours=-24 * 200)
    an_order(a_customer(person="Li"), hours=-24 * 5)
    lapsed = an_order(a_customer(), hours=-24 * 200)

    playbook = a_playbook({"recency": {"at_least": "90 days"}}, anchor="enrollment")
    assert [found for found, _ in chosen(database, playbook)] == [lapsed]


def test_the_persons_latest_order_brings_them_in_where_enrollment_is_the_anchor(
    database: Database, a_customer: Add, an_order: Add
) -> None:
    an_order(a_customer(person="Li"), hours=-24 * 9)
    latest = an_order(a_customer(person="Li"), hours=-24 * 5)
    an_order(a_customer(person="Li"), hours=-24 * 7)

    playbook = a_playbook({}, anchor="enrollment")
    assert [found for found, _ in chosen(database, playbook)] == [latest]


def test_finds_its_orders_by_an_index(database: Database) -> None:
    evergreen = a_playbook({"order_total": {"at_least": 299}})
    with database.write() as connection:
        _fill(connection)

        plan = _plan(connection, query(evergreen, since=NOW - timedelta(minutes=5)))

    assert "ix_orders_placed_customer" in plan
    assert "ix_orders_customer_placed" in plan
    assert "Seq Scan on orders" not in plan
    assert "SCAN orders" not in plan
    assert "SCAN customers" not in plan


def test_finds_lapsed_customers_by_an_index(database: Database) -> None:
    lapsed = a_playbook({"recency": {"at_least": "90 days"}}, anchor="enrollment")
    with database.write() as connection:
        _fill(connection)

        plan = _plan(connection, query(lapsed))

    assert "ix_orders_customer_placed" in plan
    assert "SCAN orders" not in plan
    assert "Backward using ix_orders_placed_customer" not in plan


def _fill(connection: Connection) -> None:
    """Three orders each of two thousand customers, spread over the weeks before."""
    numbers = range(1, 2001)
    buyers = [{"id": n, "external_id": f"c{n}", "person": f"p{n}"} for n in numbers]
    connection.execute(insert(customers), [b | {"updated_at": NOW} for b in buyers])
    ages = [(n, timedelta(minutes=n * 7 + 20_000 * turn)) for n in numbers for turn in range(3)]
    bought = [
        {"customer_id": n, "placed_at": NOW - age, "external_id": f"{n}:{age}"} for n, age in ages
    ]
    rest = {"currency": "CNY", "total": 30_000, "counts": True, "updated_at": NOW}
    connection.execute(insert(orders), [b | rest for b in bought])
    connection.execute(text("ANALYZE"))


class Explained(Executable, ClauseElement):
    inherit_cache = False

    def __init__(self, statement: Select[Any]) -> None:
        self.statement = statement


@compiles(Explained)
def _explain(element: Explained, compiler: SQLCompiler, **kw: Any) -> str:
    word = "EXPLAIN QUERY PLAN" if compiler.dialect.name == "sqlite" else "EXPLAIN"
    return f"{word} {compiler.process(element.statement, **kw)}"


def _plan(connection: Connection, asked: Select[Any]) -> str:
    return "\n".join(str(row[-1]) for row in connection.execute(Explained(asked)))
