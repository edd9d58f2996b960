"""Why a row of a file did not go in, or went in without a cell; and what to do about it."""

from enum import StrEnum


class ImportFileError(ValueError):
    """The whole file cannot be imported; nothing of it went in unless the message says so."""

    def __init__(self, file: str, message: str, remedy: str, line: int | None = None) -> None:
        self.file = file
        self.line = line
        self.message = message
        self.remedy = remedy
        place = file if line is None else f"{file}:{line}"
        super().__init__(f"{place}: {message}. {remedy}")


class Refusal(StrEnum):
    # the row as it stands in the file
    TOO_FEW_CELLS = "too_few_cells"
    TOO_MANY_CELLS = "too_many_cells"
    BROKEN_QUOTES = "broken_quotes"
    CELL_TOO_LONG = "cell_too_long"
    NUL_CHARACTER = "nul_character"
    NOT_DECODABLE = "not_decodable"
    NOT_A_DOCUMENT = "not_a_document"
    # a cell that the row cannot do without
    CELL_MISSING = "cell_missing"
    ID_TOO_LONG = "id_too_long"
    ID_MANGLED = "id_mangled"
    MOMENT_UNREADABLE = "moment_unreadable"
    MOMENT_OUT_OF_RANGE = "moment_out_of_range"
    AMOUNT_UNREADABLE = "amount_unreadable"
    AMOUNT_NEGATIVE = "amount_negative"
    AMOUNT_TOO_LARGE = "amount_too_large"
    TOO_MANY_DECIMALS = "too_many_decimals"
    QUANTITY_UNREADABLE = "quantity_unreadable"
    QUANTITY_NOT_POSITIVE = "quantity_not_positive"
    QUANTITY_TOO_LARGE = "quantity_too_large"
    CURRENCY_UNKNOWN = "currency_unknown"
    STATUS_UNKNOWN = "status_unknown"
    CONSENT_UNREADABLE = "consent_unreadable"
    CHANNEL_UNKNOWN = "channel_unknown"
    ADDRESS_UNREADABLE = "address_unreadable"
    # the order as a whole
    CUSTOMER_CONTRADICTS = "customer_contradicts"
    CURRENCY_CONTRADICTS = "currency_contradicts"
    REFUND_ABOVE_TOTAL = "refund_above_total"
    ORDER_REFUSED = "order_refused"
    ORDER_UNKNOWN = "order_unknown"
    # a cell that the row can do without
    PHONE_UNREADABLE = "phone_unreadable"
    EMAIL_UNREADABLE = "email_unreadable"
    COUNTRY_UNKNOWN = "country_unknown"
    TIMEZONE_UNKNOWN = "timezone_unknown"
    TEXT_TOO_LONG = "text_too_long"
    REASON_UNKNOWN = "reason_unknown"


REMEDIES: dict[Refusal, str] = {
    Refusal.TOO_FEW_CELLS: "Give the row as many cells as the header has",
    Refusal.TOO_MANY_CELLS: "Put cells that contain the separator in double quotes",
    Refusal.BROKEN_QUOTES: "Close the quote, and double a quote inside a quoted cell",
    Refusal.CELL_TOO_LONG: "Shorten the cell, or close the quote that swallowed the next rows",
    Refusal.NUL_CHARACTER: "Remove the NUL character",
    Refusal.NOT_DECODABLE: "Save the file as UTF-8, or name its encoding in the mapping",
    Refusal.NOT_A_DOCUMENT: "Write one JSON object a line, its order lines as a list of objects",
    Refusal.CELL_MISSING: "Fill in the cell",
    Refusal.ID_TOO_LONG: "Ids have at most 128 characters",
    Refusal.ID_MANGLED: "A spreadsheet rounded this id; export again and do not open the file in one",
    Refusal.MOMENT_UNREADABLE: "Write it as the mapping's `dates` say",
    Refusal.MOMENT_OUT_OF_RANGE: "Correct the year; orders lie between 1990 and tomorrow",
    Refusal.AMOUNT_UNREADABLE: "Write a number; the mapping's `decimal` names its decimal sign",
    Refusal.AMOUNT_NEGATIVE: "Leave such rows out by a rule of the mapping, or correct the sign",
    Refusal.AMOUNT_TOO_LARGE: "Correct the amount",
    Refusal.TOO_MANY_DECIMALS: "Round the amount to the currency's minor unit, or correct the currency",
    Refusal.QUANTITY_UNREADABLE: "Write a whole number",
    Refusal.QUANTITY_NOT_POSITIVE: "Leave such rows out by a rule of the mapping, or correct it",
    Refusal.QUANTITY_TOO_LARGE: "Correct the quantity",
    Refusal.CURRENCY_UNKNOWN: "Write the currency's three letters (ISO 4217)",
    Refusal.STATUS_UNKNOWN: "Add the word to the mapping's `statuses`",
    Refusal.CONSENT_UNREADABLE: "Write yes or no",
    Refusal.CHANNEL_UNKNOWN: "Write sms or email, or leave it empty",
    Refusal.ADDRESS_UNREADABLE: "Correct the phone or e-mail; until then this row spares nobody",
    Refusal.CUSTOMER_CONTRADICTS: "All rows of an order belong to one customer",
    Refusal.CURRENCY_CONTRADICTS: "All rows of an order have one currency",
    Refusal.REFUND_ABOVE_TOTAL: "Correct it; shipping that it includes belongs to the total too",
    Refusal.ORDER_REFUSED: "Correct the other rows of this order; it goes in whole or not at all",
    Refusal.ORDER_UNKNOWN: "Import the file of the orders first",
    Refusal.PHONE_UNREADABLE: "Correct the phone and import the row again; it went in without it",
    Refusal.EMAIL_UNREADABLE: "Correct the e-mail and import the row again; it went in without it",
    Refusal.COUNTRY_UNKNOWN: "Add the name to the mapping's `countries`; it went in without it",
    Refusal.TIMEZONE_UNKNOWN: "Write an IANA zone such as Europe/London; it went in without it",
    Refusal.REASON_UNKNOWN: "Write opted_out, bounced or complained; it went in as opted_out",
    Refusal.TEXT_TOO_LONG: "Shorten the cell and import the row again; it went in without it",
}
