"""Every decision about one customer, with its reason."""

from orchestrator.services.why.gather import (
    CampaignUnknownError,
    CustomerUnknownError,
    why,
)
from orchestrator.services.why.lines import as_lines
from orchestrator.services.why.story import (
    CampaignStory,
    MessageStory,
    NextStep,
    WalkStory,
    Why,
)

__all__ = [
    "CampaignStory",
    "CampaignUnknownError",
    "CustomerUnknownError",
    "MessageStory",
    "NextStep",
    "WalkStory",
    "Why",
    "as_lines",
    "why",
]
