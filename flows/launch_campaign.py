"""A button for marketers: see what a playbook would do, then start it."""

from prefect import flow, get_run_logger
from prefect.artifacts import create_markdown_artifact
from pydantic import BaseModel, ConfigDict, Field

from orchestrator import wiring
from orchestrator.playbooks import read_playbook
from orchestrator.services.forecast import forecast, forecast_markdown
from orchestrator.services.preview import preview_playbook


class LaunchForm(BaseModel):
    """Which playbook, under which name, for real or not."""

    model_config = ConfigDict(extra="forbid")

    playbook: str = Field(
        title="Playbook",
        description="The name of its folder, such as womenswear-double11.",
        pattern="^[a-z0-9][a-z0-9-]{0,39}$",
    )
    name: str = Field(
        default="",
        title="Campaign name",
        description="How reports call it. The playbook's name where left empty.",
        max_length=80,
    )
    dry_run: bool = Field(
        default=True,
        title="Only show the plan",
        description="On: nothing is changed, the plan appears as an artifact. Off: the campaign starts.",
    )
    at: str = Field(
        default="",
        title="As of",
        description="Leave empty for now. Else a moment such as 2026-11-12T10:00+08:00.",
        max_length=40,
    )


@flow(name="launch-campaign")
def launch_campaign(form: LaunchForm) -> dict[str, str]:
    """Show what the campaign would do: who, when, at what cost, the texts; start it if asked to."""
    settings, now = wiring.Settings(), wiring.moment(form.at)
    playbook = read_playbook(settings.playbook_folder(form.playbook))
    name = form.name or playbook.definition.playbook
    with wiring.open_installation(settings) as installation:
        if form.dry_run:
            if settings.made_up:
                get_run_logger().warning("launch will refuse: set %s", ", ".join(settings.made_up))
            shown = forecast(
                installation.database,
                playbook,
                shop=settings.shop(),
                now=now,
                random_bytes=wiring.random_bytes,
            )
            create_markdown_artifact(
                key=f"plan-{wiring.artifact_key(name)}",
                markdown=forecast_markdown(shown, examples=preview_playbook(playbook)),
            )
            return {"campaign": name, "state": "planned only"}
        campaign = installation.launch(playbook, name=name, now=now, actor="flow launch-campaign")
    get_run_logger().info("campaign %s is %s", campaign.name, campaign.state)
    return {"campaign": campaign.name, "state": campaign.state}
