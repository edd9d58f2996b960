"""Rows of a list of opt-outs as values: each address that must not be written to, by channel."""

import polars as pl

from orchestrator.domain.messages import Channel
from orchestrator.services.intake import contacts
from orchestrator.services.intake.checks import Checks
from orchestrator.services.intake.refusals import Refusal

#: what is stored, and the words for it that shops and mail programs export
_WORDS = {
    "opted_out": ("opted_out", "opted out", "opt-out", "optout", "unsubscribed", "unsubscribe",
                  "stop", "退订"),
    "bounced": ("bounced", "bounce", "hard bounce", "cleaned", "invalid", "undeliverable"),
    "complained": ("complained", "complaint", "abuse", "spam"),
}  # fmt: skip
_REASONS = {word: reason for reason, words in _WORDS.items() for word in words}
_CHANNELS = {
    "sms": Channel.SMS.value, "phone": Channel.SMS.value, "text": Channel.SMS.value,
    "email": Channel.EMAIL.value, "e-mail": Channel.EMAIL.value, "mail": Channel.EMAIL.value,
}  # fmt: skip
_COLUMNS = {Channel.SMS: "phone", Channel.EMAIL: "email"}
_OPTED_OUT = "opted_out"


def check(checks: Checks) -> pl.DataFrame:
    """
    Return the batch with ``phone`` and ``email``, each where the row closes that channel.

    A row without a channel closes every channel that it has an address for. An ``address`` is an
    e-mail where it has an @, else a phone.
    """
    checks.country()
    checks.moment("since")
    checks.text("source")
    _reason(checks)
    asked = _channel(checks)
    written = {Channel.SMS: _phones(checks), Channel.EMAIL: _emails(checks)}
    for channel, (raw, found) in written.items():
        meant = asked.is_null() | (asked == channel.value)
        checks.values[_COLUMNS[channel]] = found.set(~meant, None)
        unreadable = meant & raw.is_not_null() & found.is_null()
        checks.refuse(unreadable, Refusal.ADDRESS_UNREADABLE, _COLUMNS[channel])
    nothing = checks.values["phone"].is_null() & checks.values["email"].is_null()
    checks.refuse(nothing, Refusal.CELL_MISSING, "address")
    return checks.frame()


def by_address(frame: pl.DataFrame) -> pl.DataFrame:
    """Return one row an address, channel and reason, with its latest moment."""
    closed = [
        frame.filter(pl.col(name).is_not_null()).select(
            "line",
            "reason",
            "source",
            pl.lit(channel.value).alias("channel"),
            pl.col(name).alias("address"),
            pl.col("since").alias("at"),
        )
        for channel, name in _COLUMNS.items()
    ]
    return (
        pl.concat(closed)
        .sort("at", "line", nulls_last=False)
        .unique(["channel", "address", "reason"], keep="last", maintain_order=True)
        .drop("line")
        .with_columns(is_dated=pl.col("at").is_not_null())
    )


def _reason(checks: Checks) -> None:
    raw = checks.raw("reason").cast(pl.String)
    known = raw.str.to_lowercase().replace_strict(_REASONS, default=None, return_dtype=pl.String)
    # Whoever is on the list is not to be written to, whatever word stands beside it.
    checks.empty(raw.is_not_null() & known.is_null(), Refusal.REASON_UNKNOWN, "reason")
    checks.values["reason"] = known.fill_null(_OPTED_OUT)


def _channel(checks: Checks) -> pl.Series:
    raw = checks.raw("channel").cast(pl.String)
    channel = raw.str.to_lowercase().replace_strict(_CHANNELS, default=None, return_dtype=pl.String)
    checks.refuse(raw.is_not_null() & channel.is_null(), Refusal.CHANNEL_UNKNOWN, "channel")
    return channel


def _phones(checks: Checks) -> tuple[pl.Series, pl.Series]:
    """The phones as they are written, and as they can be called."""
    raw = checks.raw("phone").cast(pl.String).fill_null(_either(checks, emails=False))
    return raw, contacts.phones(raw, checks.values["country"].fill_null(checks.setting.country))


def _emails(checks: Checks) -> tuple[pl.Series, pl.Series]:
    raw = checks.raw("email").cast(pl.String).fill_null(_either(checks, emails=True))
    return raw, contacts.emails(raw)


def _either(checks: Checks, *, emails: bool) -> pl.Series:
    """What stands in the column for both: the e-mails of it, or the others."""
    column = checks.raw("address").cast(pl.String)
    is_email = column.str.contains("@", literal=True).fill_null(value=False)
    return column.set(is_email != emails, None)
