"""A button: play a whole campaign in a generated shop, and see how well the evaluation does."""

from prefect import flow, get_run_logger
from prefect.artifacts import create_table_artifact
from pydantic import BaseModel, ConfigDict, Field

from orchestrator import wiring
from orchestrator.playbooks import read_playbook


class SimulateForm(BaseModel):
    """Which playbook, in what shop."""

    model_config = ConfigDict(extra="forbid")

    playbook: str = Field(
        default="womenswear-double11",
        title="Playbook",
        description="The name of its folder.",
        pattern="^[a-z0-9][a-z0-9-]{0,39}$",
    )
    customers: int = Field(
        default=10_000, title="Customers", description="In the shop.", ge=10, le=1_000_000
    )
    seed: int = Field(
        default=7, title="Seed", description="The same seed gives the same run.", ge=0, le=2**31
    )
    effect_per_mille: int = Field(
        default=30,
        title="True effect, per mille",
        description="Of the first promotion: how many in a thousand buy because of it. 0: none.",
        ge=0,
        le=1000,
    )


@flow(name="simulate")
def simulate(form: SimulateForm = SimulateForm()) -> dict[str, int]:
    """Play the campaign to its last evaluation, months in minutes, in a database of its own."""
    settings = wiring.Settings()
    playbook = read_playbook(settings.playbook_folder(form.playbook))
    report = wiring.simulate_playbook(
        settings,
        playbook,
        customers=form.customers,
        seed=form.seed,
        effect=form.effect_per_mille / 1000,
    )
    create_table_artifact(
        key=f"simulation-{wiring.artifact_key(form.playbook)}",
        table=[
            {
                "wave": one.evaluation.wave,
                "repeat": one.evaluation.occurrence + 1,
                "found": one.result.effect.difference.value,
                "truth": one.truth,
                "verdict": one.result.effect.verdict.value,
            }
            for one in report.evaluations
        ],
    )
    get_run_logger().info("%d messages, %d evaluations", report.messages, len(report.evaluations))
    return {"messages": report.messages, "evaluations": len(report.evaluations)}
