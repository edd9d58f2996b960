"""Rehearse a launch: the engine's own statements, every text rendered, nothing left behind."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time

from orchestrator.domain.arms import Arm
from orchestrator.domain.messages import MessageState, Reason
from orchestrator.domain.shop import Shop
from orchestrator.playbooks import Definition, Playbook, Wave, assert_currency
from orchestrator.playbooks.schedule import steps_of
from orchestrator.playbooks.sequence import offers_of
from orchestrator.rendering import Renderer
from orchestrator.services.dispatch.writing import Letter, Texts, Writer, sources_of_answers
from orchestrator.services.forecast.proofs import Proofs
from orchestrator.services.forecast.results import (
    ASSUMED_RATES,
    HISTORY,
    Flaw,
    Forecast,
    Send,
    SmallestEffect,
    WaveForecast,
)
from orchestrator.services.plan import write_chunk
from orchestrator.statistics import smallest_detectable_effect
from orchestrator.store import audience, campaigns, concerns, enrollments, forecasts, planning
from orchestrator.store.campaigns import StoredCampaign
from orchestrator.store.chunk import Chunk
from orchestrator.store.database import Connection, Database
from orchestrator.store.intake import runs
from orchestrator.store.messages import sheets
from orchestrator.store.messages.sheets import Sheet

Days = Mapping[date, Mapping[str, int]]  #: messages by day and wave


def forecast(
    database: Database,
    playbook: Playbook,
    *,
    shop: Shop,
    now: datetime,
    random_bytes: Callable[[int], bytes],
    progress: Callable[[int], None] = lambda _: None,
) -> Forecast:
    """
    Rehearse the launch with the engine's own statements, render every text, change nothing.

    Raises PlaybookError where an amount is not in the shop's currency.
    """
    definition = playbook.definition
    assert_currency(playbook, shop.currency)
    with database.rehearse() as connection:
        campaign = _rehearsed_launch(connection, playbook, shop, now, random_bytes)
        rate = _natural_rate(connection, definition, now)
        texts = Texts(playbook, Renderer(playbook))
        rehearsal = _Rehearsal(connection, campaign, texts, now, rate, random_bytes, progress)
        enrolled = tuple(forecasts.enrolled(connection, campaign.id))
        days = _days(connection, campaign.id, definition)
        waves = tuple(rehearsal.wave(wave, days) for wave in definition.waves)
        return Forecast(
            playbook=definition.playbook,
            version=playbook.version,
            currency=shop.currency,
            budget=definition.budget.minor * 1_000 if definition.budget else None,
            admission=forecasts.admission(
                connection, definition, now=now, launched_at=now, currency=shop.currency
            ),
            enrolled=enrolled,
            days=_sends(days, waves),
            waves=waves,
            flaws=tuple(rehearsal.flaws),
            natural_rate=rate,
            smallest_effects=_smallest(_by_arm(enrolled), rate),
            half_in=tuple(runs.half_in(connection, now)),
        )


class NotInAudienceError(LookupError):
    """The customer would not be in the campaign, or not be written to in this wave."""


def rehearse_message(
    database: Database,
    playbook: Playbook,
    wave: str,
    customer: str,
    *,
    shop: Shop,
    now: datetime,
    random_bytes: Callable[[int], bytes],
) -> Letter:
    """
    Return the wave's message to one customer as it would go out now; changes nothing.

    Raises NotInAudienceError where the launch would not write to them.
    """
    with database.rehearse() as connection:
        campaign = _rehearsed_launch(
            connection, playbook, shop, now, random_bytes, customer=customer
        )
        texts = Texts(playbook, Renderer(playbook))
        rehearsal = _Rehearsal(connection, campaign, texts, now, None, random_bytes, lambda _: None)
        asked = playbook.definition.wave_named(wave)
        # A reminder brings the coupon that an earlier wave gave.
        for name in (asked.reminds, wave):
            if name is not None:
                rehearsal.plan(_certain(playbook.definition.wave_named(name)))
        letters = list(rehearsal.letters(wave))
        if letters:
            return letters[0]
        reasons = [str(reason) for _, reason, _, _ in rehearsal.outcomes(wave)]
    why = reasons[0] if reasons else "outside the audience"
    raise NotInAudienceError(f"customer {customer} would get no {wave}: {why}")


@dataclass(slots=True)
class _Rehearsal:
    connection: Connection
    campaign: StoredCampaign
    texts: Texts
    now: datetime
    natural_rate: float | None
    random_bytes: Callable[[int], bytes]
    progress: Callable[[int], None]
    flaws: list[Flaw] = field(default_factory=list)

    def wave(self, wave: Wave, days: Days) -> WaveForecast:
        """Plan the wave as if it were due now, write all that it could send, forget it again."""
        self.plan(wave)
        proofs = self._proofs(wave)
        self.flaws += proofs.flaws
        outcomes = {key[:3]: key[3] for key in self.outcomes(wave.wave)}
        given = forecasts.coupons_of(self.connection, self.campaign.id, wave.wave)
        forecasts.forget_messages(self.connection, self.campaign.id)
        return WaveForecast(
            wave=wave.wave,
            occurrences=wave.occurrences,
            outcomes=outcomes,
            parts=proofs.parts,
            cost=proofs.cost,
            coupon_exposure=sum(alike.face_value for alike in given),
            coupons=tuple(given),
            after_last_day=_after_last_day(self.texts.definition, wave, days),
            smallest_effects=_smallest(_by_state(outcomes), self.natural_rate),
            samples=tuple(proofs.samples.values()),
        )

    def plan(self, wave: Wave) -> None:
        forecasts.put_at(self.connection, self.campaign.id, wave, self.now)
        chunk = Chunk(
            campaign_id=self.campaign.id,
            salt=self.campaign.salt,
            definition=self.texts.definition,
            # The waves before have not been sent here, and are as good as accepted.
            wave=wave.model_copy(update={"if_missed": "shift"}),
            occurrence=0,
            until=self.now,
            now=self.now,
        )
        write_chunk(
            self.connection, planning.with_others(self.connection, chunk), self.random_bytes
        )

    def letters(self, wave: str) -> Iterator[Letter]:
        for batch in forecasts.planned_batches(self.connection, self.campaign.id, wave):
            found = sheets.load_sheets(self.connection, batch)
            yield from map(self._writer(found).write, found)

    def outcomes(self, wave: str) -> list[tuple[MessageState, Reason | None, str | None, int]]:
        return forecasts.outcomes(self.connection, self.campaign.id, wave)

    def _proofs(self, wave: Wave) -> Proofs:
        proofs = Proofs(self.texts, wave, self.now)
        for page in forecasts.prospects(self.connection, self.campaign.id, wave):
            writer = self._writer([prospect.sheet for prospect in page])
            self.progress(sum(proofs.write(prospect, writer) for prospect in page))
        return proofs

    def _writer(self, found: Sequence[Sheet]) -> Writer:
        sources = sources_of_answers(found, {self.campaign.id: self.texts})
        register = concerns.ids_of(self.connection, sources) if sources else {}
        return Writer(self.campaign, self.texts, register)


def _rehearsed_launch(
    connection: Connection,
    playbook: Playbook,
    shop: Shop,
    now: datetime,
    random_bytes: Callable[[int], bytes],
    *,
    customer: str | None = None,
) -> StoredCampaign:
    definition = playbook.definition
    concerns.load(connection, playbook.concerns, source=definition.playbook, now=now)
    campaign_id = campaigns.add(
        connection,
        name=f"rehearsal-{random_bytes(8).hex()}",
        playbook=definition.playbook,
        version=playbook.version,
        files=playbook.files,
        salt=random_bytes(16).hex(),
        shop=shop,
        now=now,
    )
    campaign = campaigns.get(connection, campaign_id)
    admitted = audience.admitted(definition, now=now, launched_at=now, currency=shop.currency)
    enrollments.enroll(
        connection,
        campaign_id=campaign_id,
        salt=campaign.salt,
        # A preview is for one person, whom no lot keeps out.
        definition=definition if customer is None else _without_holdouts(definition),
        admitted=admitted if customer is None else forecasts.only(admitted, customer),
        default_locale=shop.locale,
        now=now,
        from_half=True,
    )
    forecasts.set_holdout_aside(connection, campaign_id)
    return campaign


def _certain(wave: Wave) -> Wave:
    return wave.model_copy(update={"holdout": 0.0})


def _without_holdouts(definition: Definition) -> Definition:
    return definition.model_copy(update={"holdout": 0.0})


def _after_last_day(definition: Definition, wave: Wave, days: Days) -> int:
    named = [definition.offers[name].until for name in offers_of(definition, wave)]
    last = min((until for until in named if until is not None), default=date.max)
    return sum(waves.get(wave.wave, 0) for day, waves in days.items() if day > last)


def _days(
    connection: Connection, campaign_id: int, definition: Definition
) -> dict[date, dict[str, int]]:
    days: dict[date, dict[str, int]] = {}
    for track in definition.tracks:
        for step in steps_of(definition, track):
            found = forecasts.days_of(connection, campaign_id, definition, track, step)
            for day, number in found.items():
                waves = days.setdefault(day, {})
                waves[step.wave] = waves.get(step.wave, 0) + number
    return dict(sorted(days.items()))


def _sends(days: Days, waves: Sequence[WaveForecast]) -> dict[date, dict[str, Send]]:
    by_name = {wave.wave: wave for wave in waves}
    return {
        day: {name: _send(number, by_name[name]) for name, number in numbers.items()}
        for day, numbers in days.items()
    }


def _send(number: int, wave: WaveForecast) -> Send:
    share = number / wave.people if wave.people else 0.0
    return Send(messages=number, parts=round(wave.parts * share), cost=round(wave.cost * share))


def _natural_rate(connection: Connection, definition: Definition, now: datetime) -> float | None:
    """The shop's own repurchase rate in the window of a send, over the months before the event."""
    window = definition.evaluate.sends.timedelta
    event = definition.audience.event_day
    until = now - window
    if event is not None:
        until = min(until, datetime.combine(event.first, time(), definition.zone) - window)
    bought, again = forecasts.repurchase_counts(connection, until - HISTORY, until, window)
    return again / bought if bought else None


def _by_arm(enrolled: tuple[tuple[str, str | None, Arm, int], ...]) -> tuple[int, int]:
    counted = Counter[Arm]()
    for _, _, arm, number in enrolled:
        counted[arm] += number
    return counted[Arm.TREATED], counted[Arm.HOLDOUT]


def _by_state(
    outcomes: Mapping[tuple[MessageState, Reason | None, str | None], int],
) -> tuple[int, int]:
    counted = Counter[MessageState]()
    for (state, _, _), number in outcomes.items():
        counted[state] += number
    return counted[MessageState.PLANNED], counted[MessageState.WITHHELD]


def _smallest(arms: tuple[int, int], natural_rate: float | None) -> tuple[SmallestEffect, ...]:
    treated, control = arms
    if not treated or not control:
        return ()
    assumed = natural_rate is None
    return tuple(
        SmallestEffect(
            natural_rate=rate,
            assumed=assumed,
            effect=smallest_detectable_effect(treated, control, rate),
        )
        for rate in (ASSUMED_RATES if natural_rate is None else (natural_rate,))
    )
