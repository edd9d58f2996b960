"""The story of one customer as text to read."""

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from orchestrator.domain.arms import LOTS, Arm
from orchestrator.domain.messages import WAITED_FOR, MessageState, Reason
from orchestrator.services.why.story import CampaignStory, MessageStory, WalkStory, Why
from orchestrator.store.audience import OrderVerdict
from orchestrator.store.inspection.customers import Written


class _Clock:
    """Writes moments in one zone, which a heading names."""

    def __init__(self, timezone: str) -> None:
        self.timezone, self._zone = timezone, ZoneInfo(timezone)

    def __call__(self, moment: datetime | None) -> str:
        return f"{moment.astimezone(self._zone):%Y-%m-%d %H:%M}" if moment else "never"


def as_lines(story: Why) -> list[str]:
    """
    Return the story as text to read; no name, address or text is in it.

    A campaign's moments are in its playbook's time zone, as its rules are; those before, in the first one's.
    """
    clocks = [_Clock(one.timezone) for one in story.campaigns]
    told = zip(story.campaigns, clocks, strict=True)
    lines = _profile(story, clocks[0] if clocks else _Clock("UTC"))
    return [*lines, *(line for one, at in told for line in _campaign(one, at))]


def _profile(story: Why, at: _Clock) -> Iterator[str]:
    who = story.profile
    addresses = [name for name, has in (("phone", who.has_phone), ("e-mail", who.has_email)) if has]
    yield f"Customer {who.customer} (id:{who.id}): {' and '.join(addresses) or 'no address'}"
    yield f"  moments are those of {at.timezone}"
    if who.profiles > 1:
        yield f"  one person with {who.profiles} profiles, who share a phone or an e-mail"
    for consent in story.consents:
        said = "agreed to" if consent.granted else "refused"
        about = f"{consent.purpose} by {consent.channel}"
        yield f"  {said} {about} on {at(consent.at)} ({consent.source})"
    if not story.consents:
        yield "  was never asked for a consent"
    for stop in story.suppressions:
        lifted = f", lifted {at(stop.lifted_at)}" if stop.lifted_at else ""
        yield f"  {stop.channel} suppressed: {stop.reason} on {at(stop.at)} ({stop.source}){lifted}"
    for other in story.elsewhere:
        what = f"refused {other.purpose} by" if other.purpose else "opted out of"
        yield f"  another profile of the same person {what} {other.channel}"
    if not story.campaigns:
        yield "  no campaign has been launched"


def _campaign(story: CampaignStory, at: _Clock) -> Iterator[str]:
    yield ""
    yield f"Campaign {story.campaign} ({story.state}), moments of {at.timezone}"
    if story.outside is not None:
        yield f"  not in: {_outside(story)}"
    elif story.walk is None:
        yield "  admitted, to be enrolled with the next advance"
    if story.walk is not None:
        yield from _walk(story.walk, at)
    shown = _telling(story)
    if shown is None:
        yield "  no order yet"
    else:
        yield from _verdict(shown, at)


def _outside(story: CampaignStory) -> str:
    reason = story.outside
    if reason is Reason.SAME_PERSON and story.walk is not None:
        return f"{reason}: profile {story.walk.enrolled.customer} of the same person is"
    return "" if reason is None else reason.value


def _telling(story: CampaignStory) -> OrderVerdict | None:
    """The order that brought them in, or the one that came closest."""
    if not story.orders:
        return None
    own = story.walk and next(
        (o for o in story.orders if o.order == story.walk.enrolled.order), None
    )
    return own or max(story.orders, key=_closeness)


def _closeness(verdict: OrderVerdict) -> tuple[bool, bool, int, datetime]:
    asked = [rule.holds for rule in verdict.rules if rule.path.startswith("audience")]
    return verdict.admitted, verdict.in_question.holds, sum(asked), verdict.placed_at


def _verdict(verdict: OrderVerdict, at: _Clock) -> Iterator[str]:
    admitted = f"admitted, track {verdict.track or 'none'}" if verdict.admitted else "not admitted"
    yield f"  order {verdict.order} of {at(verdict.placed_at)}: {admitted}"
    for rule in (verdict.in_question, *verdict.rules):
        mark = "yes" if rule.holds else "no "
        yield f"    {mark} {rule.path}: asked {rule.wanted}; found {rule.found}"


