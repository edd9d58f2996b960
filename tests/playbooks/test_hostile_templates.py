import pytest

from orchestrator.playbooks import PlaybookError, playbook_from_files

HOSTILE = [
    "{{ shop.name.__class__.__mro__ }}",
    "{{ shop.__class__ }}",
    "{{ shop['name'] }}",
    "{{ shop|attr('name') }}",
    "{{ shop.name.upper() }}",
    "{{ shop.name.format(shop) }}",
    "{{ ''.join(['a', 'b']) }}",
    "{{ range(1000000000) }}",
    "{% for a in range(99999) %}{% for b in range(99999) %}x{% endfor %}{% endfor %}",
    "{% for letter in shop.name %}{{ letter }}{% endfor %}",
    "{{ 'x' * 500000000 }}",
    "{{ 9 ** 999999999 }}",
    "{{ 1 + 1 }}",
    "{{ 'a' ~ 'b' }}",
    "{{ '%99999999d'|format(1) }}",
    "{{ shop.name|center(100000000) }}",
    "{{ shop.name|truncate(100000000) }}",
    "{{ shop.name|replace('a', 'aaaaaaaa') }}",
    "{{ shop.name|safe }}",
    "{{ shop.name|map('upper') }}",
    "{% set x = 1 %}",
    "{% macro x() %}{% endmacro %}",
    "{% call x() %}{% endcall %}",
    "{% include '/etc/passwd' %}",
    "{% import 'os' as os %}",
    "{% from 'os' import system %}",
    "{% extends 'other' %}",
    "{% filter upper %}x{% endfilter %}",
    "{% autoescape false %}x{% endautoescape %}",
    "{% block text %}x{% endblock %}",
    "{% with x = 1 %}x{% endwith %}",
    "{% raw %}{{ order.item }}{% endraw %}",
    "{{ self }}",
    "{{ self._TemplateReference__context }}",
    "{{ cycler.__init__.__globals__ }}",
    "{{ lipsum(n=100000) }}",
    "{{ [1, 2] }}",
    "{{ {'a': 1} }}",
    "{{ shop.name is defined }}",
    "{{ shop.name if false }}",
    "{% if " + "not " * 40 + "shop.name %}x{% endif %}",
    "{% if shop.name %}" * 40 + "{% endif %}" * 40,
    "{{ " + "(" * 5000 + "shop.name" + ")" * 5000 + " }}",
    "{{ 99999999999999999999999999 }}",
    "{# " + "x" * 70_000 + " #}",
    "{{ unclosed",
]


@pytest.mark.parametrize("template", HOSTILE, ids=range(len(HOSTILE)))
def test_a_template_only_prints_and_chooses(files: dict[str, str], template: str) -> None:
    files["en/care.sms.j2"] += template

    with pytest.raises(PlaybookError) as raised:
        playbook_from_files(files)

    assert {problem.file for problem in raised.value.problems} == {"en/care.sms.j2"}


@pytest.mark.parametrize(
    "template",
    [
        "{{ customer.name or 'friend' }}",
        "{{ customer.name|default('friend', true) }}",
        "{{ customer.first_name or customer.name or 'friend' }}",
        "{{ customer.name if customer.name else 'friend' }}",
        "{% if customer.tier == 'gold' %}{{ customer.tier|title }}{% else %}you{% endif %}",
        "{% if not customer.name %}you{% elif customer.tier %}{{ customer.tier }}{% endif %}",
        "{{ order.item|truncate(20, true, '...') }} {{ order.total|money }}",
        "{{ order.date|date }} {# a note #} {{ locale|upper }}",
        "{% if customer.tier in 'gold silver' and customer.name %}{{ customer.name }}{% endif %}",
    ],
)
def test_a_template_may_say_what_it_needs(files: dict[str, str], template: str) -> None:
    files["en/care.sms.j2"] += template

    assert playbook_from_files(files).files["en/care.sms.j2"].endswith(template)


def test_every_variable_is_known_with_its_line(files: dict[str, str]) -> None:
    facts = playbook_from_files(files).templates["en/care.sms.j2"]

    assert facts.variables == {"shop.name": 1, "order.item": 1, "concern.answer": 2}
