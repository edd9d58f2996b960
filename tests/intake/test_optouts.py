"""A shop that starts brings along who must not be written to any more."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from sqlalchemy import select

from intake_shop import NOON, Importing, rejects, stored
from orchestrator.domain.messages import Channel
from orchestrator.services.intake import ImportFileError
from orchestrator.store import contacts
from orchestrator.store.contacts import Suppression
from orchestrator.store.database import Database
from orchestrator.store.functions import hash_address
from orchestrator.store.intake.counts import Counts
from orchestrator.store.schema import address_key
from orchestrator.store.tables import customers, suppressions

HEADER = "channel,address,since,reason,source\n"
PHONE = "+442079460018"
MAIL = "li@example.com"
MAY = datetime(2025, 5, 1, tzinfo=UTC)
DAY = timedelta(days=1)
MAPPING = "mapping: list\ntitle: A list\nkind: optouts\ncolumns: {columns}\n"


def hashed(database: Database, address: str) -> str:
    return hash_address(address, address_key(database))


def suppressed(database: Database, *addresses: tuple[Channel, str]) -> list[bool]:
    asked = [(channel, hashed(database, address)) for channel, address in addresses]
    with database.read() as connection:
        found = contacts.suppressed(connection, asked)
    return [one in found for one in asked]


def lift(database: Database, address: str, at: datetime) -> None:
    """They wrote START."""
    row = Suppression(Channel.SMS, hashed(database, address), "opted_out", at - DAY, at)
    with database.write() as connection:
        contacts.suppress(connection, [row], "provider")


def test_addresses_of_a_list_are_suppressed_by_channel_as_keyed_hashes(
    database: Database, import_text: Importing
) -> None:
    report = import_text(
        HEADER
        + "sms,020 7946 0018,2025-05-01T00:00:00Z,,till\n"
        + "email,LI@example.com,2025-05-02T00:00:00Z,cleaned,\n"
    )

    assert (report.kind, report.preset) == ("optouts", "optouts")
    assert report.counts == {"suppressions": Counts(inserted=2)}
    columns = ("channel", "address_hash", "reason", "source", "at", "lifted_at")
    assert sorted(stored(database, suppressions, *columns)) == [
        ("email", hashed(database, MAIL), "bounced", "import:optouts", MAY + DAY, None),
        ("sms", hashed(database, PHONE), "opted_out", "till", MAY, None),
    ]


def test_a_customer_who_is_imported_later_is_suppressed_from_the_start(
    database: Database, import_text: Importing
) -> None:
    import_text(HEADER + f"sms,{PHONE},2025-05-01,,\n")

    import_text(f"customer_id,name,email,phone\nC1,Li,{MAIL},{PHONE}\n")

    with database.read() as connection:
        profile = connection.execute(select(customers)).one()
        found = contacts.suppressed(
            connection, [(Channel.SMS, profile.phone_hash), (Channel.EMAIL, profile.email_hash)]
        )
    assert found == {(Channel.SMS, profile.phone_hash)}


def test_the_same_list_again_changes_nothing(database: Database, import_text: Importing) -> None:
    text = HEADER + f"sms,{PHONE},2025-05-01,,\nemail,{MAIL},,,\n"
    import_text(text)
    before = stored(database, suppressions, "id", "at", "lifted_at")

    report = import_text(text)

    assert report.counts == {"suppressions": Counts(unchanged=2)}
    assert stored(database, suppressions, "id", "at", "lifted_at") == before


def test_of_several_rows_for_one_address_the_latest_counts(
    database: Database, import_text: Importing
) -> None:
    rows = [f"sms,{PHONE},2025-05-{day:02},,\n" for day in (2, 3, 1)]
    report = import_text(HEADER + "".join(rows))

    assert report.counts == {"suppressions": Counts(inserted=1)}
    [(at,)] = stored(database, suppressions, "at")
    assert at.astimezone(UTC).date().isoformat() == "2025-05-02"  # midnight in London


@pytest.mark.parametrize(
    ("since", "spared"), [("2025-04-30", False), ("2025-05-02", True), ("", False)]
)
def test_what_was_taken_back_is_brought_back_by_a_newer_row_alone(
    database: Database, import_text: Importing, since: str, *, spared: bool
) -> None:
    lift(database, PHONE, MAY)

    import_text(HEADER + f"sms,{PHONE},{since},,\n")

    assert suppressed(database, (Channel.SMS, PHONE)) == [spared]


def test_an_imported_opt_out_can_be_taken_back(database: Database, import_text: Importing) -> None:
    import_text(HEADER + f"sms,{PHONE},,,\n")
    assert suppressed(database, (Channel.SMS, PHONE)) == [True]

    lift(database, PHONE, NOON + DAY)

    assert suppressed(database, (Channel.SMS, PHONE)) == [False]


def test_a_row_without_a_channel_closes_all_that_it_has_an_address_for(
    database: Database, import_text: Importing
) -> None:
    import_text(f"channel,phone,email,since\n,{PHONE},{MAIL},\nsms,+442079460019,bo@example.com,\n")

    assert suppressed(
        database,
        (Channel.SMS, PHONE),
        (Channel.EMAIL, MAIL),
        (Channel.SMS, "+442079460019"),
        (Channel.EMAIL, "bo@example.com"),
    ) == [True, True, True, False]


def test_a_row_that_spares_nobody_is_refused_with_line_and_reason(
    database: Database, import_text: Importing
) -> None:
    report = import_text(
        HEADER
        + f"fax,{PHONE},,,\n"
        + "sms,12345,,,\n"
        + "email,li@example,,,\n"
        + "sms,,,,\n"
        + f"email,{PHONE},,,\n"
        + f"sms,{PHONE},yesterday,,\n"
        + f"sms,{PHONE},,,\n"
    )

    assert rejects(report) == [
        (2, "channel_unknown", "channel"),
        (3, "address_unreadable", "phone"),
        (4, "address_unreadable", "email"),
        (5, "cell_missing", "address"),
        (6, "cell_missing", "address"),
        (7, "moment_unreadable", "since"),
    ]
    assert report.counts == {"suppressions": Counts(inserted=1)}


def test_a_reason_that_nobody_knows_spares_all_the_same(
    database: Database, import_text: Importing
) -> None:
    report = import_text(HEADER + f"sms,{PHONE},,moved away,\n")

    assert suppressed(database, (Channel.SMS, PHONE)) == [True]
    assert rejects(report) == [(2, "reason_unknown", "reason")]
    assert report.rows_rejected == 0


def test_a_list_of_one_column_needs_a_mapping_that_knows_it(
    database: Database, import_text: Importing, tmp_path: Path
) -> None:
    with pytest.raises(ImportFileError, match="not a header"):
        import_text(f"Subscriber\n{MAIL}\n", name="list.csv")
    path = tmp_path / "list.yaml"
    path.write_text(MAPPING.format(columns="{email: Subscriber}"))

    import_text(f"Subscriber\n{MAIL}\n", name="list.csv", preset=path)

    assert suppressed(database, (Channel.EMAIL, MAIL)) == [True]


def test_a_large_list_is_merged_in_sets(database: Database, import_text: Importing) -> None:
    rows = pl.select(text=pl.format("email,c{}@example.com,2025-05-01,,\n", pl.int_range(3_000)))
    report = import_text(HEADER + "".join(rows["text"]))

    assert report.counts == {"suppressions": Counts(inserted=3_000)}
