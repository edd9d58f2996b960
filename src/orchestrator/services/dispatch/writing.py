"""Texts for a batch, written before anything is locked."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from orchestrator.domain.messages import Channel, Reason
from orchestrator.domain.providers import Outgoing
from orchestrator.playbooks import ConcernEntry, Definition, Playbook, reopen_playbook
from orchestrator.rendering import Rendered, Renderer, RenderError, sms_parts
from orchestrator.services.dispatch.contexts import context_of, shop_values
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
    fault: RenderError | None = None  #: what stood against the text, where that was the reason
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


class Writer:
    """Writes a batch's messages of one campaign; what they have in common is found out once."""

    def __init__(self, campaign: StoredCampaign, texts: Texts, register: Register) -> None:
        self._campaign = campaign
        self._shop = shop_values(campaign.shop)
        self._texts = texts
        self._register = register
        self._manners: dict[tuple[str | None, ...], _Manner] = {}

    def write(self, sheet: Sheet) -> Letter:
        """Return the message's text, or the reason why it has none."""
        if sheet.address is None:
            return _unwritten(sheet, Reason.NO_ADDRESS)
        answer = None
        try:
            manner = self._manner(sheet)
            answer = _choose(sheet, manner.answers)
            said = None if answer is None else answer.entry
            context = context_of(sheet, self._shop, said, manner.locale, manner.wanted)
            rendered = self._texts.renderer.render(manner.template, context)
        except RenderError as error:
            lacks_answer = answer is None and error.detail.startswith("concern.")
            reason = Reason.NO_ANSWER if lacks_answer else Reason.RENDER_FAILED
            # Without its frames, which hold the customer's values.
            return _unwritten(sheet, reason, error.with_traceback(None))
        except KeyError:
            return _unwritten(sheet, Reason.RENDER_FAILED)
        parts = sms_parts(rendered.text).parts if sheet.channel is Channel.SMS else 1
        return Letter(
            message_id=sheet.message_id,
            token=sheet.token,
            campaign_id=sheet.campaign_id,
            channel=sheet.channel,
            template=manner.template,
            outgoing=self._outgoing(sheet, sheet.address, rendered),
            parts=parts,
            cost=self._campaign.shop.cost(sheet.channel, parts),
            concern_id=None if answer is None else answer.id,
        )

    def _manner(self, sheet: Sheet) -> "_Manner":
        key = (
            sheet.locale,
            sheet.wave,
            sheet.channel,
            sheet.variant,
            sheet.track,
            sheet.category,
        )
        if key not in self._manners:
            self._manners[key] = self._found(sheet)
        return self._manners[key]

    def _found(self, sheet: Sheet) -> "_Manner":
        playbook = self._texts.playbook
        locale = playbook.locale_for(sheet.locale)
        template = playbook.template_for(
            wave=sheet.wave,
            variant=sheet.variant,
            track=sheet.track,
            category=sheet.category,
            channel=sheet.channel,
            locale=locale,
        )
        source = playbook.definition.playbook
        return _Manner(
            locale,
            template,
            self._texts.renderer.variables(template),
            [
                _Answer(self._register[concerns.digest_of(source, entry)], entry)
                for entry in playbook.answers_in(
                    template, track=sheet.track, category=sheet.category
                )
            ],
        )

    def _outgoing(self, sheet: Sheet, address: str, rendered: Rendered) -> Outgoing:
        return Outgoing(
            message_id=sheet.message_id,
            token=sheet.token,
            channel=sheet.channel,
            address=address,
            text=rendered.text,
            subject=rendered.subject,
            html=rendered.html,
            campaign=self._campaign.name,
            wave=sheet.wave,
            expires_at=_earlier(sheet.expires_at, sheet.coupon_expires_at),
        )


@dataclass(frozen=True, slots=True)
class _Manner:
    """What messages to the same track, category and language have in common."""

    locale: str
    template: str
    wanted: frozenset[str]
    answers: Sequence["_Answer"]


@dataclass(frozen=True, slots=True)
class _Answer:
    id: int  #: in the register
    entry: ConcernEntry


def _earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    if one is None or other is None:
        return one or other
    return min(one, other)


def _unwritten(sheet: Sheet, reason: Reason, fault: RenderError | None = None) -> Letter:
    return Letter(
        message_id=sheet.message_id,
        token=sheet.token,
        campaign_id=sheet.campaign_id,
        channel=sheet.channel,
        unwritten=reason,
        fault=fault,
    )


def _choose(sheet: Sheet, fitting: Sequence[_Answer]) -> _Answer | None:
    """Each occurrence gives the next answer; nobody is told the same twice."""
    return fitting[sheet.occurrence] if sheet.occurrence < len(fitting) else None
