"""Files of a shop into the database: orders, their lines, customers, products, coupon codes."""

from orchestrator.services.intake.codes import import_codes
from orchestrator.services.intake.importing import import_file
from orchestrator.services.intake.mapping import Mapping
from orchestrator.services.intake.presets import all_presets
from orchestrator.services.intake.refusals import ImportFileError, Refusal
from orchestrator.services.intake.report import ImportReport, Progress, Watcher

__all__ = [
    "ImportFileError",
    "ImportReport",
    "Mapping",
    "Progress",
    "Refusal",
    "Watcher",
    "all_presets",
    "import_codes",
    "import_file",
]
