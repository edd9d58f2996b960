"""Several at once: no two pass a limit that one alone may, and an opt-out that came first wins."""

from pathlib import Path

from sqlalchemy import select, update

from builders import DUE, add_campaign, add_messages, fates, message
from orchestrator.domain.messages import Channel, MessageState, Reason
from orchestrator.providers.simulated import SimulatedProvider
from orchestrator.store.contacts import Suppression, suppress
from orchestrator.store.database import Database
from orchestrator.store.tables import customers, messages
from races import at_once, sender

S = MessageState
R = Reason


def test_two_dispatchers_together_do_not_pass_a_cap(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    with database.write() as connection:
        for name in ("one", "two"):
            campaign = add_campaign(connection, name, "cap: {promo: 1 per 14 days}\n")
            add_messages(connection, campaign, 60)
        # Both campaigns write to the same 60 phones.
        for first in range(1, 61):
            same = select(messages.c.address_hash).where(messages.c.id == first).scalar_subquery()
            connection.execute(
                update(messages).where(messages.c.id == first + 60).values(address_hash=same)
            )
            connection.execute(
                update(customers).where(customers.c.id == first + 60).values(phone_hash=same)
            )

    provider = SimulatedProvider(intents=3)
    at_once(
        sender(database_url, tmp_path, "a", provider), sender(database_url, tmp_path, "b", provider)
    )

    assert fates(database) == {(S.ACCEPTED, None): 60, (S.PLANNED, R.CAP): 60}


def test_two_dispatchers_together_do_not_pass_a_budget(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    with database.write() as connection:
        add_messages(connection, add_campaign(connection, more="budget: 2.00 CNY\n"), 80)

    provider = SimulatedProvider(intents=3)
    at_once(
        sender(database_url, tmp_path, "a", provider), sender(database_url, tmp_path, "b", provider)
    )

    assert fates(database) == {(S.ACCEPTED, None): 40, (S.SKIPPED, R.BUDGET): 40}


def test_an_opt_out_that_was_committed_before_the_intent_always_wins(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    with database.write() as connection:
        add_messages(connection, add_campaign(connection), 200)
    hashes = {one: message(database, one).address_hash for one in range(1, 201, 4)}
    sent_before: dict[int, bool] = {}

    def opt_out() -> None:
        mine = Database(database_url)
        for one, address in reversed(hashes.items()):
            row = Suppression(Channel.SMS, address, "opted_out", DUE)
            with mine.write() as connection:
                suppress(connection, [row], "test")
                # Seen under the lock: an intent that is not here yet comes after the opt-out.
                state = select(messages.c.sending_at).where(messages.c.id == one)
                sent_before[one] = connection.execute(state).scalar_one() is not None
        mine.close()

    provider = SimulatedProvider(intents=5)
    at_once(sender(database_url, tmp_path, "a", provider), opt_out)

    for one, before in sent_before.items():
        expected = (S.ACCEPTED, None) if before else (S.SKIPPED, R.SUPPRESSED)
        assert (message(database, one).state, message(database, one).reason) == expected
