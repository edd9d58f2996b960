import pytest

from orchestrator.playbooks import PlaybookError, Problem, playbook_from_files

# file, what stands there, what somebody writes instead, what they are told
BROKEN = [
    pytest.param(
        "playbook.yaml",
        "holdout: 5%",
        "holdot: 5%",
        Problem("playbook.yaml", 8, "unknown key holdot", "Did you mean holdout?"),
        id="a key with a typo",
    ),
    pytest.param(
        "playbook.yaml",
        "    unless: purchased",
        "    unles: purchased",
        Problem("playbook.yaml", 20, "unknown key unles", "Did you mean unless?"),
        id="a key of a wave with a typo",
    ),
    pytest.param(
        "playbook.yaml",
        "category: {in: [shoes]}",
        "categry: {in: [shoes]}",
        Problem("playbook.yaml", 7, "unknown key categry", "Did you mean category?"),
        id="a rule that does not exist",
    ),
    pytest.param(
        "playbook.yaml",
        "title: Back in spring",
        "title: Back in spring\ntitle: Back again",
        Problem("playbook.yaml", 3, "title is here twice, first on line 2", "Keep one."),
        id="a key twice",
    ),
    pytest.param(
        "playbook.yaml",
        "audience:\n  event_day: {from: 2026-03-01, to: 2026-03-02}\n  category: {in: [shoes]}\n",
        "",
        Problem(
            "playbook.yaml",
            1,
            "audience is missing",
            "Add a line 'audience: …'. See docs/playbook-format.md.",
        ),
        id="no audience",
    ),
    pytest.param(
        "playbook.yaml",
        "kind: promo",
        "kind: promotion",
        Problem(
            "playbook.yaml",
            16,
            "kind: 'promotion' is not one of thanks, care, promo, greeting",
            "Did you mean promo?",
        ),
        id="a kind that does not exist",
    ),
    pytest.param(
        "playbook.yaml",
        "by: category",
        "by: categry",
        Problem(
            "playbook.yaml", 14, "by: 'categry' is not one of category", "Did you mean category?"
        ),
        id="a wrong by",
    ),
    pytest.param(
        "playbook.yaml",
        "channels: [email]",
        "channels: [e-mail]",
        Problem(
            "playbook.yaml",
            18,
            "channels: 'e-mail' is not one of sms, email",
            "Did you mean email?",
        ),
        id="a channel that does not exist",
    ),
    pytest.param(
        "playbook.yaml",
        "offer: back",
        "offer: bck",
        Problem("playbook.yaml", 19, "unknown offer bck", "Did you mean back?"),
        id="an offer that does not exist",
    ),
    pytest.param(
        "playbook.yaml",
        "amount: 10 EUR",
        "amount: 10 EUR, percent: 5",
        Problem(
            "playbook.yaml",
            23,
            "back: gives nothing, or several things at once",
            "Write exactly one of amount, percent, free_postage, gift, ladder.",
        ),
        id="an offer that gives two things",
    ),
    pytest.param(
        "playbook.yaml",
        "min_spend: 50 EUR",
        "min_spend: 50 CNY",
        Problem("playbook.yaml", 23, "offer back gives EUR and asks CNY", "Use one currency."),
        id="an offer in two currencies",
    ),
    pytest.param(
        "playbook.yaml",
        "amount: 10 EUR",
        "amount: 10",
        Problem(
            "playbook.yaml",
            23,
            "amount: '10' is not an amount with a currency",
            "Write it like 199 CNY.",
        ),
        id="money without a currency",
    ),
    pytest.param(
        "playbook.yaml",
        "2 days after thanks",
        "2 days after thank",
        Problem("playbook.yaml", 14, "care follows unknown wave thank", "Did you mean thanks?"),
        id="a wave after none",
    ),
    pytest.param(
        "playbook.yaml",
        "after: 1 day,",
        "after: 1 day after coupon,",
        Problem(
            "playbook.yaml",
            13,
            "thanks follows coupon, which is not before it",
            "List thanks below coupon.",
        ),
        id="a wave after a later one",
    ),
    pytest.param(
        "playbook.yaml",
        "wave: care,",
        "wave: thanks,",
        Problem("playbook.yaml", 14, "a second wave thanks", "Rename one of them."),
        id="two waves of one name",
    ),
    pytest.param(
        "playbook.yaml",
        "    offer: back",
        "    tracks: [old]\n    offer: back",
        Problem("playbook.yaml", 19, "unknown track old", "Known here: new, returning."),
        id="an unknown track",
    ),
    pytest.param(
        "playbook.yaml",
        "after: 7 days",
        "after: 1 hour",
        Problem(
            "playbook.yaml",
            17,
            "coupon is due before thanks, which stands above it, is over",
            "List coupon above thanks.",
        ),
        id="a wave below one that comes later",
    ),
    pytest.param(
        "playbook.yaml",
        "kind: thanks, after: 1 day, channels: [sms]",
        "kind: promo, after: 1 day, channels: [sms]",
        Problem(
            "playbook.yaml",
            13,
            "thanks sells to track new, returning before any thanks or care",
            "Send a thanks or care wave first, or write 'waive: [care-first]'.",
        ),
        id="selling before any care",
    ),
    pytest.param(
        "playbook.yaml",
        "after: 7 days",
        "after: a week",
        Problem(
            "playbook.yaml",
            17,
            "after: 'a week' is not a length of time",
            "Write it like 10 days or 1 month.",
        ),
        id="a length of time that is none",
    ),
    pytest.param(
        "playbook.yaml",
        "every: 1 month",
        "every: 0 days",
        Problem(
            "playbook.yaml",
            21,
            "every: '0 days' has no length",
            "Write it like 10 days or 1 month.",
        ),
        id="a repeat without length",
    ),
    pytest.param(
        "playbook.yaml",
        "holdout: 5%",
        "holdout: 150%",
        Problem("playbook.yaml", 8, "holdout: 1.5 is not between 0 and 1", "Write 5% or 0.05."),
        id="a share above one",
    ),
    pytest.param(
        "playbook.yaml",
        "holdout: 5%",
        "holdout: some",
        Problem("playbook.yaml", 8, "holdout: 'some' is not a share", "Write it like 5% or 0.05."),
        id="a share that is none",
    ),
    pytest.param(
        "playbook.yaml",
        "Europe/Berlin",
        "Europe/Berln",
        Problem(
            "playbook.yaml",
            3,
            "timezone: 'Europe/Berln' is not an IANA time zone",
            "Write it like Europe/Berlin.",
        ),
        id="an unknown time zone",
    ),
    pytest.param(
        "playbook.yaml",
        "locales: [en]",
        "locales: [english]",
        Problem(
            "playbook.yaml",
            4,
            "locales: 'english' is not a language tag",
            "Write it like en or zh-CN.",
        ),
        id="an unknown language",
    ),
    pytest.param(
        "playbook.yaml",
        "to: 2026-03-02",
        "to: 2026-02-02",
        Problem(
            "playbook.yaml",
            6,
            "event_day: the event ends (2026-02-02) before it begins (2026-03-01)",
            "Swap from and to.",
        ),
        id="an event that ends before it begins",
    ),
    pytest.param(
        "playbook.yaml",
        "from: 2026-03-01",
        "from: 2026-02-30",
        Problem(
            "playbook.yaml", 6, "from: '2026-02-30' is not a date", "Write it like 2026-11-11."
        ),
        id="a date that is none",
    ),
    pytest.param(
        "concerns/en.yaml",
        '"Take the larger size when in doubt."',
        '"Take\\nthe larger."',
        Problem(
            "concerns/en.yaml",
            4,
            "answer cannot be written as 'Take\\nthe larger.'",
            "Write it on one line.",
        ),
        id="an answer of two lines",
    ),
    pytest.param(
        "concerns/en.yaml",
        '"Do they run small?"',
        '"Do they? Do they? Do they? Do they? Do they? Do they? Do they? Do they? Do they? Do they? Do they? Do they? Do they? Do they? Do they? Do they? Do they? Do they? Do they? Do they? "',
        Problem(
            "concerns/en.yaml",
            3,
            "question: 'Do they? Do they? Do they? Do they? Do they? Do they? Do th… does not fit",
            "It should have at most 120 characters.",
        ),
        id="a question too long",
    ),
    pytest.param(
        "playbook.yaml",
        "playbook: spring",
        "playbook: Spring 2026",
        Problem(
            "playbook.yaml",
            1,
            "playbook cannot be written as 'Spring 2026'",
            "Use lower-case letters, digits and hyphens, at most 40.",
        ),
        id="a name with capitals",
    ),
    pytest.param(
        "playbook.yaml",
        "  back:",
        "  Back:",
        Problem(
            "playbook.yaml",
            23,
            "Back cannot be written as 'Back'",
            "Use lower-case letters, digits and hyphens, at most 40.",
        ),
        id="an offer's name with capitals",
    ),
    pytest.param(
        "playbook.yaml",
        "times: 2",
        "times: 500",
        Problem(
            "playbook.yaml", 21, "times: 500 does not fit", "It should be less than or equal to 60."
        ),
        id="too many repeats",
    ),
    pytest.param(
        "playbook.yaml",
        "from: 2026-03-01",
        "from: 20260301",
        Problem("playbook.yaml", 6, "from: 20260301 is not a date", "Write it like 2026-11-11."),
        id="a date that is a number",
    ),
    pytest.param(
        "playbook.yaml",
        "amount: 10 EUR",
        "amount: 0 EUR",
        Problem(
            "playbook.yaml",
            23,
            "amount: '0 EUR' is no amount above nothing",
            "Write it like 20 CNY.",
        ),
        id="an offer that gives nothing",
    ),
    pytest.param(
        "concerns/en.yaml",
        '"Take the larger size when in doubt."',
        '" "',
        Problem(
            "concerns/en.yaml", 4, "answer: ' ' is empty", "Write something or remove the key."
        ),
        id="an answer that is blank",
    ),
    pytest.param(
        "concerns/en.yaml",
        "evidence: 12",
        "evidence: 0",
        Problem(
            "concerns/en.yaml",
            7,
            "evidence: 0 does not fit",
            "It should be greater than or equal to 1.",
        ),
        id="evidence that is none",
    ),
    pytest.param(
        "concerns/en.yaml",
        "category: shoes",
        "category: shoes/boots",
        Problem(
            "concerns/en.yaml",
            2,
            "category cannot be written as 'shoes/boots'",
            "Leave out dots, slashes and spaces at its ends: files are named after it.",
        ),
        id="a category that cannot be a file's name",
    ),
    pytest.param(
        "playbook.yaml",
        "{at_least: 1}",
        "{}",
        Problem(
            "playbook.yaml", 11, "orders_before: has no bound", "Write at_least, at_most or below."
        ),
        id="a bound that is missing",
    ),
    pytest.param(
        "playbook.yaml",
        ', to: "09:00"',
        "",
        Problem(
            "playbook.yaml",
            25,
            "quiet_hours: quiet hours need from and to",
            'Write it like {from: "21:00", to: "09:00"}.',
        ),
        id="quiet hours without end",
    ),
    pytest.param(
        "playbook.yaml",
        'to: "09:00"',
        'to: "21:00"',
        Problem(
            "playbook.yaml",
            25,
            "quiet_hours: quiet hours end when they begin",
            "Write two different times.",
        ),
        id="quiet hours all day",
    ),
    pytest.param(
        "playbook.yaml",
        "1 per 14 days",
        "once",
        Problem("playbook.yaml", 26, "promo: 'once' is not a cap", "Write it like 1 per 14 days."),
        id="a cap that is none",
    ),
    pytest.param(
        "playbook.yaml",
        "30 days after thanks",
        "30 days after thx",
        Problem(
            "playbook.yaml",
            24,
            "overall counts from unknown wave thx",
            "Known here: care, coupon, thanks.",
        ),
        id="evaluation from an unknown wave",
    ),
    pytest.param(
        "playbook.yaml",
        "30 days after thanks",
        "30 days after coupon",
        Problem(
            "playbook.yaml",
            24,
            "overall counts from coupon, which is not the first wave of track new, returning",
            "Leave out 'after coupon': each track counts from its first wave.",
        ),
        id="evaluation from a later wave",
    ),
    pytest.param(
        "playbook.yaml",
        "kind: thanks, after: 1 day,",
        "kind: thanks, unless: purchased, after: 1 day,",
        Problem(
            "playbook.yaml",
            13,
            "thanks comes first and leaves out who bought before it, "
            "so that evaluate.overall would miss their purchases",
            "Remove 'unless' here, or overall below evaluate.",
        ),
        id="buyers leave before they are compared",
    ),
    pytest.param(
        "playbook.yaml",
        "sends: 10 days",
        "sends: 1 month",
        Problem("playbook.yaml", 24, "evaluate: months have no exact length", "Use days."),
        id="months where days are needed",
    ),
    pytest.param(
        "playbook.yaml",
        "[en]",
        "[en, de]",
        Problem(
            "playbook.yaml",
            4,
            "the locale de has no texts",
            "Create the folder de or remove it from locales.",
        ),
        id="a second locale without texts",
    ),
    pytest.param(
        "playbook.yaml",
        "title: Back in spring",
        "title: &t Back\nbudget: *t",
        Problem("playbook.yaml", 3, "aliases are not part of the format", "Write it out."),
        id="an alias",
    ),
    pytest.param(
        "playbook.yaml",
        "title: Back in spring",
        "title: !!python/name:os.system Back",
        Problem(
            "playbook.yaml",
            2,
            "the tag tag:yaml.org,2002:python/name:os.system is not part of the format",
            "Remove it.",
        ),
        id="a tag",
    ),
    pytest.param(
        "playbook.yaml",
        "locales: [en]",
        "locales: [en",
        Problem(
            "playbook.yaml",
            5,
            "not YAML: expected ',' or ']', but got ':'",
            "Correct the spelling of this line.",
        ),
        id="broken YAML",
    ),
    pytest.param(
        "playbook.yaml",
        "    offer: back",
        "    variants: [{variant: a, share: 50%}, {variant: b, share: 40%}]\n    offer: back",
        Problem(
            "playbook.yaml", 15, "waves: the shares of the variants add up to 90%", "Make it 100%."
        ),
        id="variants that do not add up",
    ),
    pytest.param(
        "playbook.yaml",
        "    offer: back",
        "    variants: [{variant: new, share: 100%}]\n    offer: back",
        Problem(
            "playbook.yaml",
            19,
            "new is a track and a variant",
            "Rename the variant: their texts' file names would be the same.",
        ),
        id="a variant called like a track",
    ),
    pytest.param(
        "en/care.sms.j2",
        "{{ concern.answer }}",
        "{{ concern.answer }}{% if shop.url == '' %}{{ shop.nam }}{% endif %}",
        Problem("en/care.sms.j2", 2, "unknown variable shop.nam", "Did you mean shop.name?"),
        id="an unknown variable in a branch not taken",
    ),
    pytest.param(
        "en/thanks.new.sms.j2",
        "thank you",
        "thank you {{ customer.name }}",
        Problem(
            "en/thanks.new.sms.j2",
            1,
            "customer.name may be empty",
            "Say what stands there then: {{ customer.name or '…' }}.",
        ),
        id="a variable that may be empty",
    ),
    pytest.param(
        "en/care.sms.j2",
        "order.item",
        "order.item|uper",
        Problem("en/care.sms.j2", 1, "unknown filter uper", "Did you mean upper?"),
        id="an unknown filter",
    ),
    pytest.param(
        "en/care.sms.j2",
        "order.item",
        "order.item|date",
        Problem(
            "en/care.sms.j2",
            1,
            "the filter date does not fit order.item",
            "It writes order.date, coupon.valid_until.",
        ),
        id="a filter on the wrong type",
    ),
    pytest.param(
        "en/care.sms.j2",
        "{{ concern",
        "{% if %}{{ concern",
        Problem(
            "en/care.sms.j2",
            2,
            "not a template: Expected an expression, got 'end of statement block'",
            "Correct this line.",
        ),
        id="a template that is none",
    ),
    pytest.param(
        "en/care.sms.j2",
        "{{ order.item }}",
        "you",
        Problem(
            "en/care.sms.j2",
            1,
            "a care message has to say order.item, many forgot where they bought",
            "Print {{ order.item }} in each body.",
        ),
        id="care without the item",
    ),
    pytest.param(
        "en/coupon.email.j2",
        " {{ coupon.code }}",
        "",
        Problem(
            "en/coupon.email.j2",
            1,
            "the coupon of wave coupon is not named",
            "Print {{ coupon.code }}.",
        ),
        id="a coupon without its code",
    ),
    pytest.param(
        "en/thanks.new.sms.j2",
        "thank you",
        "{{ coupon.code }}",
        Problem(
            "en/thanks.new.sms.j2",
            1,
            "coupon.code: wave thanks has no offer",
            "Remove it, or let the wave give it (offer).",
        ),
        id="a coupon where there is none",
    ),
    pytest.param(
        "en/thanks.new.sms.j2",
        "thank you",
        "{{ concern.answer }}",
        Problem(
            "en/thanks.new.sms.j2",
            1,
            "concern.answer: wave thanks is not 'by: category'",
            "Remove it, or let the wave give it (category).",
        ),
        id="a concern where there is none",
    ),
    pytest.param(
        "en/coupon.email.j2",
        " {{ shop.unsubscribe_url }}",
        "",
        Problem(
            "en/coupon.email.j2",
            1,
            "the block text lacks shop.unsubscribe_url",
            "Print {{ shop.unsubscribe_url }}.",
        ),
        id="an e-mail without its link to unsubscribe",
    ),
    pytest.param(
        "en/coupon.email.j2",
        "{% block subject %}About your {{ order.item }}{% endblock %}\n",
        "",
        Problem(
            "en/coupon.email.j2",
            1,
            "the e-mail has no block subject",
            "Add {% block subject %}…{% endblock %}.",
        ),
        id="an e-mail without a subject",
    ),
    pytest.param(
        "en/coupon.email.j2",
        "{% block text",
        "Hello\n{% block text",
        Problem(
            "en/coupon.email.j2",
            1,
            "text outside the blocks",
            "Move it into subject, text or html.",
        ),
        id="text outside the blocks",
    ),
    pytest.param(
        "en/care.sms.j2",
        " STOP ends this",
        "",
        Problem(
            "en/care.sms.j2",
            1,
            "the SMS does not say how to opt out",
            "End it with STOP, 退订 or 拒收.",
        ),
        id="an SMS without a way out",
    ),
    pytest.param(
        "en/thanks.returning.sms.j2",
        "welcome back",
        "thank you",
        Problem(
            "playbook.yaml",
            13,
            "new and returning customers get the same sms thanks in en",
            "Write en/thanks.returning.sms.j2, which thanks for coming back.",
        ),
        id="the same thanks for both",
    ),
    pytest.param(
        "concerns/en.yaml",
        "    curator: shop operations\n",
        "",
        Problem(
            "concerns/en.yaml",
            2,
            "curator is missing",
            "Add a line 'curator: …'. See docs/playbook-format.md.",
        ),
        id="an answer without a curator",
    ),
    pytest.param(
        "concerns/en.yaml",
        "    evidence: 12",
        "    evidence: 12\n    audience: old",
        Problem(
            "concerns/en.yaml",
            8,
            "audience: 'old' is not one of new, returning, any",
            "Known here: any, new, returning.",
        ),
        id="an answer for nobody",
    ),
    pytest.param(
        "concerns/en.yaml",
        "    evidence: 12",
        "    evidence: 12\n    audience: new",
        Problem(
            "playbook.yaml",
            14,
            "no answer for shoes, track returning, in en",
            "Add an entry to concerns/en.yaml.",
        ),
        id="no answer for the returning",
    ),
]


