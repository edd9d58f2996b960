"""The page in a real browser: it asks nobody for anything, and fits a telephone."""

import html
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from orchestrator.services.evaluate import evaluate
from orchestrator.services.report import LOCALES, build_report, render_report
from orchestrator.store.database import Database

NOON = datetime(2025, 11, 12, 12, 0, tzinfo=UTC)
LATER = NOON + timedelta(days=40)
WIDTHS = (360, 1280)
# Without these it writes to the user's profile and calls home.
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-extensions",
    "--disable-background-networking", "--disable-dev-shm-usage", "--hide-scrollbars", "--virtual-time-budget=20000",
)  # fmt: skip
FRAME = """<!DOCTYPE html><meta charset="utf-8"><pre id="seen"></pre><script>
function look(frame) {
  const view = frame.contentWindow, page = frame.contentDocument;
  const seen = {
    width: view.innerWidth, wide: page.documentElement.scrollWidth,
    asked: view.performance.getEntriesByType("resource").map(one => one.name),
    cut_off: [...page.querySelectorAll("body *")].filter(one =>
      !one.closest(".scroll, figure") && one.getBoundingClientRect().right > view.innerWidth + 1
    ).map(one => one.outerHTML.slice(0, 80)),
  };
  document.getElementById("seen").textContent += JSON.stringify(seen) + "\\n";
}
</script>
"""


@dataclass(frozen=True, slots=True)
class Seen:
    width: int
    wide: int
    asked: list[str]
    cut_off: list[str]


Look = Callable[[str], list[Seen]]


@pytest.fixture
def look(tmp_path: Path) -> Look:
    """Open a page at each width, and say what the browser made of it."""
    browser = shutil.which("chromium")
    if browser is None:
        pytest.skip("no chromium is installed; apt-get install chromium to look at the page in it")

    def at_each_width(page: str) -> list[Seen]:
        frames = (
            f'<iframe style="width:{width}px;height:900px;border:0" onload="look(this)" '
            f'srcdoc="{html.escape(page)}"></iframe>'
            for width in WIDTHS
        )
        path = tmp_path / "frames.html"
        path.write_text(FRAME + "\n".join(frames), encoding="utf-8")
        profile = f"--user-data-dir={tmp_path / 'profile'}"
        shown = subprocess.run(
            [browser, *FLAGS, profile, "--dump-dom", path.as_uri()],
            capture_output=True, check=True, timeout=240,
        )  # fmt: skip
        found = re.search(r'<pre id="seen">(.*?)</pre>', shown.stdout.decode(), re.DOTALL)
        assert found is not None
        lines = html.unescape(found[1]).splitlines()
        return sorted((Seen(**json.loads(line)) for line in lines), key=lambda one: one.width)

    return at_each_width


@pytest.fixture
def rich_campaign(shop: Any, database: Database) -> None:
    """Long names, large numbers, and a send of one customer."""
    for occurrence, people in ((0, 12), (1, 5), (2, 1)):
        send = shop.send("coupon", occurrence)
        for number in range(people):
            track = "new" if number % 2 else "returning"
            customer = shop.message(send, track=track, cost=4_500, variant="short")
            shop.message(send, arm="holdout")
            if number % 3 == 0:
                shop.order(customer, total=123_456_789)
        shop.schedule(send)
    thanks = shop.send("thanks")
    walk = shop.enrollment(track="returning", category="a-category-with-a-rather-long-name")
    shop.message(thanks, walk)
    shop.schedule(thanks, "group", "returning/a-category-with-a-rather-long-name")
    shop.schedule(thanks, "overall")
    evaluate(database, LATER)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("locale", LOCALES)
def test_nothing_overflows_and_nothing_is_asked_for(
    rich_campaign: None, database: Database, look: Look, locale: str
) -> None:
    page = render_report(build_report(database, "double11", LATER), locale)

    assert page.count("<svg") == 2
    assert look(page) == [Seen(width, width, asked=[], cut_off=[]) for width in WIDTHS]


def test_a_page_that_is_too_wide_and_asks_for_something_would_be_seen(look: Look) -> None:
    page = '<body style="margin:0"><img src="http://127.0.0.1:9/nowhere.png"><p style="width:500px">wide</p>'

    telephone, desktop = look(page)

    assert (telephone.wide, desktop.wide) == (500, 1280)
    assert telephone.cut_off == ['<p style="width:500px">wide</p>']
    assert telephone.asked == ["http://127.0.0.1:9/nowhere.png"]
