"""The exported files say what the generated shop says."""

import csv
from pathlib import Path

from orchestrator.services.simulate.export import write_export
from orchestrator.services.simulate.population import Population


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_customer_product_and_order_is_in_the_files(shop: Population, tmp_path: Path) -> None:
    customers, products, orders = (read(path) for path in write_export(shop, tmp_path))

    assert len(customers) == 2000
    assert len(products) == len(shop.parameters.catalogue.products)
    numbers = {row["order_id"] for row in orders}
    assert len(numbers) == len(shop.past) + len(shop.event) + len(shop.natural)


def test_an_order_in_the_file_reads_like_the_generated_one(
    shop: Population, tmp_path: Path
) -> None:
    orders = read(write_export(shop, tmp_path)[2])
    first = int(shop.event.customer[0])

    [*lines] = [row for row in orders if row["order_id"] == f"E{first:07d}-0"]

    assert {row["customer_id"] for row in lines} == {f"C{first:07d}"}
    assert {row["total"] for row in lines} == {f"{shop.event.total[0] / 100:.2f}"}
    assert sum(float(row["line_amount"]) for row in lines) == shop.event.total[0] / 100