@pytest.mark.parametrize(("file", "right", "wrong", "problem"), BROKEN)
def test_says_where_it_is_what_it_is_and_what_to_do(
    files: dict[str, str], file: str, right: str, wrong: str, problem: Problem
) -> None:
    files[file] = files[file].replace(right, wrong, 1)

    with pytest.raises(PlaybookError) as raised:
        playbook_from_files(files)

    assert raised.value.problems == (problem,)


def problems_of(files: dict[str, str]) -> tuple[Problem, ...]:
    with pytest.raises(PlaybookError) as raised:
        playbook_from_files(files)
    return raised.value.problems


def test_a_repeat_needs_an_answer_each_time(files: dict[str, str]) -> None:
    once = "by: category, channels: [sms]"
    thrice = f"{once}, repeat: {{times: 3, every: 1 day}}"
    files["playbook.yaml"] = files["playbook.yaml"].replace(once, thrice)

    assert problems_of(files) == tuple(
        Problem(
            "playbook.yaml",
            14,
            f"too few answers for shoes, track {track}, in en: 1, and wave care comes to 3",
            "Add 2 entries to concerns/en.yaml.",
        )
        for track in ("new", "returning")
    )


def test_two_waves_need_an_answer_each(files: dict[str, str]) -> None:
    """The same question for this track and for anybody is one answer, not two."""
    again = (
        "  - {wave: more, kind: care, after: 3 days after thanks, by: category, channels: [sms],"
    )
    coupon = "  - wave: coupon"
    files["playbook.yaml"] = files["playbook.yaml"].replace(
        coupon, f"{again} tracks: [new]}}\n{coupon}"
    )
    files["en/more.sms.j2"] = files["en/care.sms.j2"]
    entry = files["concerns/en.yaml"].removeprefix("concerns:\n")
    files["concerns/en.yaml"] += f"{entry}    audience: new\n"

    assert problems_of(files) == (
        Problem(
            "playbook.yaml",
            15,
            "too few answers for shoes, track new, in en: 1, and wave more comes to 2",
            "Add an entry to concerns/en.yaml.",
        ),
    )


