"""Files of a shop into the database: orders, their lines, customers, products, coupon codes."""

from orchestrator.services.intake.importing import import_file
from orchestrator.services.intake.refusals import ImportFileError, Refusal
from orchestrator.services.intake.report import ImportReport, Progress

__all__ = ["ImportFileError", "ImportReport", "Progress", "Refusal", "import_file"]
