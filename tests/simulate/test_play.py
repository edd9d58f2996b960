"""A simulated campaign is a live one on another clock, and its evaluations find the truth."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import insert, select

from orchestrator import wiring
from orchestrator.domain.messages import Channel, MessageState, Reason
from orchestrator.playbooks import Playbook, playbook_from_files
from orchestrator.playbooks.reading import read_playbook
from orchestrator.providers.outbox import OutboxProvider
from orchestrator.providers.simulated import SimulatedProvider
from orchestrator.services import advance as live
from orchestrator.services.dispatch import OpenedTexts
from orchestrator.services.launch import launch
from orchestrator.services.lives import begin_life
from orchestrator.services.simulate import play
from orchestrator.services.simulate.behaviour import ResponseModel
from orchestrator.services.simulate.parameters import parameters_for
from orchestrator.services.simulate.play import generated_shop, simulate
from orchestrator.services.simulate.population import make_shop
from orchestrator.services.simulate.report import SimulationReport
from orchestrator.services.simulate.shop import write_shop
from orchestrator.store.database import Database
from orchestrator.store.schema import upgrade
from orchestrator.store.tables import coupons, evaluations, messages, orders

TEMPLATES = Path(__file__).parents[2] / "templates"
START = datetime(2026, 11, 12, 1, 0, tzinfo=UTC)
SEED = 7
DAY = timedelta(days=1)
# Nothing that an outbox could not know: neither bounces nor opt-outs, and no coupon is used.
SILENT = ResponseModel(undelivered=0, opt_out=0, redeem_caused=0, redeem_natural=0)
LEDGER = (
    "customer_id", "wave", "occurrence", "arm", "variant", "channel", "state", "reason",
    "planned_at", "due_at", "would_go_at", "accepted_at", "sending_at", "token", "parts", "cost",
)  # fmt: skip


@pytest.fixture(scope="session")
def playbook() -> Playbook:
    """Double 11, with one re-stimulation instead of five."""
    files = dict(read_playbook(TEMPLATES / "womenswear-double11").files)
    files["playbook.yaml"] = files["playbook.yaml"].replace("times: 5", "times: 1")
    return playbook_from_files(files)


def played(playbook: Playbook, folder: Path, **changed: Any) -> SimulationReport:
    options: dict[str, Any] = {
        "provider": SimulatedProvider(SEED),
        "customers": 120,
        "seed": SEED,
        "effect": 0.3,
        "start": START,
        "step": DAY,
        "folder": folder,
    }
    return simulate(playbook, **(options | changed))


def ledger(database: Database) -> list[tuple[Any, ...]]:
    """Every message; which code it carries hangs on the order of the installation's address hashes."""
    compared = [messages.c[name] for name in LEDGER]
    read = select(*compared, coupons.c.state.label("coupon"), coupons.c.expires_at)
    key = (messages.c.customer_id, messages.c.wave, messages.c.occurrence)
    with database.read() as connection:
        rows = connection.execute(
            read.outerjoin(coupons, coupons.c.id == messages.c.coupon_id).order_by(*key)
        )
        return [tuple(row) for row in rows]


def verdicts(database: Database) -> list[tuple[Any, ...]]:
    """Every evaluation but for what the outbox cannot tell: how many messages arrived."""
    columns = evaluations.c
    with database.read() as connection:
        rows = connection.execute(
            select(evaluations).order_by(columns.due_at, columns.kind, columns.scope)
        ).all()
    for row in rows:
        for cell in row.result["cells"]:
            cell.pop("delivered")
    return [(row.kind, row.scope, row.due_at, row.recorded_at, row.result["cells"]) for row in rows]


class LiveRun:
    """The same shop and campaign, advanced as a schedule would, with the outbox as provider."""

    def __init__(self, playbook: Playbook, database: Database, folder: Path) -> None:
        definition = playbook.definition
        shop = generated_shop(definition.timezone, definition.locales[0])
        parameters = parameters_for(
            definition, customers=120, preset="gift", currency=shop.currency
        )
        self.database, self.folder = database, folder
        self.providers = dict.fromkeys(Channel, OutboxProvider(folder / "outbox"))
        self.texts, self.codes = OpenedTexts(), np.random.default_rng([SEED, 2]).bytes
        upgrade(database, START)
        write_shop(database, make_shop(parameters, SEED))
        launch(
            database,
            playbook,
            name=f"{definition.playbook}-{SEED}",
            shop=shop,
            now=START,
            actor="test",
            random_bytes=np.random.default_rng([SEED, 1]).bytes,
        )

    def at(self, moment: datetime, arrived: list[dict[str, Any]]) -> None:
        with self.database.write() as connection:
            for row in arrived:
                connection.execute(insert(orders).values(**row))
        with begin_life(self.folder / "lives", wiring.this_machine()) as life:
            live.advance(
                self.database,
                self.providers,
                now=lambda: moment,
                life=life,
                texts=self.texts,
                random_bytes=self.codes,
            )


