"""Launch a campaign: pin the playbook, draw its salt, load its concerns, write it down."""

import hashlib
from collections.abc import Callable
from datetime import datetime

from orchestrator.domain.shop import Shop
from orchestrator.playbooks import Playbook, assert_currency
from orchestrator.store import audit, campaigns, concerns
from orchestrator.store.campaigns import StoredCampaign
from orchestrator.store.database import Database

LONGEST_NAME = 80


class CampaignNameUnfitError(ValueError):
    """No report could show a campaign of that name."""


class CampaignNameTakenError(Exception):
    """A campaign of that name exists already, with another playbook."""


def launch(
    database: Database,
    playbook: Playbook,
    *,
    name: str,
    shop: Shop,
    now: datetime,
    actor: str,
    random_bytes: Callable[[int], bytes],
) -> StoredCampaign:
    """
    Start the campaign; from now on ``advance`` carries it. The same launch again changes nothing.

    Raises CampaignNameTakenError where the name belongs to another playbook or version of it,
    CampaignNameUnfitError where it is too long or cannot be shown, and PlaybookError where an amount
    is not in the shop's currency.
    """
    if not name.isprintable() or len(name) > LONGEST_NAME:
        raise CampaignNameUnfitError(
            f"a campaign's name has at most {LONGEST_NAME} characters that can be shown. Shorten it"
        )
    with database.write() as connection:
        known = campaigns.find(connection, name)
        if known is not None:
            return _the_same(known, playbook)
        assert_currency(playbook, shop.currency)
        concerns.load(connection, playbook.concerns, source=playbook.definition.playbook, now=now)
        campaign_id = campaigns.add(
            connection,
            name=name,
            playbook=playbook.definition.playbook,
            version=playbook.version,
            files=playbook.files,
            salt=random_bytes(16).hex(),
            shop=shop,
            now=now,
        )
        audit.write(
            connection,
            at=now,
            actor=actor,
            action="launch",
            subject=f"campaign {name}",
            details={"playbook_version": playbook.version, "shop": _fingerprint(shop)},
        )
        return campaigns.get(connection, campaign_id)


def _the_same(known: StoredCampaign, playbook: Playbook) -> StoredCampaign:
    if known.version != playbook.version:
        raise CampaignNameTakenError(
            f"campaign {known.name!r} runs version {known.version[:12]} of its playbook, not "
            f"{playbook.version[:12]}. Launch under another name, with --name"
        )
    return known


def _fingerprint(shop: Shop) -> str:
    return hashlib.sha256(repr(shop).encode()).hexdigest()