def test_shows_all_problems_at_once(files: dict[str, str]) -> None:
    files["playbook.yaml"] = (
        files["playbook.yaml"].replace("offer: back", "offer: bck").replace("5%", "500%")
    )
    files["en/care.sms.j2"] = files["en/care.sms.j2"].replace("shop.name", "shop.nme")
    files["concerns/en.yaml"] = files["concerns/en.yaml"].replace("curator", "author")

    assert [(problem.file, problem.line) for problem in problems_of(files)] == [
        ("concerns/en.yaml", 5),
        ("en/care.sms.j2", 1),
        ("en/care.sms.j2", 1),
        ("playbook.yaml", 8),
        ("playbook.yaml", 19),
    ]


def test_prints_one_problem_a_line(files: dict[str, str]) -> None:
    files["playbook.yaml"] = files["playbook.yaml"].replace("offer: back", "offer: bck")

    with pytest.raises(PlaybookError) as raised:
        playbook_from_files(files)

    assert str(raised.value) == "playbook.yaml:19: unknown offer bck. Did you mean back?"


@pytest.mark.parametrize("text", ["", "- one\n", "just words\n", "# only a comment\n"])
def test_needs_a_mapping(files: dict[str, str], text: str) -> None:
    files["playbook.yaml"] = text

    assert problems_of(files) == (
        Problem(
            "playbook.yaml",
            1,
            "is not a mapping of keys to values",
            "Begin with a line 'key: value'.",
        ),
    )


