"""Every few minutes: do what is due in all campaigns."""

from typing import Any

from prefect import flow, get_run_logger
from pydantic import BaseModel, ConfigDict, Field

from orchestrator import wiring


class AdvanceForm(BaseModel):
    """What to act on."""

    model_config = ConfigDict(extra="forbid")

    at: str = Field(
        default="",
        title="As of",
        description="Leave empty for now. Else a moment such as 2026-11-12T10:00+08:00.",
        max_length=40,
    )


@flow(name="advance")
def advance(form: AdvanceForm = AdvanceForm()) -> dict[str, Any]:
    """Enroll, plan, send, track, reconcile and evaluate whatever is due. Safe to run at any time."""
    logger = get_run_logger()
    clock = wiring.clock(form.at)
    with wiring.open_installation() as installation:
        report = installation.advance(clock)
    done = {
        "enrolled": sum(report.enrolled.values()),
        "planned": sum(planned.messages for planned in report.planned.values()),
        "accepted": report.dispatched.accepted,
        "evaluated": len(report.evaluated.recorded),
        "revised": len(report.revised.revised),
        "finished": list(report.finished),
    }
    logger.info(
        "enrolled %(enrolled)d, planned %(planned)d, accepted %(accepted)d, "
        "evaluated %(evaluated)d, revised %(revised)d",
        done,
    )
    if report.dispatched.stopped:
        logger.warning("nothing was sent: the kill switch is on")
    if report.half_in:
        logger.warning("nobody is enrolled: of %s only a part is in", ", ".join(report.half_in))
    if report.quarantined:
        logger.error("%s", report.quarantined)
    for campaign_id in (*report.dispatched.paused, *report.tracked.paused):
        logger.warning("campaign %d paused itself", campaign_id)
    return done
