import dataclasses
from pathlib import Path

import pytest

from orchestrator.domain.calendar import Span
from orchestrator.domain.messages import Channel
from orchestrator.domain.money import Money
from orchestrator.playbooks import (
    PlaybookError,
    Problem,
    playbook_from_files,
    read_playbook,
    reopen_playbook,
)

SHIPPED = Path(__file__).parents[2] / "templates"


def written(files: dict[str, str], folder: Path) -> Path:
    for path, text in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    return folder


def problems_in(folder: Path) -> tuple[Problem, ...]:
    with pytest.raises(PlaybookError) as raised:
        read_playbook(folder)
    return raised.value.problems


@pytest.mark.parametrize("name", ["womenswear-double11", "mother-baby"])
def test_reads_the_shipped_playbooks_without_a_problem(name: str) -> None:
    assert read_playbook(SHIPPED / name).definition.playbook == name


def test_womenswear_goes_back_five_times_after_the_first_coupon() -> None:
    definition = read_playbook(SHIPPED / "womenswear-double11").definition

    assert {wave.wave: wave.occurrences for wave in definition.waves} == {
        "thanks": 1,
        "care": 1,
        "coupon": 1,
        "restimulate": 5,
    }


def test_mother_and_baby_thanks_then_gives_then_cares() -> None:
    definition = read_playbook(SHIPPED / "mother-baby").definition

    assert [(wave.kind.value, wave.tracks) for wave in definition.waves] == [
        ("thanks", None),
        ("promo", ("new",)),
        ("promo", ("returning",)),
        ("care", None),
    ]
    assert definition.evaluate.groups == Span(days=2)
    assert definition.evaluate.overall == (Span(days=30), "thanks")


@pytest.mark.parametrize("locale", ["en", "zh-CN"])
def test_mother_and_baby_has_an_answer_for_every_category_and_track(locale: str) -> None:
    playbook = read_playbook(SHIPPED / "mother-baby")

    assert playbook.categories == {"food", "childrenswear", "maternity", "daily", "durables"}
    for category in playbook.categories:
        for track in ("new", "returning"):
            assert playbook.concerns_for(category=category, track=track, locale=locale)


def test_shipped_answers_are_signed_by_roles() -> None:
    playbooks = [read_playbook(folder) for folder in sorted(SHIPPED.iterdir()) if folder.is_dir()]

    assert {entry.curator for playbook in playbooks for entry in playbook.concerns} == {
        "shop operations"
    }


def test_reads_values_in_the_words_of_the_domain(files: dict[str, str]) -> None:
    definition = playbook_from_files(files).definition

    assert definition.offers["back"].amount == Money(1000, "EUR")
    assert definition.waves[1].after == (Span(days=2), "thanks")
    assert definition.waves[2].repeat is not None
    assert definition.holdout == 0.05


def test_the_pinned_copy_is_the_playbook(files: dict[str, str], tmp_path: Path) -> None:
    read = read_playbook(written(files, tmp_path))

    assert playbook_from_files(read.files) == read


def test_line_ends_do_not_make_a_version(files: dict[str, str]) -> None:
    theirs = {path: text.replace("\n", "\r\n") for path, text in files.items()}

    assert playbook_from_files(theirs).version == playbook_from_files(files).version


def test_any_other_change_makes_a_version(files: dict[str, str]) -> None:
    before = playbook_from_files(files).version
    versions = {
        playbook_from_files({**files, path: f"{text}#\n"}).version
        for path, text in files.items()
        if path.endswith((".yaml", ".sms.j2"))
    }

    assert len(versions | {before}) == 6
    assert all(len(version) == 64 for version in versions)


def test_nothing_in_a_playbook_changes(files: dict[str, str]) -> None:
    playbook = playbook_from_files(files)

    with pytest.raises(dataclasses.FrozenInstanceError):
        playbook.version = "other"  # type: ignore[misc]
    with pytest.raises(TypeError):
        playbook.files["en/care.sms.j2"] = "other"  # type: ignore[index]


def test_leaves_notes_and_hidden_files_alone(files: dict[str, str], tmp_path: Path) -> None:
    folder = written({**files, "README.md": "notes", ".git/config": "x"}, tmp_path)

    assert set(read_playbook(folder).files) == set(files)


def test_a_byte_order_mark_does_not_matter(files: dict[str, str], tmp_path: Path) -> None:
    folder = written({**files, "playbook.yaml": "\ufeff" + files["playbook.yaml"]}, tmp_path)

    assert read_playbook(folder).version == playbook_from_files(files).version


