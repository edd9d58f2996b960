"""A playbook made from another: the same waves and texts for another shop and another event."""

import shutil
from datetime import date
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from orchestrator.playbooks.reading import MAIN_FILE

# Of the shop that wrote the playbook; codes of a pool above all are not another shop's.
_TERMS = ("percent", "free_postage", "gift", "ladder", "until", "pool", "stock", "otherwise")


def adapt_playbook(
    source: Path,
    target: Path,
    *,
    name: str,
    title: str,
    event: tuple[date, date],
    timezone: str,
    order_at_least: int,
    coupon: str,
    coupon_from: str,
) -> Path:
    """
    Write the playbook into ``target``, for buyers of anything on the event days (both included).

    Waves that speak of a category are left out: a shop whose export names none has no answers to
    give. All offers become one coupon, such as ``5 GBP`` on orders from ``50 GBP``.
    """
    shutil.copytree(source, target, dirs_exist_ok=True)
    yaml = YAML()
    document = yaml.load((source / MAIN_FILE).read_text(encoding="utf-8"))
    left_out = [wave["wave"] for wave in document["waves"] if wave.get("by")]
    document |= {"playbook": name, "title": title, "timezone": timezone}
    document["audience"] = {
        "event_day": {"from": event[0], "to": event[1]},
        "order_total": {"at_least": order_at_least},
    }
    document["waves"] = [wave for wave in document["waves"] if wave["wave"] not in left_out]
    for offer in document["offers"].values():
        for other in _TERMS:
            offer.pop(other, None)
        offer |= {"amount": coupon, "min_spend": coupon_from}
    with (target / MAIN_FILE).open("w", encoding="utf-8") as file:
        yaml.dump(document, file)
    _drop_texts(target, left_out)
    return target


def _drop_texts(folder: Path, waves: list[Any]) -> None:
    shutil.rmtree(folder / "concerns", ignore_errors=True)
    for text in folder.glob("*/*.j2"):
        if text.name.partition(".")[0] in waves:
            text.unlink()
