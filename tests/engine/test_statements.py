"""Work is done over sets: twenty times the customers take the same number of statements."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, update

from builders import playbook_files
from orchestrator.playbooks import playbook_from_files
from orchestrator.services.enroll import enroll
from orchestrator.services.evaluate import evaluate
from orchestrator.services.plan import plan
from orchestrator.store import campaigns
from orchestrator.store.database import Database
from orchestrator.store.tables import messages
from shops import EVENT_NOON, SHOP, add_customer, add_order

MORE = """
holdout: 20%
offers: {back: {OFFER, min_spend: 199 CNY, valid: 14 days}}
evaluate: {sends: 10 days, groups: 2 days, overall: 30 days after thanks}
quiet_hours: {from: "21:00", to: "09:00"}
"""


# Each kind of offer takes its own statements, and none of them more of them for more customers.
PLAIN = "amount: 20 CNY"
LIMITED = "ladder: [{from: 1 CNY, amount: 20 CNY}], stock: 1000, until: 2028-12-31"
REMINDER = (
    "  - {wave: remind, kind: promo, after: 7 days after promo, reminds: promo, holdout: 20%}\n"
)


def files_for(day: datetime, offer: str) -> dict[str, str]:
    files = playbook_files(MORE.replace("OFFER", offer))
    files["playbook.yaml"] = (
        files["playbook.yaml"]
        .replace("audience: {}", f"audience: {{event_day: {{from: {day:%F}, to: {day:%F}}}}}")
        .replace("after: 7 days,", "after: 7 days, offer: back, holdout: 20%,")
        .replace("unless: purchased}\n", "unless: purchased}\n" + REMINDER)
    )
    for channel in ("sms", "email"):
        text = files[f"en/promo.{channel}.j2"]
        text = text.replace("{{ shop.name }}", "{{ shop.name }} {{ coupon.code }}")
        files |= {f"en/{wave}.{channel}.j2": text for wave in ("promo", "remind")}
    return files


class Walk:
    """A campaign for those who bought on one day, of whom one in five comes back."""

    def __init__(
        self, database: Database, name: str, noon: datetime, customers: range, offer: str
    ) -> None:
        self.database, self.noon = database, noon
        playbook = playbook_from_files(files_for(noon, offer))
        self.definition, self.dice = playbook.definition, random.Random(name)
        with database.write() as connection:
            for number in customers:
                customer = add_customer(connection, number)
                add_order(connection, customer, at=noon)
                if number % 5 == 0:
                    add_order(connection, customer, at=noon + timedelta(days=5))
            key = campaigns.add(
                connection,
                name=name,
                playbook=playbook.definition.playbook,
                version=playbook.version,
                files=playbook.files,
                salt="salt",
                shop=SHOP,
                now=noon,
            )
            self.campaign = campaigns.get(connection, key)

    def statements(self) -> list[int]:
        """Walk from the enrollment to the last evaluation; return what each step took."""
        steps: list[Callable[[], object]] = [
            lambda: enroll(self.database, self.campaign, self.definition, self._at(0)),
            lambda: self._plan(1.5),
            lambda: self._plan(2.5),
            lambda: self._plan(7.5),
            lambda: self._plan(15.5),
            lambda: evaluate(self.database, self._at(60)),
        ]
        return [self._count(step) for step in steps]

    def _count(self, step: Callable[[], object]) -> int:
        with counted(self.database) as statements:
            step()
        self._accept()
        return len(statements)

    def _plan(self, days: float) -> None:
        random_bytes = self.dice.randbytes
        now = self._at(days)
        report = plan(
            self.database, self.campaign, self.definition, now=now, random_bytes=random_bytes
        )
        assert report.messages

    def _accept(self) -> None:
        """What is planned has gone out, without a dispatcher."""
        with self.database.write() as connection:
            connection.execute(
                update(messages)
                .where(messages.c.state == "planned")
                .values(state="accepted", accepted_at=messages.c.would_go_at)
            )

    def _at(self, days: float) -> datetime:
        return self.noon + timedelta(days=days)


@contextmanager
def counted(database: Database) -> Iterator[list[str]]:
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        statements.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    yield statements
    event.remove(database.engine, "before_cursor_execute", note)


@pytest.mark.parametrize("offer", [PLAIN, LIMITED])
def test_no_step_takes_a_statement_a_customer(database: Database, offer: str) -> None:
    few = Walk(database, "few", EVENT_NOON, range(1, 11), offer).statements()
    later = EVENT_NOON + timedelta(days=90)
    many = Walk(database, "many", later, range(1_001, 1_201), offer).statements()

    assert many == few
