"""What people type, and what they get."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from orchestrator.cli import app
from orchestrator.services.intake import all_presets
from orchestrator.services.intake.mapping import parse_mapping

Run = Callable[..., Result]

ORDERS = """order_id,customer_id,placed_at,paid_at,total,currency,category,sku,title,quantity,line_amount
A1,C1,2026-11-11T10:00:00+08:00,2026-11-11T10:01:00+08:00,399,CNY,womenswear,P1,Linen dress,1,399
A2,C2,2026-11-11T11:00:00+08:00,2026-11-11T11:01:00+08:00,199,CNY,womenswear,P2,Scarf,1,199
"""
CUSTOMERS = """customer_id,name,phone,email,sms_marketing,email_marketing,sms_service,email_service
C1,Li Na,+8619900000001,c1@example.com,yes,yes,yes,yes
C2,Wang Fang,+8619900000002,c2@example.com,yes,yes,yes,yes
"""
JSON_LINES = """\
{"order_id": "A1", "placed_at": "2026-11-11", "paid_at": "2026-11-11", "total": 399}
{"order_id": "A2", "placed_at": "2026-11-11", "paid_at": "2026-11-11", "total": 199}
"""
SHOPIFY = """\
Name,Email,Financial Status,Paid at,Accepts Marketing,Currency,Total,Created at,Lineitem quantity,Lineitem name,Lineitem price,Lineitem sku
#1001,li@example.com,paid,2026-11-11 10:01:00 +0800,yes,CNY,418,2026-11-11 10:00:00 +0800,1,Linen midi DRESS,399,'0012
#1001,,,,,,,,1,Pot,19,'0013
#1002,bo@example.com,paid,2026-11-11 10:01:00 +0800,yes,CNY,399,2026-11-11 10:00:00 +0800,1,Pot,399,'0013
"""
DOCUMENTED = Path(__file__).parents[2] / "docs" / "importing.md"
MORNING_AFTER = "2026-11-13T10:00:00+08:00"


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / "customers.csv", tmp_path / "orders.csv"]
    for path, text in zip(paths, (CUSTOMERS, ORDERS), strict=True):
        path.write_text(text, encoding="utf-8")
    return paths


@pytest.fixture
def launched(shop: Run, files: list[Path]) -> Run:
    assert shop("import", *files).exit_code == 0
    assert shop("launch", "womenswear-double11", "--at", MORNING_AFTER).exit_code == 0
    return shop


@pytest.fixture
def shopify_mapping(tmp_path: Path) -> Path:
    """The example of the documentation."""
    blocks = DOCUMENTED.read_text(encoding="utf-8").split("```")
    [example] = [block for block in blocks if "\nbased_on: " in block]
    path = tmp_path / "my-shopify.yaml"
    path.write_text(example.removeprefix("yaml\n"), encoding="utf-8")
    return path


def test_init_may_be_repeated(run: Run) -> None:
    assert [run("init").exit_code, run("init").exit_code] == [0, 0]


def test_importing_the_same_file_twice_changes_nothing(shop: Run, files: list[Path]) -> None:
    shop("import", *files, "--json")
    again = json.loads(shop("import", *files, "--json").stdout)
    assert [report["counts"]["customers"]["unchanged"] for report in again[:1]] == [2]
    assert [(c["inserted"], c["updated"]) for r in again for c in r["counts"].values()] == [
        (0, 0) for r in again for _ in r["counts"]
    ]


def test_a_category_map_on_a_preset_brings_a_shopify_shop_into_its_campaign(
    shop: Run, tmp_path: Path, shopify_mapping: Path
) -> None:
    export = tmp_path / "orders_export.csv"
    export.write_text(SHOPIFY, encoding="utf-8")
    assert shop("import", export, "--preset", shopify_mapping).exit_code == 0
    assert shop("launch", "womenswear-double11", "--at", MORNING_AFTER).exit_code == 0

    advanced = json.loads(shop("advance", "--at", MORNING_AFTER, "--json").stdout)

    assert advanced["enrolled"] == {"womenswear-double11": 1}


def test_an_import_says_what_became_of_the_codes_and_shows_none(shop: Run, tmp_path: Path) -> None:
    export = tmp_path / "orders_export.csv"
    export.write_text(SHOPIFY.replace(",Total,", ",Total,Discount Code,").replace(",418,", ",418,SPRING,")
                      .replace("CNY,399,", "CNY,399,,").replace("#1001,,,,,,,,", "#1001,,,,,,,,,"))  # fmt: skip

    told = shop("import", export)
    read = json.loads(shop("import", export, "--json").stdout)

    assert "orders_export.csv: coupon codes: 1 unknown" in told.stderr
    assert [report["codes"] for report in read] == [{"unknown": 1}]
    assert "SPRING" not in told.output


def test_presets_lists_all_and_prints_one_as_a_mapping_file(run: Run, tmp_path: Path) -> None:
    listed = json.loads(run("presets", "--json").stdout)
    printed = run("presets", "shopify-orders").stdout

    names = {one["preset"] for one in listed}
    assert {"orders", "shopify-orders", "woocommerce-orders", "taobao-orders"} <= names
    assert "shopify-orders" in run("presets").stdout
    assert parse_mapping("copy.yaml", printed) == all_presets()["shopify-orders"]
    assert run("presets", "shopify-order").exit_code == 3
    assert "Did you mean shopify-orders?" in run("presets", "shopify-order").stderr


def test_a_rejected_row_ends_with_1_and_the_others_go_in(shop: Run, tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_text(ORDERS + "A3,C3,yesterday,,10,CNY,womenswear,P3,Belt,1,10\n")
    result = shop("import", path, "--json")
    assert result.exit_code == 1
    [report] = json.loads(result.stdout)
    assert report["rejected"] == {"moment_unreadable": 1}
    assert report["counts"]["orders"]["inserted"] == 2


@pytest.mark.parametrize(
    "given",
    [
        ORDERS,
        JSON_LINES,
    ],
    ids=["csv", "json lines"],
)
@pytest.mark.usefixtures("shop")
def test_orders_are_read_from_standard_input(given: str) -> None:
    result = CliRunner().invoke(app, ["import", "-", "--json"], input=given)
    assert result.exit_code == 0, result.stderr
    [report] = json.loads(result.stdout)
    assert (report["file"], report["counts"]["orders"]["inserted"]) == ("standard-input", 2)


def test_a_file_that_is_not_there_is_one_line_and_3(shop: Run, tmp_path: Path) -> None:
    result = shop("import", tmp_path / "none.csv")
    assert result.exit_code == 3
    assert result.stderr.strip().endswith("none.csv: no such file. Correct the path")


def test_the_shipped_playbooks_are_valid(run: Run) -> None:
    result = run("validate", "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["problems"] == {}


def test_validate_shows_every_problem_at_once_and_ends_with_1(run: Run, tmp_path: Path) -> None:
    (tmp_path / "playbook.yaml").write_text("playbook: broken\ntitel: A typo\nwaves: []\n")
    result = run("validate", tmp_path)
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert len(lines) > 1
    assert all("playbook.yaml:" in line for line in lines)


def test_an_unknown_playbook_is_told_with_those_there_are(run: Run) -> None:
    result = run("validate", "nonesuch")
    assert result.exit_code == 2
    assert "mother-baby, womenswear-double11" in result.stderr


def test_the_schema_is_json(run: Run) -> None:
    assert json.loads(run("schema").stdout)["title"] == "Playbook"
    assert json.loads(run("schema", "--concerns").stdout)["title"] == "Concerns"


def test_plan_says_who_would_hear_and_changes_nothing(shop: Run, files: list[Path]) -> None:
    shop("import", *files)
    result = shop("plan", "womenswear-double11", "--at", MORNING_AFTER, "--json")
    assert result.exit_code == 0
    shown = json.loads(result.stdout)
    assert shown["admission"]["admitted"] == 1
    assert json.loads(shop("campaigns", "--json").stdout) == []


def test_plan_shows_what_customers_would_read_only_when_asked(shop: Run, files: list[Path]) -> None:
    shop("import", *files)
    plain = shop("plan", "womenswear-double11", "--at", MORNING_AFTER).stdout
    with_texts = shop("plan", "womenswear-double11", "--at", MORNING_AFTER, "--texts").stdout
    assert "# Plan of womenswear-double11" in plain
    assert "Linen dress" not in plain
    assert "Linen dress" in with_texts


def test_codes_go_into_the_pool_that_is_named(shop: Run, tmp_path: Path) -> None:
    path = tmp_path / "codes.csv"
    path.write_text(f"code\nAB12\nCD34\n{'x' * 70}\n")
    result = shop("import", path, "--pool", "spring", "--json")
    assert result.exit_code == 1
    [report] = json.loads(result.stdout)
    assert (report["preset"], report["counts"]["coupons"]["inserted"]) == ("spring", 2)
    assert report["rejected"] == {"id_too_long": 1}
    assert "id_too_long" in Path(report["rejects_file"]).read_text(encoding="utf-8-sig")


def test_a_file_of_codes_has_no_preset(shop: Run, tmp_path: Path) -> None:
    path = tmp_path / "codes.csv"
    path.write_text("code\nAB12\n")
    assert shop("import", path, "--pool", "spring", "--preset", "orders").exit_code == 2


def test_nobody_else_on_the_machine_reads_the_shop(run: Run, home: Path, tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_text(ORDERS + "A3,C3,yesterday,,10,CNY,womenswear,P3,Belt,1,10\n")
    run("init")
    run("import", path)
    [rejects] = (home / "rejects").iterdir()
    rights = [each.stat().st_mode & 0o777 for each in (home, home / "orchestrator.db", rejects)]
    assert rights == [0o700, 0o600, 0o600]


def test_settling_a_message_that_does_not_exist_is_one_line_and_2(shop: Run) -> None:
    result = shop("settle", "4711", "accepted", "--reason", "in the provider's list")
    assert result.exit_code == 2
    assert result.stderr.strip() == "there is no message 4711"


def test_launching_the_same_again_changes_nothing(launched: Run) -> None:
    result = launched("launch", "womenswear-double11", "--at", MORNING_AFTER, "--json")
    assert result.exit_code == 0
    assert len(json.loads(launched("campaigns", "--json").stdout)) == 1


def test_advance_sends_what_is_due_once(launched: Run) -> None:
    first = json.loads(launched("advance", "--at", MORNING_AFTER, "--json").stdout)
    again = json.loads(launched("advance", "--at", MORNING_AFTER, "--json").stdout)
    assert first["enrolled"] == {"womenswear-double11": 1}
    assert again["messages"] == []


def test_why_tells_the_story_without_the_name(launched: Run) -> None:
    launched("advance", "--at", MORNING_AFTER)
    result = launched("why", "C1", "--at", MORNING_AFTER)
    assert result.exit_code == 0
    assert "Customer C1" in result.stdout
    assert "Li Na" not in result.stdout


def test_why_of_an_unknown_customer_is_one_line_and_2(shop: Run) -> None:
    result = shop("why", "nobody")
    assert result.exit_code == 2
    assert len(result.stderr.strip().splitlines()) == 1


def test_report_writes_a_page(launched: Run, home: Path) -> None:
    launched("advance", "--at", MORNING_AFTER)
    result = launched("report", "womenswear-double11", "--locale", "zh-CN", "--at", MORNING_AFTER)
    assert result.exit_code == 0
    page = home / "reports" / "womenswear-double11.zh-CN.html"
    assert page.read_text(encoding="utf-8").startswith("<!")


def test_a_stopped_campaign_cannot_be_resumed(launched: Run) -> None:
    assert launched("stop", "womenswear-double11").exit_code == 0
    result = launched("resume", "womenswear-double11")
    assert result.exit_code == 2
    assert "is stopped" in result.stderr


def test_a_paused_campaign_sends_nothing_until_it_is_resumed(launched: Run) -> None:
    launched("pause", "womenswear-double11", "--reason", "wrong price")
    paused = json.loads(launched("advance", "--at", MORNING_AFTER, "--json").stdout)
    [campaign] = json.loads(launched("campaigns", "--json").stdout)
    launched("resume", "womenswear-double11")
    resumed = json.loads(launched("advance", "--at", MORNING_AFTER, "--json").stdout)
    assert (paused["enrolled"], campaign["reason"]) == ({}, "wrong price")
    assert resumed["enrolled"] == {"womenswear-double11": 1}


def test_the_kill_switch_stops_every_hand_over(launched: Run) -> None:
    launched("stop", "--all", "--reason", "wrong price")
    stopped = json.loads(launched("advance", "--at", MORNING_AFTER, "--json").stdout)
    assert (stopped["dispatch_stopped"], stopped["messages"]) == ("dispatch_stopped", [])
    launched("resume", "--all")
    running = json.loads(launched("advance", "--at", MORNING_AFTER, "--json").stdout)
    assert running["dispatch_stopped"] is None


def test_the_doctor_finds_nothing_in_a_shop_that_is_well(launched: Run) -> None:
    launched("advance", "--at", MORNING_AFTER)
    assert launched("doctor", "--at", MORNING_AFTER).exit_code == 0


def test_preview_shows_every_text_of_a_wave(run: Run) -> None:
    result = run("preview", "womenswear-double11", "coupon", "--locale", "en", "--json")
    shown = json.loads(result.stdout)
    assert [one["template"] for one in shown] == ["en/coupon.sms.j2", "en/coupon.email.j2"]


def test_preview_of_an_unknown_wave_is_told_with_those_there_are(run: Run) -> None:
    result = run("preview", "womenswear-double11", "cupon")
    assert result.exit_code == 2
    assert "thanks, care, coupon, restimulate" in result.stderr


def test_simulate_prints_each_evaluation_beside_the_truth(run: Run) -> None:
    result = run("simulate", "womenswear-double11", "--customers", "60", "--seed", "3", "--json")
    assert result.exit_code == 0, result.stderr
    report = json.loads(result.stdout)
    assert report["customers"] == 60
    assert {"difference", "truth", "covered"} <= report["evaluations"][0].keys()
