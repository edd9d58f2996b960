"""What people do to a running campaign: pause, resume, stop, settle; the switch that stops all."""

from datetime import datetime

from orchestrator.domain.messages import MessageState
from orchestrator.domain.providers import Outcome
from orchestrator.store import audit, campaigns, enrollments, kill_switch
from orchestrator.store.campaigns import StoredCampaign
from orchestrator.store.database import Connection, Database
from orchestrator.store.messages import claims, unresolved


class CampaignNotThereError(LookupError):
    """No campaign has this name."""


class MessageNotThereError(LookupError):
    """No message has this number."""


class MessageNotUnresolvedError(ValueError):
    """What became of a message is known, or not given up yet."""


class CampaignOverError(ValueError):
    """A campaign that has ended cannot be paused, resumed or stopped."""


def pause(database: Database, name: str, *, reason: str, actor: str, now: datetime) -> None:
    """Send nothing more until it is resumed; whoever is due meanwhile waits."""
    with database.write() as connection:
        campaign = _open_campaign(connection, name)
        campaigns.set_state(connection, campaign.id, "paused", reason)
        _note(connection, "pause", campaign, reason=reason, actor=actor, now=now)


def resume(database: Database, name: str, *, actor: str, now: datetime) -> None:
    """Go on; what became due meanwhile follows each wave's late policy."""
    with database.write() as connection:
        campaign = _open_campaign(connection, name)
        campaigns.set_state(connection, campaign.id, "running", None)
        claims.wake(connection, campaign.id, now)
        _note(connection, "resume", campaign, reason=None, actor=actor, now=now)


def stop(database: Database, name: str, *, reason: str, actor: str, now: datetime) -> int:
    """
    End the campaign for good; return how many walks that ended.

    Planned messages are cancelled as they come due; what is sent stays evaluated.
    """
    with database.write() as connection:
        campaign = _open_campaign(connection, name)
        campaigns.set_state(connection, campaign.id, "stopped", reason)
        ended = enrollments.stop(connection, campaign.id, now)
        _note(connection, "stop", campaign, reason=reason, actor=actor, now=now)
    return ended


def stop_all(database: Database, *, reason: str, actor: str, now: datetime) -> None:
    """Throw the kill switch: no dispatcher hands over another message."""
    with database.write() as connection:
        kill_switch.throw(connection, reason)
        audit.write(
            connection,
            at=now,
            actor=actor,
            action="stop all",
            subject="dispatch",
            details={"reason": reason},
        )


def resume_all(database: Database, *, actor: str, now: datetime) -> None:
    with database.write() as connection:
        kill_switch.release(connection)
        audit.write(connection, at=now, actor=actor, action="resume all", subject="dispatch")


def settle(
    database: Database,
    message_id: int,
    outcome: Outcome,
    *,
    reason: str,
    actor: str,
    now: datetime,
) -> None:
    """
    Say what became of an unresolved message: accepted or rejected, as the provider's list shows it.

    Raises MessageNotThereError, and MessageNotUnresolvedError for a message in any other state.
    """
    change = _SETTLED[outcome]
    with database.write() as connection:
        state = unresolved.state_of(connection, message_id)
        if state is None:
            raise MessageNotThereError(f"there is no message {message_id}")
        if state is not MessageState.UNRESOLVED:
            raise MessageNotUnresolvedError(
                f"message {message_id} is {state}. Only an unresolved one can be settled"
            )
        change(connection, message_id, now)
        audit.write(
            connection,
            at=now,
            actor=actor,
            action="settle",
            subject=f"message:{message_id}",
            details={"outcome": outcome.value, "reason": reason},
        )


# What a person can know for certain; all else is for the provider to say.
_SETTLED = {Outcome.ACCEPTED: unresolved.accept, Outcome.REJECTED: unresolved.reject}


def list_campaigns(database: Database) -> list[StoredCampaign]:
    with database.read() as connection:
        return campaigns.every(connection)


def _open_campaign(connection: Connection, name: str) -> StoredCampaign:
    campaign = campaigns.find(connection, name, to_change=True)
    if campaign is None:
        known = ", ".join(each.name for each in campaigns.every(connection)) or "none"
        raise CampaignNotThereError(f"there is no campaign {name!r}. There are: {known}")
    if campaign.state in {"stopped", "done"}:
        why = f" ({campaign.state_reason})" if campaign.state_reason else ""
        raise CampaignOverError(
            f"campaign {name!r} is {campaign.state}{why}. Launch it under another name"
        )
    return campaign


def _note(
    connection: Connection,
    action: str,
    campaign: StoredCampaign,
    *,
    reason: str | None,
    actor: str,
    now: datetime,
) -> None:
    audit.write(
        connection,
        at=now,
        actor=actor,
        action=action,
        subject=f"campaign:{campaign.id}",
        details={"reason": reason} if reason else {},
    )
