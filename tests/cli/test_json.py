"""What a script reads: every command that offers ``--json`` prints JSON and nothing else."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.main import get_group
from typer.testing import Result

from orchestrator.cli.program import app

Run = Callable[..., Result]
CAMPAIGN = "womenswear-double11"
AT = "2026-11-13T10:00:00+08:00"
AFTER = "2027-06-13T10:00:00+08:00"
CUSTOMERS = """customer_id,name,phone,email,sms_marketing,email_marketing,sms_service,email_service
C1,Li Na,+8619900000001,c1@example.com,yes,yes,yes,yes
C2,Wang Fang,+8619900000002,c2@example.com,yes,yes,yes,yes
"""
ORDERS = """order_id,customer_id,placed_at,paid_at,total,currency,category,sku,title,quantity,line_amount
A1,C1,2026-11-11T10:00:00+08:00,2026-11-11T10:01:00+08:00,399,CNY,womenswear,P1,Linen dress,1,399
A2,C2,2026-11-11T11:00:00+08:00,2026-11-11T11:01:00+08:00,399,CNY,womenswear,P2,Coat,1,399
"""
COMMANDS = {
    "init": ("init",),
    "import": ("import", "orders.csv"),
    "presets": ("presets", "shopify-orders"),
    "validate": ("validate",),
    "plan": ("plan", CAMPAIGN, "--at", AT),
    "launch": ("launch", CAMPAIGN, "--at", AT),
    "advance": ("advance", "--at", AT),
    "evaluate": ("evaluate", "--at", AFTER),
    "simulate": ("simulate", CAMPAIGN, "--customers", "40", "--seed", "3"),
    "campaigns": ("campaigns",),
    "report": ("report", CAMPAIGN, "--at", AFTER),
    "preview": ("preview", CAMPAIGN, "thanks", "--customer", "C1", "--at", AT),
    "why": ("why", "C1", "--at", AT),
    "doctor": ("doctor", "--at", AT),
    "confirm": ("confirm",),
}


@pytest.fixture
def walked(shop: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A shop whose first message is sent and evaluated."""
    monkeypatch.chdir(tmp_path)
    Path("customers.csv").write_text(CUSTOMERS, encoding="utf-8")
    Path("orders.csv").write_text(ORDERS, encoding="utf-8")
    assert shop("import", "customers.csv", "orders.csv").exit_code == 0
    assert shop("launch", CAMPAIGN, "--at", AT).exit_code == 0
    assert shop("advance", "--at", AT).exit_code == 0
    assert shop("evaluate", "--at", AFTER).exit_code == 0
    return shop


def test_no_command_that_offers_json_is_left_out() -> None:
    assert set(COMMANDS) == set(_offering_json())


@pytest.mark.parametrize("arguments", COMMANDS.values(), ids=COMMANDS)
def test_it_prints_json_and_nothing_else(walked: Run, arguments: tuple[str, ...]) -> None:
    result = walked(*arguments, "--json")

    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert isinstance(json.loads(result.stdout), dict | list)


def _offering_json() -> Iterator[str]:
    for name, command in get_group(app).commands.items():
        if any("--json" in option.opts for option in command.params):
            yield name