def test_needs_the_main_file() -> None:
    assert problems_of({}) == (
        Problem(
            "playbook.yaml", 1, "the file is missing", "Create it; see docs/playbook-format.md."
        ),
    )


def test_is_not_brought_down_by_a_flood_of_brackets(files: dict[str, str]) -> None:
    files["playbook.yaml"] = "a: " + "[" * 50_000

    assert problems_of(files)[0].message == "not YAML: nested more than 24 levels deep"


def test_refuses_aliases_so_that_nothing_can_grow(files: dict[str, str]) -> None:
    files["concerns/en.yaml"] = "a: &a [x, x]\nb: &b [*a, *a]\nconcerns: [*b, *b]\n"

    messages = {problem.message for problem in problems_of(files)}

    assert "aliases are not part of the format" in messages


def test_misses_the_text_of_one_track(files: dict[str, str]) -> None:
    del files["en/thanks.returning.sms.j2"]

    assert problems_of(files) == (
        Problem(
            "playbook.yaml",
            13,
            "wave thanks has no sms text in en for track returning",
            "Create en/thanks.sms.j2.",
        ),
    )


def test_misses_a_text_once_however_many_would_get_it(files: dict[str, str]) -> None:
    del files["en/care.sms.j2"]

    assert problems_of(files) == (
        Problem("playbook.yaml", 14, "wave care has no sms text in en", "Create en/care.sms.j2."),
    )


