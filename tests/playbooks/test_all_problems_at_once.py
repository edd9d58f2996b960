"""What does not fit the format hides nothing else, and nothing is told that follows from it alone."""

from collections.abc import Iterable

import pytest

from orchestrator.playbooks import PlaybookError, playbook_from_files

UNKNOWN_OFFER = "playbook.yaml:19: unknown offer bck. Did you mean back?"
UNKNOWN_WAVE = "playbook.yaml:14: care follows unknown wave thank. Did you mean thanks?"
NO_TEXT = "playbook.yaml:15: wave coupon has no email text in en. Create en/coupon.email.j2."


def told(files: dict[str, str], *changes: tuple[str, str]) -> list[str]:
    for right, wrong in changes:
        assert right in files["playbook.yaml"]
        files["playbook.yaml"] = files["playbook.yaml"].replace(right, wrong, 1)
    with pytest.raises(PlaybookError) as raised:
        playbook_from_files(files)
    return [str(problem) for problem in raised.value.problems]


def first_words(problems: Iterable[str]) -> list[str]:
    return [problem.split(". ")[0] for problem in problems]


def test_a_typo_in_the_title_hides_nothing(files: dict[str, str]) -> None:
    del files["en/coupon.email.j2"]

    found = told(
        files,
        ("title:", "titel:"),
        ("offer: back", "offer: bck"),
        ("after thanks,", "after thank,"),
    )

    assert found == [
        "playbook.yaml:2: unknown key titel. Did you mean title?",
        UNKNOWN_WAVE,
        NO_TEXT,
        UNKNOWN_OFFER,
    ]


@pytest.mark.parametrize(
    ("right", "wrong", "problem"),
    [
        ("title: Back in spring", "titles: 5", "playbook.yaml:2: unknown key titles"),
        ("Europe/Berlin", "Berlin", "playbook.yaml:3: timezone: 'Berlin' is not an IANA time zone"),
        ("kind: thanks, after: 1 day", "kind: thanks, after: soon", "playbook.yaml:13: after:"),
        ("{orders_before: 0}", "{orders_befor: -1}", "playbook.yaml:10: unknown key orders_befor"),
        ("cap: {", "budget: 5\ncap: {", "playbook.yaml:26: budget: '5' is not an amount"),
        ("amount: 10 EUR", "amount: ten", "playbook.yaml:23: amount: 'ten' is not an amount"),
        ("event_day:", "day_of_joy:", "playbook.yaml:6: unknown key day_of_joy"),
    ],
)
def test_another_fault_is_shown_as_well(
    files: dict[str, str], right: str, wrong: str, problem: str
) -> None:
    found = told(files, (right, wrong), ("offer: back", "offer: bck"))

    assert UNKNOWN_OFFER in found
    assert any(one.startswith(problem) for one in found)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("kind: thanks", "kind: thnks"),
        ("after: 1 day,", "after: soon,"),
        ("wave: thanks,", "wave: Thanks,"),
        ("channels: [email]", "channels: mail"),
        ("times: 2", "times: two"),
        ("  new: {orders_before: 0}", "  new: {orders_before: none}"),
        ("  new: {orders_before: 0}", "  New: {orders_before: 0}"),
        ("valid: 14 days", "valid: a while"),
        ("valid: 14 days", "validity: 14 days"),
        ("amount: 10 EUR", "gain: 10 EUR"),
        ("locales: [en]", "locales: [English]"),
        ("category: {in: [shoes]}", "category: shoes"),
        ("sends: 10 days", "sends: ten"),
        ("  - {wave: thanks, kind: thanks, after: 1 day, channels: [sms]}", "  - thanks"),
    ],
)
def test_tells_nothing_that_only_follows_from_the_fault(
    files: dict[str, str], right: str, wrong: str
) -> None:
    assert len(told(files, (right, wrong))) == 1


def test_a_key_spelled_right_shows_what_is_wrong_with_its_value(files: dict[str, str]) -> None:
    found = told(files, ("    offer: back", "    ofer: bck"), ("unless: pur", "unles: pir"))

    assert first_words(found) == [
        "playbook.yaml:19: unknown key ofer",
        "playbook.yaml:19: unknown offer bck",
        "playbook.yaml:20: unknown key unles",
        "playbook.yaml:20: unless: 'pirchased' is not one of purchased",
    ]


@pytest.mark.parametrize("section", ["waves", "offers", "tracks"])
def test_a_section_that_is_none_leaves_its_own_problem(files: dict[str, str], section: str) -> None:
    begin = files["playbook.yaml"].index(f"{section}:\n")
    files["playbook.yaml"] = f"{files['playbook.yaml'][:begin]}{section}: 5\n"

    with pytest.raises(PlaybookError) as raised:
        playbook_from_files(files)

    assert f"{section}: 5 is not a" in str(raised.value)


@pytest.mark.parametrize(
    ("rule", "name"),
    [
        ("order_total: {at_least: 299, below: 100}", "order_total"),
        ("order_total: {at_least: 100, below: 100}", "order_total"),
        ("spend: {at_least: 3, below: 1, within: 1 year}", "spend"),
        ("recency: {at_least: 2 months, below: 30 days}", "recency"),
        ("any: [{orders_before: 1}, {orders_before: {at_least: 3, at_most: 2}}]", "orders_before"),
        ("not: {order_total: {at_least: 2, below: 1}}", "order_total"),
    ],
)
def test_a_range_has_something_in_it(files: dict[str, str], rule: str, name: str) -> None:
    found = told(files, ("category: {in: [shoes]}", f"category: {{in: [shoes]}}\n  {rule}"))

    assert found == [f"playbook.yaml:8: {name}: nothing lies between its bounds. Move one of them."]


def test_a_range_whose_end_depends_on_the_month_is_fine(files: dict[str, str]) -> None:
    rule = "category: {in: [shoes]}\n  recency: {at_least: 30 days, below: 1 month}"
    files["playbook.yaml"] = files["playbook.yaml"].replace("category: {in: [shoes]}", rule)

    assert playbook_from_files(files)


@pytest.mark.parametrize("rule", ["{orders_before: {at_least: 0, at_most: 0}}", "{}"])
def test_each_track_can_be_got_into(files: dict[str, str], rule: str) -> None:
    changes = [("{orders_before: {at_least: 1}}", "{orders_before: 0}")]
    if rule == "{}":
        changes = [("new: {orders_before: 0}", "new: {}")]
    else:
        changes.append(("new: {orders_before: 0}", f"new: {rule}"))

    assert first_words(told(files, *changes)) == [
        "playbook.yaml:11: nobody gets into track returning: new above it takes them all"
    ]
