"""Texts for a batch, written before anything is locked."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from orchestrator.domain.messages import Channel, Reason
from orchestrator.domain.providers import Outgoing
from orchestrator.playbooks import ConcernEntry, Definition, Playbook, reopen_playbook
from orchestrator.rendering import Rendered, Renderer, RenderError, sms_parts
from orchestrator.services.dispatch.contexts import context_of
from orchestrator.store import concerns
from orchestrator.store.campaigns import StoredCampaign
from orchestrator.store.messages.sheets import Sheet


@dataclass(frozen=True, slots=True)
class Texts:
    """One playbook version, ready to be written from."""

    playbook: Playbook
    renderer: Renderer

    @property
    def definition(self) -> Definition:
        return self.playbook.definition


OpenTexts = Callable[[StoredCampaign], Texts]
Register = Mapping[str, int]  #: the ids of the answers, by their digests


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A claimed message with its text, or with the reason why it has none."""

    message_id: int
    token: int
    campaign_id: int
    channel: Channel
    template: str | None = None  #: the path of its text in the playbook
    outgoing: Outgoing | None = field(default=None, repr=False)
    unwritten: Reason | None = None
    parts: int = 0
    cost: int = 0  #: thousandths of a minor unit
    concern_id: int | None = None


class OpenedTexts:
    """Opens a campaign's texts, each playbook version once; keep one for the life of a process."""

    def __init__(self) -> None:
        self._opened: dict[str, Texts] = {}

    def __call__(self, campaign: StoredCampaign) -> Texts:
        if campaign.version not in self._opened:
            playbook = reopen_playbook(campaign.files)
            self._opened[campaign.version] = Texts(playbook, Renderer(playbook))
        return self._opened[campaign.version]


def sources_of_answers(sheets: Sequence[Sheet], texts: Mapping[int, Texts]) -> list[str]:
    """Return the playbooks of whose register the batch needs answers."""
    waves = {(sheet.campaign_id, sheet.wave) for sheet in sheets}
    definitions = [(texts[campaign].definition, wave) for campaign, wave in waves]
    return sorted({each.playbook for each, wave in definitions if each.wave_named(wave).by})


def write(sheet: Sheet, campaign: StoredCampaign, texts: Texts, register: Register) -> Letter:
    locale = texts.playbook.locale_for(sheet.locale)
    answer = None
    if sheet.address is None:
        return _unwritten(sheet, Reason.NO_ADDRESS)
    try:
        template = _template_for(sheet, texts, locale)
        answer = _choose(sheet, texts, template)
        context = context_of(sheet, campaign.shop, answer, locale)
        rendered = texts.renderer.render(template, context)
    except RenderError as error:
        lacks_answer = answer is None and error.detail.startswith("concern.")
        return _unwritten(sheet, Reason.NO_ANSWER if lacks_answer else Reason.RENDER_FAILED)
    except KeyError:
        return _unwritten(sheet, Reason.RENDER_FAILED)
    parts = sms_parts(rendered.text).parts if sheet.channel is Channel.SMS else 1
    return Letter(
        message_id=sheet.message_id,
        token=sheet.token,
        campaign_id=sheet.campaign_id,
        channel=sheet.channel,
        template=template,
        outgoing=_outgoing(sheet, sheet.address, campaign, rendered),
        parts=parts,
        cost=campaign.shop.cost(sheet.channel, parts),
        concern_id=None if answer is None else register[_digest(answer, texts)],
    )


def _template_for(sheet: Sheet, texts: Texts, locale: str) -> str:
    return texts.playbook.template_for(
        wave=sheet.wave,
        variant=sheet.variant,
        track=sheet.track,
        category=sheet.category,
        channel=sheet.channel,
        locale=locale,
    )


def _outgoing(sheet: Sheet, address: str, campaign: StoredCampaign, rendered: Rendered) -> Outgoing:
    ends = [end for end in (sheet.expires_at, sheet.coupon_expires_at) if end is not None]
    return Outgoing(
        message_id=sheet.message_id,
        token=sheet.token,
        channel=sheet.channel,
        address=address,
        text=rendered.text,
        subject=rendered.subject,
        html=rendered.html,
        campaign=campaign.name,
        wave=sheet.wave,
        expires_at=min(ends, default=None),
    )


def _unwritten(sheet: Sheet, reason: Reason) -> Letter:
    return Letter(
        message_id=sheet.message_id,
        token=sheet.token,
        campaign_id=sheet.campaign_id,
        channel=sheet.channel,
        unwritten=reason,
    )


def _choose(sheet: Sheet, texts: Texts, template: str) -> ConcernEntry | None:
    """Each occurrence gives the next answer."""
    answers = texts.playbook.answers_in(template, track=sheet.track, category=sheet.category)
    return answers[sheet.occurrence] if sheet.occurrence < len(answers) else None


def _digest(answer: ConcernEntry, texts: Texts) -> str:
    return concerns.digest_of(texts.definition.playbook, answer)
