from collections.abc import Callable

import pytest

from orchestrator.playbooks import playbook_from_files
from orchestrator.rendering import Renderer

PLAYBOOK = """\
playbook: spring
title: Back in spring
timezone: Europe/Berlin
locales: [en]
audience: {}
waves:
  - {wave: thanks, kind: thanks, after: 1 day, channels: [sms]}
  - {wave: letter, kind: greeting, after: 2 days, channels: [email]}
"""
LETTER = """\
{% block subject %}About your {{ order.item }}{% endblock %}
{% block text %}
{{ order.item }} for {{ customer.name or 'you' }}
{{ shop.postal_address }} {{ shop.unsubscribe_url }}
{% endblock %}
{% block html %}
<p title="{{ order.item }}">{{ order.item }}</p>
{{ shop.postal_address }} {{ shop.unsubscribe_url }}
{% endblock %}
"""


@pytest.fixture
def renderer_of() -> Callable[[str], Renderer]:
    """A renderer whose SMS ``en/thanks.sms.j2`` begins with the given template."""

    def make(sms: str = "{{ shop.name }}") -> Renderer:
        files = {
            "playbook.yaml": PLAYBOOK,
            "en/thanks.sms.j2": f"{sms} Reply STOP to opt out.\n",
            "en/letter.email.j2": LETTER,
        }
        return Renderer(playbook_from_files(files))

    return make
