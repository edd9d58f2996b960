"""Pinned playbooks, read and compiled once a process."""

from dataclasses import dataclass

from orchestrator.playbooks import Definition, Playbook, playbook_from_files
from orchestrator.rendering import Renderer
from orchestrator.store.campaigns import StoredCampaign


@dataclass(frozen=True, slots=True)
class Pinned:
    playbook: Playbook
    renderer: Renderer

    @property
    def definition(self) -> Definition:
        return self.playbook.definition


class Shelf:
    """Gives a campaign the playbook that it was launched with, whatever lies on disk today."""

    def __init__(self) -> None:
        self._pinned: dict[str, Pinned] = {}

    def of(self, campaign: StoredCampaign) -> Pinned:
        pinned = self._pinned.get(campaign.version)
        if pinned is None:
            playbook = playbook_from_files(campaign.files)
            pinned = self._pinned[campaign.version] = Pinned(playbook, Renderer(playbook))
        return pinned
