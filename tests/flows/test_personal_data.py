"""What customers' data is, stays in the shop's database: nothing of it reaches Prefect."""

import logging
import sqlite3
import traceback
from contextlib import closing
from pathlib import Path

import pytest
from flows.advance import AdvanceForm, advance
from flows.evaluate import EvaluateForm, evaluate
from flows.import_data import ImportForm, import_data
from flows.launch_campaign import LaunchForm, launch_campaign
from prefect.logging.handlers import APILogHandler
from prefect.settings import (
    PREFECT_LOGGING_TO_API_ENABLED,
    temporary_settings,
)
from sqlalchemy import func, select

from orchestrator import wiring
from orchestrator.store.tables import messages

pytestmark = [pytest.mark.prefect, pytest.mark.enable_socket]

PLAYBOOK = "womenswear-double11"
CAMPAIGN = "canary-campaign"
AT = "2026-11-12T10:30:00+08:00"
DAY_AFTER = "2026-11-13T10:30:00+08:00"
AFTER = "2026-11-26T10:30:00+08:00"
CANARY, PHONE = "zzcanary", "19955544433"
# The shop's own number is what the buyer calls themselves, as in Taobao's exports.
CUSTOMERS = f"""customer_id,name,phone,email,region,sms_marketing,email_marketing,sms_service,email_service
{CANARY}-nick-1,{CANARY} Li Na,+86{PHONE},{CANARY}1@example.com,{CANARY} Road 1,yes,yes,yes,yes
{CANARY}-nick-2,{CANARY} Wang,+8619955544434,{CANARY}2@example.com,{CANARY} Road 2,yes,yes,yes,yes
{CANARY}-nick-3,{CANARY} Chen,no phone {CANARY},no mail {CANARY},{CANARY} Road 3,yes,yes,yes,yes
"""
# The second cannot be read.
ORDERS = f"""order_id,customer_id,placed_at,paid_at,total,currency,category,sku,title,quantity,line_amount
A1,{CANARY}-nick-1,2026-11-11T10:00:00+08:00,2026-11-11T10:01:00+08:00,399,CNY,womenswear,P1,Dress,1,399
A2,{CANARY}-nick-3,{CANARY} yesterday,,399,CNY,womenswear,P1,Dress,1,399
"""
# It has no item, so that no text can be written for it.
NO_LINES = f"""order_id,customer_id,placed_at,paid_at,total,currency,category
A3,{CANARY}-nick-2,2026-11-11T10:00:00+08:00,2026-11-11T10:01:00+08:00,399,CNY,womenswear
"""
NO_HEADER = CUSTOMERS.split("\n", 1)[1]
FILES = {
    "customers.csv": CUSTOMERS,
    "orders.csv": ORDERS,
    "no-lines.csv": NO_LINES,
    "no-header.csv": NO_HEADER,
}


def test_no_name_number_or_address_of_a_customer_reaches_prefect(
    shop: wiring.Settings, server: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    caplog.set_level(logging.INFO)

    with temporary_settings({PREFECT_LOGGING_TO_API_ENABLED: True}):
        error = _walk(tmp_path)
        APILogHandler().flush()
        prefect = _everything_prefect_knows(server)

    with wiring.open_installation() as installation, installation.database.read() as connection:
        fates = connection.execute(select(messages.c.reason, func.count()).group_by("reason"))
        assert {str(reason) for reason, _ in fates} >= {"render_failed"}
    for known in (
        CAMPAIGN,
        f"plan-{CAMPAIGN}",
        "1 rejected",
        "Failed",
        "the first is customer id:",
    ):
        assert known in prefect
    for text in (prefect, caplog.text, error):
        assert [line for line in text.splitlines() if CANARY in line or PHONE in line] == []


def _walk(folder: Path) -> str:
    """Everything that a campaign goes through, with what goes wrong; return the error's traceback."""
    failed = import_data(
        ImportForm(files=[str(folder / "no-header.csv")], at=AT), return_state=True
    )
    files = [str(folder / name) for name in FILES if name != "no-header.csv"]
    assert import_data(ImportForm(files=files, at=AT))["rejected"] == 1
    for dry_run in (True, False):
        launch_campaign(LaunchForm(playbook=PLAYBOOK, name=CAMPAIGN, dry_run=dry_run, at=AT))
    for moment in (DAY_AFTER, AFTER):
        advance(AdvanceForm(at=moment))
    evaluate(EvaluateForm(campaign=CAMPAIGN, at=AFTER))
    error = failed.result(raise_on_failure=False)
    assert isinstance(error, Exception)
    return "".join(traceback.format_exception(error))


def _everything_prefect_knows(server: Path) -> str:
    """Every value of every table: parameters, states, logs, artifacts, events."""
    with closing(sqlite3.connect(server)) as connection:
        return "\n".join(connection.iterdump())
