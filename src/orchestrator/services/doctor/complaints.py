"""Every kind of finding: the check, what it means, and what is safe to do about it."""

from dataclasses import dataclass
from enum import StrEnum

from orchestrator.store.inspection import Check, stuck, sums


class Severity(StrEnum):
    LATE = "late"  #: the next run repairs it
    STUCK = "stuck"  #: a person decides
    WRONG = "wrong"  #: a promise of the ledger is broken


@dataclass(frozen=True, slots=True)
class Complaint:
    kind: str
    severity: Severity
    check: Check
    what: str
    remedy: str


_ADVANCE = "orchestrator advance"
_PAUSE = "orchestrator pause {subject}, then orchestrator report {subject}"
_LOOK = "orchestrator report {subject}"
_KILL = "orchestrator stop --all, then compare with the last backup"

COMPLAINTS = (
    Complaint(
        "dispatch_stopped",
        Severity.STUCK,
        stuck.stopped_dispatch,
        "the kill switch is on: nothing is sent",
        "orchestrator resume --all",
    ),
    Complaint(
        "dispatch_quarantined",
        Severity.STUCK,
        stuck.quarantined_places,
        "this host sends nothing: the database looks restored or cloned, or a clock was moved",
        "orchestrator confirm on this host, which says what it found",
    ),
    Complaint(
        "campaign_paused",
        Severity.STUCK,
        stuck.paused_campaigns,
        "the campaign is paused and sends nothing",
        "orchestrator campaigns, then orchestrator resume {subject}",
    ),
    Complaint(
        "message_overdue",
        Severity.LATE,
        stuck.overdue_messages,
        "planned messages are due for more than an hour",
        _ADVANCE,
    ),
    Complaint(
        "step_overdue",
        Severity.LATE,
        stuck.overdue_steps,
        "enrollments have a step that is due for more than an hour and not planned",
        _ADVANCE,
    ),
    Complaint(
        "claim_over",
        Severity.LATE,
        stuck.claims_over,
        "messages are claimed by a dispatcher whose lease is over",
        _ADVANCE,
    ),
    Complaint(
        "doubt_sender_dead",
        Severity.LATE,
        stuck.doubts_of_the_dead,
        "messages were handed over without an answer by a sender that is gone",
        _ADVANCE,
    ),
    Complaint(
        "doubt_sender_alive",
        Severity.STUCK,
        stuck.doubts_of_the_living,
        "messages were handed over without an answer, and their sender is not known to be dead",
        "orchestrator advance on the sender's host; they are not sent again without proof",
    ),
    Complaint(
        "unresolved",
        Severity.STUCK,
        stuck.unresolved,
        "nobody knows whether the provider took these messages",
        "look for the message id at the provider, then: orchestrator settle MESSAGE accepted|rejected",
    ),
    Complaint(
        "evaluation_overdue",
        Severity.LATE,
        stuck.overdue_evaluations,
        "evaluations are due for more than an hour",
        "orchestrator evaluate",
    ),
    Complaint(
        "waits_for_final",
        Severity.LATE,
        stuck.waiting_for_the_final,
        "enrollments wait for an acceptance that can never come: all their messages are final",
        _ADVANCE,
    ),
    Complaint(
        "waits_for_nothing",
        Severity.WRONG,
        stuck.waiting_for_nothing,
        "enrollments have a step without a due moment, and no message that they could wait for",
        _LOOK,
    ),
    Complaint(
        "import_interrupted",
        Severity.STUCK,
        stuck.interrupted_imports,
        "imports did not end; where a part is in, campaigns wait a day for the rest",
        "orchestrator import FILE again: it changes nothing twice",
    ),
    Complaint(
        "send_without_evaluation",
        Severity.WRONG,
        sums.sends_without_evaluation,
        "sends will never be evaluated",
        _LOOK,
    ),
    Complaint(
        "send_without_message",
        Severity.WRONG,
        sums.sends_without_message,
        "sends have no message",
        _LOOK,
    ),
    Complaint(
        "message_of_another_send",
        Severity.WRONG,
        sums.messages_of_another_send,
        "messages belong to no send of their wave",
        _PAUSE,
    ),
    Complaint(
        "message_of_held_out",
        Severity.WRONG,
        sums.messages_of_the_held_out,
        "messages were planned for customers who are held out of the campaign",
        _PAUSE,
    ),
    Complaint(
        "held_out_without_place",
        Severity.WRONG,
        sums.held_out_without_place,
        "customers who are held out have not one row in the send that they are compared in",
        _LOOK,
    ),
    Complaint(
        "accepted_without_attempt",
        Severity.WRONG,
        sums.accepted_without_attempt,
        "accepted messages have no attempt that was accepted",
        _PAUSE,
    ),
    Complaint(
        "accepted_twice",
        Severity.WRONG,
        sums.accepted_twice,
        "messages were accepted in more than one attempt",
        _PAUSE,
    ),
    Complaint(
        "end_without_moment",
        Severity.WRONG,
        sums.ends_without_moment,
        "messages are final without a moment, or open with one",
        _LOOK,
    ),
    Complaint(
        "spent_otherwise",
        Severity.WRONG,
        sums.spent_otherwise,
        "what the campaign has spent is not the sum of its messages' costs",
        _PAUSE,
    ),
    Complaint(
        "stray_coupon",
        Severity.WRONG,
        sums.stray_coupons,
        "coupons were handed out that no message brings",
        _LOOK,
    ),
    Complaint(
        "foreign_coupon",
        Severity.WRONG,
        sums.foreign_coupons,
        "messages bring a coupon of somebody else or of another wave",
        _PAUSE,
    ),
    Complaint(
        "stock_overdrawn",
        Severity.STUCK,
        sums.stocks_overdrawn,
        "more coupons of an offer are out than its stock: given up, and then redeemed or delivered",
        "count what is left in the shop; the campaign gives no more: orchestrator report {subject}",
    ),
    Complaint(
        "written_though_suppressed",
        Severity.WRONG,
        sums.written_though_suppressed,
        "messages went to an address after it was suppressed",
        _PAUSE,
    ),
    Complaint(
        "news_of_unknown_message",
        Severity.WRONG,
        sums.news_of_unknown_messages,
        "the provider tells of messages that this database does not have; was it restored?",
        _KILL,
    ),
    Complaint(
        "other_currency",
        Severity.STUCK,
        sums.orders_in_another_currency,
        "orders of enrolled customers are in another currency and count in no sum",
        "orchestrator import FILE with amounts in the campaign's currency",
    ),
)
