"""The life of a message: its states, what may follow, and why something was not sent."""

from enum import StrEnum


class Channel(StrEnum):
    SMS = "sms"
    EMAIL = "email"


class WaveKind(StrEnum):
    THANKS = "thanks"
    CARE = "care"  #: answers to what buyers of the category really ask
    PROMO = "promo"
    GREETING = "greeting"

    @property
    def purpose(self) -> str:
        """What a customer has to have agreed to."""
        return "marketing" if self is WaveKind.PROMO else "service"


class MessageState(StrEnum):
    PLANNED = "planned"  #: due at a moment, nobody works on it
    CLAIMED = "claimed"  #: a dispatcher holds a lease
    SENDING = "sending"  #: the intent is committed; the provider may have it
    UNKNOWN = "unknown"  #: handed over, the answer is lost; never sent again without proof
    ACCEPTED = "accepted"  #: the provider has it
    REJECTED = "rejected"  #: the provider refused it for good
    SKIPPED = "skipped"  #: decided against, with a reason
    EXPIRED = "expired"  #: its moment is over
    CANCELLED = "cancelled"  #: a person stopped the campaign
    WITHHELD = "withheld"  #: held out of this send by lot; its window runs
    UNRESOLVED = (
        "unresolved"  #: unknown for too long; a person decides, a late callback still corrects
    )


_S = MessageState
FOLLOWERS: dict[MessageState, frozenset[MessageState]] = {
    # Accepted: news of an earlier hand-over that the provider had said it would not take.
    # Skipped: planned, and then no coupon was left for it.
    _S.PLANNED: frozenset({_S.CLAIMED, _S.SKIPPED, _S.CANCELLED, _S.EXPIRED, _S.ACCEPTED}),
    _S.CLAIMED: frozenset(
        {_S.PLANNED, _S.SENDING, _S.SKIPPED, _S.EXPIRED, _S.CANCELLED, _S.ACCEPTED}
    ),
    _S.SENDING: frozenset({_S.ACCEPTED, _S.REJECTED, _S.UNKNOWN, _S.PLANNED}),
    # Back to planned only with proof that the provider does not have it.
    _S.UNKNOWN: frozenset({_S.ACCEPTED, _S.REJECTED, _S.UNRESOLVED, _S.PLANNED}),
    # A late callback is news about what really happened.
    _S.UNRESOLVED: frozenset({_S.ACCEPTED, _S.REJECTED}),
    _S.ACCEPTED: frozenset(),
    # A provider that delivers what it said it refuses has it.
    _S.REJECTED: frozenset({_S.ACCEPTED}),
    _S.SKIPPED: frozenset(),
    _S.EXPIRED: frozenset(),
    _S.CANCELLED: frozenset(),
    _S.WITHHELD: frozenset(),
}
OPEN_STATES = frozenset({_S.PLANNED, _S.CLAIMED, _S.SENDING, _S.UNKNOWN})
FINAL_STATES = frozenset(_S) - OPEN_STATES
#: final, and nobody can have read it
UNSENT_STATES = FINAL_STATES - {_S.ACCEPTED, _S.UNRESOLVED}


class Reason(StrEnum):
    """Why a message was not sent, was put off, or a customer is not (or no longer) in a campaign."""

    # not enrolled
    OUTSIDE_AUDIENCE = "outside_audience"
    NO_TRACK = "no_track"  #: no track of the playbook matches
    SAME_PERSON = (
        "same_person"  #: another profile of the person is enrolled, or was before this one
    )
    # the enrollment ended
    PURCHASED = "purchased"  #: came back and bought
    COMPLETED = "completed"  #: walked through all waves
    ORDER_CANCELLED = "order_cancelled"  #: the order that brought them in was cancelled or refunded
    CAMPAIGN_STOPPED = "campaign_stopped"
    HELD_OUT = "held_out"  #: by lot, from the campaign or from this send
    # the message
    NO_ADDRESS = "no_address"
    NO_CONSENT = "no_consent"
    SUPPRESSED = "suppressed"
    SAME_ADDRESS = "same_address"  #: the wave already goes to this phone or e-mail
    NO_ANSWER = "no_answer"  #: the concern register has none for the category
    RENDER_FAILED = "render_failed"
    LATE = "late"  #: past its moment, and the wave's late policy is skip
    OVERTAKEN = "overtaken"  #: the wave's next repeat was due before this one could go
    PREVIOUS_MISSED = "previous_missed"  #: the wave that it follows never arrived
    QUIET_HOURS = "quiet_hours"
    CAP = "cap"
    BUDGET = "budget"
    POOL_EMPTY = "pool_empty"  #: no code is left in the imported pool
    OUT_OF_STOCK = "out_of_stock"  #: as many of the offer are out as its stock allows
    BELOW_LADDER = "below_ladder"  #: the order was worth less than the ladder's first step
    NO_COUPON = "no_coupon"  #: a reminder, and they were sent no coupon
    COUPON_REDEEMED = "coupon_redeemed"  #: a reminder, and they used the coupon
    COUPON_EXPIRED = "coupon_expired"  #: it is over, or its offer is
    CAMPAIGN_PAUSED = "campaign_paused"
    DISPATCH_STOPPED = "dispatch_stopped"  #: the kill switch
    # the provider
    PROVIDER_BUSY = "provider_busy"  #: certainly not taken; tried again later
    PROVIDER_REJECTED = "provider_rejected"
    ANSWER_LOST = "answer_lost"
    SENDER_DIED = "sender_died"
    NEVER_ANSWERED = "never_answered"


#: what a message waits for as long as its coupon and its moment allow
WAITED_FOR = frozenset({Reason.QUIET_HOURS, Reason.CAP, Reason.CAMPAIGN_PAUSED})


class Fact(StrEnum):
    """News about an accepted message; facts stand beside the state and may come in any order."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    OPENED = "opened"
    CLICKED = "clicked"
    OPTED_OUT = "opted_out"
    OPTED_IN = "opted_in"
