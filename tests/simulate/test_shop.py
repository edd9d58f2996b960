"""A generated shop is stored as an import would store it."""

import pytest
from sqlalchemy import func, select

from orchestrator.services.simulate.population import Population
from orchestrator.services.simulate.shop import ShopNotEmptyError, write_shop
from orchestrator.store.database import Database
from orchestrator.store.tables import consents, customers, order_lines, orders, products


def test_everything_up_to_the_event_is_stored(database: Database, few: Population) -> None:
    write_shop(database, few)

    with database.read() as connection:
        found = [
            connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in (customers, consents, products, orders)
        ]
    bought = len(few.past) + len(few.event)
    assert found == [200, 800, len(few.parameters.catalogue.products), bought]


def test_a_customers_number_is_known_by_their_id(database: Database, few: Population) -> None:
    write_shop(database, few)

    with database.read() as connection:
        rows = connection.execute(select(customers.c.id, customers.c.external_id))
        assert {row.id: row.external_id for row in rows} == {
            number + 1: f"C{number:07d}" for number in range(200)
        }


def test_lines_add_up_to_what_was_paid(database: Database, few: Population) -> None:
    write_shop(database, few)

    with database.read() as connection:
        paid = connection.execute(select(func.sum(orders.c.total))).scalar_one()
        lines = connection.execute(select(func.sum(order_lines.c.amount))).scalar_one()
    assert int(lines) == int(paid) == int(few.past.total.sum() + few.event.total.sum())


def test_a_second_shop_needs_a_database_of_its_own(database: Database, few: Population) -> None:
    write_shop(database, few)

    with pytest.raises(ShopNotEmptyError, match="already has customers"):
        write_shop(database, few)
