import pytest

EMAIL = """\
{% block subject %}About your {{ order.item }}{% endblock %}
{% block text %}
{{ shop.name }}: {{ order.item }} {{ coupon.code }}
{{ shop.postal_address }} {{ shop.unsubscribe_url }}
{% endblock %}
"""
PLAYBOOK = """\
playbook: spring
title: Back in spring
timezone: Europe/Berlin
locales: [en]
audience:
  event_day: {from: 2026-03-01, to: 2026-03-02}
  category: {in: [shoes]}
holdout: 5%
tracks:
  new: {orders_before: 0}
  returning: {orders_before: {at_least: 1}}
waves:
  - {wave: thanks, kind: thanks, after: 1 day, channels: [sms]}
  - {wave: care, kind: care, after: 2 days after thanks, by: category, channels: [sms]}
  - wave: coupon
    kind: promo
    after: 7 days
    channels: [email]
    offer: back
    unless: purchased
    repeat: {times: 2, every: 1 month}
offers:
  back: {amount: 10 EUR, min_spend: 50 EUR, valid: 14 days}
evaluate: {sends: 10 days, overall: 30 days after thanks}
quiet_hours: {from: "21:00", to: "09:00"}
cap: {promo: 1 per 14 days}
"""
CONCERNS = """\
concerns:
  - category: shoes
    question: "Do they run small?"
    answer: "Take the larger size when in doubt."
    curator: shop operations
    dated: 2026-02-01
    evidence: 12
"""


@pytest.fixture
def files() -> dict[str, str]:
    """A small playbook without a fault."""
    return {
        "playbook.yaml": PLAYBOOK,
        "concerns/en.yaml": CONCERNS,
        "en/thanks.new.sms.j2": "{{ shop.name }}: thank you! Reply STOP to opt out.\n",
        "en/thanks.returning.sms.j2": "{{ shop.name }}: welcome back! Reply STOP to opt out.\n",
        "en/care.sms.j2": "{{ shop.name }}, {{ order.item }}:\n{{ concern.answer }} STOP ends this.\n",
        "en/coupon.email.j2": EMAIL,
    }