def test_says_that_a_folder_is_missing(tmp_path: Path) -> None:
    assert problems_in(tmp_path / "nowhere") == (
        Problem(".", 1, "there is no such folder", "Give a playbook's folder."),
    )


def test_says_on_which_line_a_file_stops_being_utf_8(files: dict[str, str], tmp_path: Path) -> None:
    folder = written(files, tmp_path)
    (folder / "playbook.yaml").write_bytes("playbook: x\ntitle: 春天\n".encode("gb18030"))

    assert problems_in(folder) == (
        Problem("playbook.yaml", 2, "is not UTF-8", "Save it as UTF-8."),
    )


def test_knows_a_file_that_is_no_part_of_a_playbook(files: dict[str, str], tmp_path: Path) -> None:
    folder = written({**files, "en/care.sms.txt": "x"}, tmp_path)

    assert problems_in(folder) == (
        Problem(
            "en/care.sms.txt",
            1,
            "is no part of a playbook",
            "Keep playbook.yaml, concerns/*.yaml and *.j2 here only.",
        ),
    )


def test_does_not_follow_a_link_out_of_the_folder(files: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "secret.j2").write_text("secret")
    folder = written(files, tmp_path / "playbook")
    (folder / "en" / "care.new.sms.j2").symlink_to(tmp_path / "secret.j2")

    assert problems_in(folder) == (
        Problem("en/care.new.sms.j2", 1, "links out of the folder", "Copy the file into it."),
    )


def test_names_the_folder_before_each_file(files: dict[str, str], tmp_path: Path) -> None:
    folder = written({**files, "concerns/en.yaml": "concerns: []\n"}, tmp_path)

    with pytest.raises(PlaybookError, match=f"^{folder}/concerns/en.yaml:1: "):
        read_playbook(folder)


def test_the_most_specific_text_is_taken(files: dict[str, str]) -> None:
    for name in ("care.new", "care.shoes", "care.new.shoes"):
        files[f"en/{name}.sms.j2"] = files["en/care.sms.j2"]
    playbook = playbook_from_files(files)

    def taken(track: str, category: str | None) -> str:
        return playbook.template_for(
            wave="care",
            variant=None,
            track=track,
            category=category,
            channel=Channel.SMS,
            locale="en",
        )

    assert taken("new", "shoes") == "en/care.new.shoes.sms.j2"
    assert taken("new", "hats") == "en/care.new.sms.j2"
    assert taken("returning", "shoes") == "en/care.shoes.sms.j2"
    assert taken("returning", None) == "en/care.sms.j2"


def test_a_text_of_the_variant_wins_over_one_of_the_track(files: dict[str, str]) -> None:
    files["playbook.yaml"] = files["playbook.yaml"].replace(
        "    offer: back",
        "    offer: back\n    variants: [{variant: a, share: 50%}, {variant: b, share: 50%}]",
    )
    for name in ("coupon.a", "coupon.new"):
        files[f"en/{name}.email.j2"] = files["en/coupon.email.j2"]
    playbook = playbook_from_files(files)

    assert [
        playbook.template_for(
            wave="coupon",
            variant=variant,
            track="new",
            category=None,
            channel=Channel.EMAIL,
            locale="en",
        )
        for variant in ("a", "b")
    ] == ["en/coupon.a.email.j2", "en/coupon.new.email.j2"]


def test_speaks_the_nearest_language_and_else_the_first() -> None:
    playbook = read_playbook(SHIPPED / "mother-baby")

    assert [playbook.locale_for(wanted) for wanted in ("en", "en-GB", "EN", "zh_TW", "fr")] == [
        "en",
        "en",
        "en",
        "zh-CN",
        "zh-CN",
    ]


def test_what_is_asked_most_by_this_track_comes_first(files: dict[str, str]) -> None:
    entry = (
        "  - {category: shoes, audience: new, question: q%d, answer: a,"
        " curator: support, dated: 2026-02-01, evidence: %d}\n"
    )
    files["concerns/en.yaml"] += entry % (1, 3) + entry % (2, 5)
    playbook = playbook_from_files(files)

    def evidence(track: str) -> list[int]:
        entries = playbook.concerns_for(category="shoes", track=track, locale="en")
        return [concern.evidence for concern in entries]

    assert evidence("new") == [5, 3, 12]
    assert evidence("returning") == [12]


def test_a_running_campaigns_copy_opens_even_where_a_later_check_would_refuse_it() -> None:
    files = dict(read_playbook(SHIPPED / "womenswear-double11").files)
    files["en/unused.sms.j2"] = files["en/thanks.new.sms.j2"]

    with pytest.raises(PlaybookError):
        playbook_from_files(files)

    assert reopen_playbook(files).definition.playbook == "womenswear-double11"
