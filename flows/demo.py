"""The demonstration: months of a campaign in minutes, by the flows that run a live one.

``orchestrator demo`` starts it with a private Prefect server. The clock is virtual: each flow is told
its moment, and the demo jumps from one at which something is due to the next.
"""

import argparse
import sys
import time
from datetime import date, datetime, timedelta
from pathlib import Path

from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
from rich.console import Console

from flows.advance import AdvanceForm, advance
from flows.demo_report import show_results
from flows.demo_shops import GeneratedShop, RealShop
from flows.evaluate import EvaluateForm, evaluate
from flows.import_data import ImportForm, import_data
from flows.launch_campaign import LaunchForm, launch_campaign
from orchestrator import wiring
from orchestrator.playbooks import PlaybookError
from orchestrator.services.intake import ImportFileError
from orchestrator.services.simulate.play import next_moment
from orchestrator.services.steer import list_campaigns
from orchestrator.store import campaigns, simulation
from orchestrator.wiring import Installation

STEP = timedelta(
    hours=12
)  #: between two looks at what is due; a live shop looks every five minutes
_LONGEST = timedelta(days=400)


def main() -> None:
    arguments = _arguments()
    console = Console(stderr=True, highlight=False)
    began = time.monotonic()
    try:
        # Heartbeats would make every flow run take a second longer, and nobody watches these runs.
        with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
            wrong = _play(arguments, console)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        if arguments.debug:
            raise
        console.print(f"The demo stopped: {error}", markup=False)
        sys.exit(3 if isinstance(error, ImportFileError | PlaybookError) else 1)
    console.print(f"Done in {time.monotonic() - began:.0f} s.")
    if wrong:
        console.print(f"Something is wrong: {'; '.join(wrong)}.", markup=False, soft_wrap=True)
        sys.exit(1)


def _play(arguments: argparse.Namespace, console: Console) -> list[str]:
    """Return what is wrong with the result, a line each."""
    shop: GeneratedShop | RealShop
    if arguments.orders:
        shop = RealShop(arguments.folder, arguments.orders, arguments.preset, arguments.event)
    else:
        shop = GeneratedShop(arguments.folder, arguments.customers, arguments.seed)
    settings = shop.prepare(arguments.playbook)
    wiring.initialise(settings).close()
    for files, preset in shop.files():
        console.print(f"Importing {', '.join(Path(file).name for file in files)}", markup=False)
        import_data(ImportForm(files=files, preset=preset, at=shop.imported_at))
    console.print(f"Planning and launching {shop.campaign}", markup=False)
    at = shop.starts_at.isoformat()
    for dry_run in (True, False):
        launch_campaign(
            LaunchForm(playbook=shop.playbook, name=shop.campaign, dry_run=dry_run, at=at)
        )
    with wiring.open_installation(settings) as installation:
        last = _advance_through(installation, shop, console)
        evaluate(EvaluateForm(campaign=shop.campaign, at=last.isoformat()))
        judged = shop.judge(installation)
        return show_results(installation, shop.campaign, last, note=shop.note, judged=judged)


def _advance_through(
    installation: Installation, shop: GeneratedShop | RealShop, console: Console
) -> datetime:
    """Run the flow at each moment that has work; return the last one."""
    campaign = next(c for c in list_campaigns(installation.database) if c.name == shop.campaign)
    moment, runs = shop.starts_at, 0
    with console.status("") as status:
        while moment < shop.starts_at + _LONGEST:
            if files := shop.orders_until(moment):
                import_data(ImportForm(files=files, at=moment.isoformat()))
            done = advance(AdvanceForm(at=moment.isoformat()))
            shop.answer(installation, moment)
            runs += 1
            status.update(f"{moment:%Y-%m-%d}: {done['accepted']:,} sent, run {runs} of advance")
            following = _next_moment(installation, campaign.id, moment)
            if following is None:
                break
            moment = following
    console.print(f"{runs} runs of advance, from {shop.starts_at:%Y-%m-%d} to {moment:%Y-%m-%d}")
    return moment


def _next_moment(installation: Installation, campaign_id: int, now: datetime) -> datetime | None:
    """When something is due next; none at the end, or where the campaign has paused itself."""
    with installation.database.read() as connection:
        state = campaigns.get(connection, campaign_id).state
        due = simulation.next_due(connection, campaign_id)
    return None if state == "paused" else next_moment(now, STEP, due, news=False)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="flows.demo")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--playbook", default="womenswear-double11")
    parser.add_argument("--customers", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--orders", type=Path)
    parser.add_argument("--preset", default="auto")
    parser.add_argument("--event", type=_days)
    parser.add_argument("--debug", action="store_true")
    return parser.parse_args()


def _days(text: str) -> tuple[date, date]:
    first, _, last = text.partition("..")
    return date.fromisoformat(first), date.fromisoformat(last or first)


if __name__ == "__main__":
    main()
