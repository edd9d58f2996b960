"""Who is one person: the phone, else the phone of the same e-mail, else the e-mail, else the id."""

from intake_shop import Importing, stored
from orchestrator.store.database import Database
from orchestrator.store.functions import hash_address
from orchestrator.store.schema import address_key
from orchestrator.store.tables import customers

HEADER = "customer_id,name,email,phone\n"
LI = "+442079460018"


def test_profiles_that_share_a_phone_or_its_email_are_one_person(
    database: Database, import_text: Importing
) -> None:
    import_text(
        HEADER
        + f"C1,Li,li@example.com,{LI}\n"
        + f"C2,Li,,{LI}\n"
        + "C3,Li,LI@example.com,\n"
        + "C4,Bo,bo@example.com,\n"
        + "C5,Ann,,\n"
    )

    assert stored(database, customers, "external_id", "person") == [
        ("C1", LI),
        ("C2", LI),
        ("C3", LI),
        ("C4", "bo@example.com"),
        ("C5", "id:C5"),
    ]


def test_a_phone_that_comes_later_names_every_profile_of_its_email(
    database: Database, import_text: Importing
) -> None:
    import_text(HEADER + "C1,Li,li@example.com,\nC2,Li,li@example.com,\n")

    import_text(HEADER + f"C2,,,{LI}\n")

    assert stored(database, customers, "external_id", "name", "person") == [
        ("C1", "Li", LI),
        ("C2", "Li", LI),
    ]


def test_a_new_profile_with_a_phone_names_the_stored_one_of_its_email(
    database: Database, import_text: Importing
) -> None:
    import_text(HEADER + "C1,Li,li@example.com,\n")

    import_text(HEADER + f"C2,Li,li@example.com,{LI}\n")

    assert stored(database, customers, "external_id", "person") == [("C1", LI), ("C2", LI)]


def test_an_email_that_comes_later_brings_the_person_along(
    database: Database, import_text: Importing
) -> None:
    import_text(HEADER + f"C1,Li,li@example.com,{LI}\nC2,Li,,\nC3,Bo,,\n")

    import_text(HEADER + "C2,Li,li@example.com,\nC3,Bo,bo@example.com,\n")

    assert stored(database, customers, "external_id", "person") == [
        ("C1", LI),
        ("C2", LI),
        ("C3", "bo@example.com"),
    ]


def test_addresses_are_stored_with_their_keyed_hashes(
    database: Database, import_text: Importing
) -> None:
    import_text(HEADER + f"C1,Li,li@example.com,{LI}\n")

    key = address_key(database)
    assert stored(database, customers, "phone_hash", "email_hash") == [
        (hash_address(LI, key), hash_address("li@example.com", key))
    ]


def test_an_id_made_from_an_address_does_not_show_it(
    database: Database, import_text: Importing
) -> None:
    import_text(
        "order_id,placed_at,title,quantity,unit_price,email,phone\n"
        f"A1,2025-11-01,Tea,1,1.00,li@example.com,{LI}\n"
        "A2,2025-11-02,Tea,1,1.00,li@example.com,\n"
        "A3,2025-11-02,Tea,1,1.00,,\n"
    )

    key = address_key(database)
    assert stored(database, customers, "external_id") == [
        (f"email:{hash_address('li@example.com', key)}",),
        ("order:A3",),
        (f"phone:{hash_address(LI, key)}",),
    ]