@pytest.mark.parametrize(
    ("path", "message", "remedy"),
    [
        ("en/cuopon.sms.j2", "no wave is called cuopon", "Did you mean coupon?"),
        (
            "en/care.shos.sms.j2",
            "wave care has no variant, track or category shos",
            "Did you mean shoes?",
        ),
        ("de/care.sms.j2", "the locale de is not in locales", "Known here: en."),
        (
            "en/care.smss.j2",
            "not the name of a text",
            "Name it <locale>/<wave>.<sms or email>.j2.",
        ),
        (
            "en/care.shoes.new.sms.j2",
            "no message would use this text",
            "Check the order of its words, or remove it.",
        ),
    ],
)
def test_finds_texts_that_nobody_would_get(
    files: dict[str, str], path: str, message: str, remedy: str
) -> None:
    files[path] = files["en/care.sms.j2"]

    assert problems_of(files) == (Problem(path, 1, message, remedy),)


def test_a_question_has_one_answer(files: dict[str, str]) -> None:
    files["concerns/en.yaml"] += files["concerns/en.yaml"].partition("\n")[2]

    assert problems_of(files) == (
        Problem(
            "concerns/en.yaml",
            9,
            "the question is here twice for shoes, any",
            "Keep one answer.",
        ),
    )


def test_lets_a_playbook_sell_first_where_it_says_so(files: dict[str, str]) -> None:
    selling = files["playbook.yaml"].replace("kind: thanks", "kind: promo")

    files["playbook.yaml"] = f"{selling}waive: [care-first]\n"

    assert playbook_from_files(files).definition.waive == ("care-first",)
