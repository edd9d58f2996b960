"""One real run of each flow."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from flows.advance import AdvanceForm, advance
from flows.evaluate import EvaluateForm, evaluate
from flows.import_data import ImportForm, import_data
from flows.launch_campaign import LaunchForm, launch_campaign
from flows.simulate import SimulateForm, simulate

from orchestrator import wiring
from orchestrator.services.steer import list_campaigns

pytestmark = [pytest.mark.prefect, pytest.mark.enable_socket]

ORDERS = """order_id,customer_id,placed_at,paid_at,total,currency,category,sku,title,quantity,line_amount
A1,C1,2026-11-11T10:00:00+08:00,2026-11-11T10:01:00+08:00,399,CNY,womenswear,P1,Velvet coat,1,399
"""
PLAYBOOK = "womenswear-double11"
AT = "2026-11-12T10:30:00+08:00"
DAY_AFTER = "2026-11-13T10:30:00+08:00"
WHEN_EVALUATED = "2026-11-26T10:30:00+08:00"


@pytest.fixture
def orders(shop: wiring.Settings, tmp_path: Path) -> Path:
    path = tmp_path / "orders.csv"
    path.write_text(ORDERS, encoding="utf-8")
    return path


def test_importing_says_how_many_rows_went_in(orders: Path) -> None:
    assert import_data(ImportForm(files=[str(orders)])) == {"rows": 1, "rejected": 0}


def test_a_launch_only_shows_the_plan_unless_told_otherwise(shop: wiring.Settings) -> None:
    shown = launch_campaign(LaunchForm(playbook=PLAYBOOK, at=AT))
    with wiring.open_installation() as installation:
        assert list_campaigns(installation.database) == []
    assert shown == {"campaign": PLAYBOOK, "state": "planned only"}


def test_a_launched_campaign_is_advanced(orders: Path) -> None:
    import_data(ImportForm(files=[str(orders)]))
    launch_campaign(LaunchForm(playbook=PLAYBOOK, dry_run=False, at=AT))
    done = advance(AdvanceForm(at=AT))
    assert (done["enrolled"], done["planned"]) == (1, 1)


def test_evaluating_publishes_the_report_asked_for(shop: wiring.Settings) -> None:
    launch_campaign(LaunchForm(playbook=PLAYBOOK, dry_run=False, at=AT))
    done = evaluate(EvaluateForm(campaign=PLAYBOOK, at=AT))
    assert done == {"recorded": 0, "revised": 0, "published": [PLAYBOOK]}


def test_what_advance_recorded_is_published_by_the_daily_run_once(
    orders: Path, server: Path
) -> None:
    import_data(ImportForm(files=[str(orders)], at=AT))
    for name in (PLAYBOOK, "nothing to tell"):
        launch_campaign(LaunchForm(playbook=PLAYBOOK, name=name, dry_run=False, at=AT))
        if name == PLAYBOOK:
            advance(AdvanceForm(at=DAY_AFTER))
    recorded = advance(AdvanceForm(at=WHEN_EVALUATED))["evaluated"]
    published = [evaluate(EvaluateForm(at=WHEN_EVALUATED))["published"] for _ in range(2)]
    assert recorded > 0
    assert published == [[PLAYBOOK], []]
    assert "Double 11 newcomers" in _artifact(server, f"report-{PLAYBOOK}")


def test_the_plan_shows_the_texts_with_example_values(orders: Path, server: Path) -> None:
    import_data(ImportForm(files=[str(orders)], at=AT))
    launch_campaign(LaunchForm(playbook=PLAYBOOK, name="with texts", at=AT))
    shown = _artifact(server, "plan-with-texts")
    assert "zh-CN/thanks.new.sms.j2" in shown
    assert "Linen midi dress" in shown
    assert "Velvet coat" not in shown


def _artifact(server: Path, key: str) -> str:
    newest = "SELECT data FROM artifact WHERE key = ? ORDER BY created DESC LIMIT 1"
    with closing(sqlite3.connect(server)) as connection:
        return str(json.loads(connection.execute(newest, (key,)).fetchone()[0]))


def test_a_simulation_ends_with_its_evaluations(shop: wiring.Settings) -> None:
    done = simulate(SimulateForm(customers=60, seed=3))
    assert done["evaluations"] > 0
