"""Kill dispatchers at random moments, then count: sent twice, lost, open.

    python bench/kills.py                                 # SQLite, 200 kills, three at a time
    python bench/kills.py --database postgresql://postgres@127.0.0.1/postgres

With PostgreSQL the URL names a server on which a database of its own is made and dropped.
"""

import argparse
import ctypes
import json
import os
import random
import signal
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
from sqlalchemy import func, select

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from builders import add_campaign, add_messages
from orchestrator.domain.messages import OPEN_STATES, Channel, MessageState
from orchestrator.domain.providers import Capabilities, Handover, Outgoing
from orchestrator.providers.outbox import OutboxProvider
from orchestrator.services.dispatch import OpenedTexts, Settings, dispatch
from orchestrator.services.lives import begin_life
from orchestrator.services.reconcile import Patience, reconcile
from orchestrator.store import campaigns as campaign_store
from orchestrator.store.database import Database
from orchestrator.store.schema import upgrade
from orchestrator.store.tables import attempts, campaigns, messages
from orchestrator.wiring import this_machine

PR_SET_PDEATHSIG = 1
SETTINGS = Settings(batch=60, canary_from=10**9)
PATIENCE = Patience(wait=timedelta(seconds=1), ask_again=timedelta(seconds=1))
TOP_UP = 1_500  #: messages that are added when fewer are waiting, half SMS and half e-mail


@dataclass(frozen=True)
class Figures:
    database: str
    kills: int
    messages: int
    sent_twice: int
    lost: int  #: accepted and not in the outbox, or there and not accepted
    open: int
    unresolved: int
    found_out: int  #: the answer was lost with its sender; the provider had the message
    sent_again: int  #: attempts repeated after proof that the provider had nothing
    states: dict[str, int]
    ledger_adds_up: bool
    spent_adds_up: bool
    seconds: float


class SlowOutbox(OutboxProvider):
    """Takes a moment before and after it writes, so that kills find it there."""

    capabilities = Capabilities(
        channels=frozenset(Channel), batch_size=10, can_be_asked=True, intents=10
    )

    def send(self, batch: Sequence[Outgoing], now: datetime) -> Sequence[Handover]:
        time.sleep(DICE.uniform(0, 0.03))
        answers = super().send(batch, now)
        time.sleep(DICE.uniform(0, 0.03))
        return answers


def wall() -> datetime:
    return datetime.now(UTC)


DICE = random.Random()  # noqa: S311  # when to kill is no secret
TEXTS = OpenedTexts()  #: opened before the first child is born, or its short life is spent on it