def arrivals(database: Database) -> Callable[[datetime], list[dict[str, Any]]]:
    with database.read() as connection:
        rows = [dict(row._mapping) for row in connection.execute(select(orders))]  # noqa: SLF001  -- SQLAlchemy's own name for it
    return lambda moment: [row for row in rows if row["updated_at"] == moment]


def test_simulated_and_live_runs_are_moved_by_the_same_function() -> None:
    assert vars(play)["advance"] is live.advance
    assert vars(wiring)["advance"] is live.advance


@pytest.mark.slow
def test_a_live_run_at_the_same_moments_writes_the_same_ledger(
    playbook: Playbook, tmp_path: Path
) -> None:
    moments: list[datetime] = []
    played(playbook, tmp_path, responses=SILENT, progress=lambda seen: moments.append(seen.now))

    with (
        closing(Database(f"sqlite:///{tmp_path / f'simulation-{SEED}.db'}")) as simulated,
        closing(Database(f"sqlite:///{tmp_path / 'live.db'}")) as database,
    ):
        arrived = arrivals(simulated)
        run = LiveRun(playbook, database, tmp_path)
        for moment in moments:
            run.at(moment, arrived(moment))

        assert ledger(database) == ledger(simulated)
        assert verdicts(database) == verdicts(simulated)


@pytest.mark.slow
def test_a_campaign_comes_to_its_end_and_adds_up(playbook: Playbook, tmp_path: Path) -> None:
    report = played(playbook, tmp_path)

    assert report.unfinished is None
    assert all(one.evaluation.recorded_at for one in report.evaluations)
    assert report.messages == sum(day.accepted + day.withheld + day.others for day in report.sends)
    assert report.states[MessageState.ACCEPTED] == sum(day.accepted for day in report.sends)


@pytest.mark.slow
def test_the_same_seed_plays_the_same_campaign(playbook: Playbook, tmp_path: Path) -> None:
    one, two = (played(playbook, tmp_path / name) for name in ("one", "two"))

    assert two == replace(one, evaluations=two.evaluations)
    assert [each.result for each in two.evaluations] == [each.result for each in one.evaluations]


@pytest.mark.slow
def test_what_is_measured_is_near_the_truth(playbook: Playbook, tmp_path: Path) -> None:
    report = played(playbook, tmp_path, customers=2500, effect=0.5)

    coupon = next(one for one in report.evaluations if one.evaluation.wave == "coupon")
    measured = coupon.result.effect.difference.value
    assert coupon.truth is not None
    assert coupon.truth > 0.1
    assert measured == pytest.approx(coupon.truth, abs=0.1)


@pytest.mark.slow
def test_without_effect_there_is_none_in_truth(playbook: Playbook, tmp_path: Path) -> None:
    report = played(playbook, tmp_path, effect=0)

    assert report.orders_caused == 0
    assert {one.truth for one in report.evaluations} <= {0.0, None}


@pytest.mark.slow
def test_mother_baby_is_played_to_its_end(tmp_path: Path) -> None:
    report = played(
        read_playbook(TEMPLATES / "mother-baby"),
        tmp_path,
        start=datetime(2026, 12, 13, 1, 0, tzinfo=UTC),
    )

    assert report.unfinished is None
    assert {day.wave for day in report.sends} == {"thanks", "coupon", "reward", "care"}


def test_a_cap_that_ends_messages_is_counted_as_one(playbook: Playbook, tmp_path: Path) -> None:
    files = dict(playbook.files)
    files["playbook.yaml"] = files["playbook.yaml"].replace("1 per 14 days", "1 per 60 days")

    report = played(playbook_from_files(files), tmp_path)

    assert report.caps_hit > 0
    assert report.caps_hit == report.reasons[Reason.CAP]
    assert Reason.COUPON_EXPIRED not in report.reasons


def test_the_generated_shop_sells_in_the_playbooks_currency(
    playbook: Playbook, tmp_path: Path
) -> None:
    files = dict(playbook.files)
    files["playbook.yaml"] = files["playbook.yaml"].replace(" CNY", " EUR")

    report = played(playbook_from_files(files), tmp_path)

    assert report.currency == "EUR"
