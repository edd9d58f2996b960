"""Every day: record the evaluations that are due, and publish the reports that tell something new."""

from typing import Any

from prefect import flow, get_run_logger
from prefect.artifacts import create_markdown_artifact
from pydantic import BaseModel, ConfigDict, Field

from orchestrator import wiring
from orchestrator.services.evaluate import evaluate as evaluate_due
from orchestrator.services.evaluate import revise
from orchestrator.services.publish import publish


class EvaluateForm(BaseModel):
    """Which evaluations, and where the report is wanted."""

    model_config = ConfigDict(extra="forbid")

    campaign: str = Field(
        default="",
        title="Campaign",
        description="Publish the report of this campaign even if nothing new was recorded.",
        max_length=80,
    )
    locale: str = Field(
        default="en",
        title="Language of the report",
        description="en or zh-CN",
        pattern="^(en|zh-CN)$",
    )
    at: str = Field(
        default="",
        title="As of",
        description="Leave empty for now. Else a moment such as 2026-11-22T10:00+08:00.",
        max_length=40,
    )


@flow(name="evaluate")
def evaluate(form: EvaluateForm = EvaluateForm()) -> dict[str, Any]:
    """Say what each send caused, once its window is over; never earlier, never twice."""
    now = wiring.moment(form.at)
    with wiring.open_installation() as installation:
        database = installation.database
        recorded = evaluate_due(database, now).recorded
        revised = revise(database, now).revised
        published = publish(
            database, now, locale=form.locale, hand_over=_artifact, asked_for=form.campaign
        )
    get_run_logger().info(
        "recorded %d, revised %d, published %d", len(recorded), len(revised), len(published)
    )
    return {"recorded": len(recorded), "revised": len(revised), "published": list(published)}


def _artifact(campaign: str, report: str) -> None:
    create_markdown_artifact(
        key=f"report-{wiring.artifact_key(campaign)}",
        markdown=report,
        description=f"Report of {campaign}",
    )