def _walk(walk: WalkStory, at: _Clock) -> Iterator[str]:
    one = walk.enrolled
    lot = _lot(walk.lot, walk.held_out_below, "held out of the campaign")
    group = f"track {one.track}" + (f", category {one.category}" if one.category else "")
    yield f"  enrolled {at(one.enrolled_at)} by order {one.order}, {group}, {one.arm} ({lot})"
    for message in walk.messages:
        yield from _message(message, at)
    if walk.next is not None:
        step = _step(walk.next.wave, walk.next.occurrence)
        if walk.next.due_at is not None:
            yield f"  next: {step}, due {at(walk.next.due_at)}"
        else:
            yield f"  next: {step}, once {walk.next.waits_for} has been accepted"
    if one.exit_reason is not None:
        when = f" {at(one.exited_at)}" if one.exited_at else ""
        yield f"  ended{when}: {one.exit_reason}"


def _message(story: MessageStory, at: _Clock) -> Iterator[str]:
    one = story.message
    reason = f" ({one.reason})" if one.reason else ""
    channel = f" by {one.channel}" if one.channel else ""
    variant = f", variant {one.variant}" if one.variant else ""
    moved = f", planned for {at(one.would_go_at)}" if one.due_at != one.would_go_at else ""
    yield (
        f"  {_step(one.wave, one.occurrence)}{channel}: {one.state}{reason}, "
        f"due {at(one.due_at)}{moved}{variant}"
    )
    if one.state is MessageState.WITHHELD and not one.assigned:
        yield "    held out of the campaign: compared from here on with those who are written to"
    elif story.withheld_below or one.arm is Arm.HOLDOUT:
        yield f"    {_lot(story.lot, story.withheld_below, 'withheld')}"
    yield from (f"    {line}" for line in (*_waits(story, at), *_outcomes(story, at)))


def _waits(story: MessageStory, at: _Clock) -> Iterator[str]:
    for wait in story.waits:
        times = "once" if wait.times == 1 else f"{wait.times} times"
        yield f"put off {times} for {wait.reason}, first {at(wait.first_at)}, last until {at(wait.until)}"
    if story.message.state is MessageState.EXPIRED and story.message.reason in WAITED_FOR:
        yield f"could not wait for {story.message.reason}: it would have been over by then"


def _outcomes(story: MessageStory, at: _Clock) -> Iterator[str]:
    yield from _answer(story.message, at)
    yield from _coupon(story.message, at)
    for attempt in story.attempts:
        code = f" {attempt.code}" if attempt.code else ""
        outcome = attempt.outcome or "no answer yet"
        yield (
            f"attempt {attempt.token} to {attempt.provider} {at(attempt.intended_at)}: "
            f"{outcome}{code}"
        )
    for event in story.events:
        yield f"{event.fact} {at(event.at)} ({event.provider}{' ' + event.code if event.code else ''})"
    for one in story.evaluations:
        scope = f" {one.scope}" if one.scope else ""
        when = f"recorded {at(one.recorded_at)}" if one.recorded_at else f"due {at(one.due_at)}"
        yield f"counted by the {one.kind} evaluation{scope}, {when}"


def _answer(one: Written, at: _Clock) -> Iterator[str]:
    if one.question is not None:
        withdrawn = f", withdrawn {at(one.withdrawn_at)}" if one.withdrawn_at else ""
        yield f"answers {one.question!r}, as of {one.dated}{withdrawn}"


def _coupon(one: Written, at: _Clock) -> Iterator[str]:
    if one.coupon is not None:
        until = f", until {at(one.coupon_expires_at)}" if one.coupon_expires_at else ""
        used = f", redeemed {at(one.redeemed_at)}" if one.redeemed_at else ""
        stock = f", one of {one.stock}" if one.stock else ""
        back = ", back in stock: nobody read of it" if one.returned else ""
        yield f"coupon {one.offer}{stock}: {one.coupon}{until}{used}{back}"


def _lot(lot: int, below: int, meaning: str) -> str:
    return f"lot {lot} of {LOTS}, {meaning} below {below}"


def _step(wave: str, occurrence: int) -> str:
    return f"{wave} #{occurrence + 1}"
