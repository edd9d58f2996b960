"""A button: read the shop's orders, customers, products and opt-outs from files."""

from pathlib import Path

from prefect import flow, get_run_logger
from pydantic import BaseModel, ConfigDict, Field

from orchestrator import wiring
from orchestrator.services.intake import import_file


class ImportForm(BaseModel):
    """Which files, and how to read them."""

    model_config = ConfigDict(extra="forbid")

    files: list[str] = Field(
        title="Files",
        description="Paths on the worker's machine: CSV, JSON lines, both gzipped too, or Parquet. "
        "Customers before orders.",
        min_length=1,
    )
    preset: str = Field(
        default="auto",
        title="Format",
        description="auto recognises the format; else a preset's name or the path of a mapping file.",
        max_length=500,
    )
    at: str = Field(
        default="",
        title="As of",
        description="Leave empty for now. Else a moment such as 2026-11-12T10:00+08:00.",
        max_length=40,
    )


@flow(name="import-data")
def import_data(form: ImportForm) -> dict[str, int]:
    """Read the files; the same file twice changes nothing, a newer export updates."""
    settings, logger = wiring.Settings(), get_run_logger()
    settings.rejects_folder.mkdir(parents=True, exist_ok=True)
    preset, now = Path(form.preset), wiring.moment(form.at)
    read = rejected = 0
    with wiring.open_installation(settings) as installation:
        for file in form.files:
            report = import_file(
                installation.database,
                Path(file),
                now=now,
                shop=settings.shop(),
                preset=preset if preset.is_file() else form.preset,
                rejects_folder=settings.rejects_folder,
            )
            read += report.rows_read
            rejected += report.rows_rejected
            logger.info(
                "import %d (%s): %d rows, %d rejected, %d left out",
                report.import_id, report.preset, report.rows_read, report.rows_rejected,
                report.rows_left_out,
            )  # fmt: skip
    return {"rows": read, "rejected": rejected}
