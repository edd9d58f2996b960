"""A shop's files and order events into the database: orders, customers, products, coupon codes."""

from orchestrator.services.intake.codes import import_codes
from orchestrator.services.intake.importing import import_file
from orchestrator.services.intake.mapping import Mapping
from orchestrator.services.intake.presets import all_presets, preset_text
from orchestrator.services.intake.refusals import ImportFileError, Refusal
from orchestrator.services.intake.report import ImportReport, Progress, Watcher
from orchestrator.services.intake.take_orders import Remark, TakenOrders, take_orders

__all__ = [
    "ImportFileError",
    "ImportReport",
    "Mapping",
    "Progress",
    "Refusal",
    "Remark",
    "TakenOrders",
    "Watcher",
    "all_presets",
    "import_codes",
    "import_file",
    "preset_text",
    "take_orders",
]