def work(url: str, folder: Path) -> None:
    """Dispatch and reconcile until somebody kills us."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    DICE.seed()
    database = Database(url)
    providers = dict.fromkeys(Channel, SlowOutbox(folder / "outbox"))
    with begin_life(folder / "lives", this_machine()) as life:
        while True:
            dispatch(database, providers, now=wall, life=life, texts=TEXTS, settings=SETTINGS)
            reconcile(database, providers, now=wall(), life=life, patience=PATIENCE)
            time.sleep(0.01)


def start(url: str, folder: Path) -> int:
    child = os.fork()
    if child:
        return child
    try:
        work(url, folder)
    finally:
        os._exit(1)


@contextmanager
def opened(url: str) -> Iterator[Database]:
    """A connection that no child inherits."""
    database = Database(url)
    try:
        yield database
    finally:
        database.close()


def waiting(url: str) -> int:
    planned = select(func.count()).where(messages.c.state == MessageState.PLANNED)
    with opened(url) as database, database.read() as connection:
        return int(connection.execute(planned).scalar_one())


def top_up(url: str, campaign_id: int) -> None:
    with opened(url) as database, database.write() as connection:
        for channel in Channel:
            add_messages(connection, campaign_id, TOP_UP // 2, channel=channel)


def kill_at_random(url: str, folder: Path, campaign_id: int, kills: int, seed: int) -> None:
    DICE.seed(seed)
    children = [start(url, folder) for _ in range(3)]
    try:
        for number in range(kills):
            if number % 5 == 0 and waiting(url) < TOP_UP:
                top_up(url, campaign_id)
            time.sleep(DICE.uniform(0.1, 0.6))
            place = DICE.randrange(len(children))
            os.kill(children[place], signal.SIGKILL)
            os.waitpid(children[place], 0)
            children[place] = start(url, folder)
    finally:
        for child in children:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)


def drain(url: str, folder: Path) -> None:
    """Work off what is left; for what cannot be known two days pass."""
    providers = dict.fromkeys(Channel, OutboxProvider(folder / "outbox"))
    with opened(url) as database, begin_life(folder / "lives", this_machine()) as life:
        later = timedelta()
        for _ in range(4):
            dispatch(
                database,
                providers,
                now=lambda: wall() + later,  # noqa: B023  # called within this round
                life=life,
                settings=SETTINGS,
            )
            time.sleep(PATIENCE.wait.total_seconds() + 0.1)
            reconcile(database, providers, now=wall() + later, life=life, patience=PATIENCE)
            later += timedelta(days=2)


def count(url: str, folder: Path, kills: int, began: float) -> Figures:
    sent = Counter(
        json.loads(line)["message_id"]
        for file in (folder / "outbox").glob("*/*.jsonl")
        for line in file.read_text().splitlines()
    )
    with opened(url) as database, database.read() as connection:
        rows = connection.execute(
            select(
                messages.c.id,
                messages.c.state,
                messages.c.cost,
                (messages.c.accepted_at == messages.c.sending_at).label("found_out"),
            ).order_by(messages.c.id)
        ).all()
        tried = connection.execute(select(func.count()).select_from(attempts)).scalar_one()
        spent = connection.execute(select(func.sum(campaigns.c.spent))).scalar_one()
    states = Counter(row.state.value for row in rows)
    accepted = {row.id for row in rows if row.state is MessageState.ACCEPTED}
    return Figures(
        database=url.split(":", 1)[0],
        kills=kills,
        messages=len(rows),
        sent_twice=sum(1 for copies in sent.values() if copies > 1),
        lost=len(accepted ^ sent.keys()),
        open=sum(states[state.value] for state in OPEN_STATES),
        found_out=sum(1 for row in rows if row.found_out),
        sent_again=int(tried) - len(rows),
        unresolved=states[MessageState.UNRESOLVED.value],
        states=dict(sorted(states.items())),
        ledger_adds_up=[row.id for row in rows] == list(range(1, len(rows) + 1)),
        spent_adds_up=int(spent) == sum(row.cost for row in rows),
        seconds=round(time.monotonic() - began, 1),
    )


@contextmanager
def a_database(url: str | None, folder: Path) -> Iterator[str]:
    if url is None:
        yield f"sqlite:///{folder / 'shop.db'}"
        return
    name = f"orchestrator_kills_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
        try:
            yield f"{url.rsplit('/', 1)[0]}/{name}"
        finally:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def run(url: str | None, kills: int, seed: int) -> Figures:
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        with a_database(url, folder) as made:
            with opened(made) as database:
                upgrade(database, wall())
                with database.write() as connection:
                    campaign_id = add_campaign(connection)
                    TEXTS(campaign_store.get(connection, campaign_id))
            kill_at_random(made, folder, campaign_id, kills, seed)
            drain(made, folder)
            return count(made, folder, kills, began)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--database", help="a PostgreSQL server's URL; SQLite where left out")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args()
    figures = run(given.database, given.kills, given.seed)
    print(json.dumps(asdict(figures), indent=2))
    wrong = figures.sent_twice + figures.lost + figures.open
    return int(bool(wrong) or not (figures.ledger_adds_up and figures.spent_adds_up))


if __name__ == "__main__":
    sys.exit(main())
