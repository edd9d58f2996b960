"""A shop of any size, written in bulk straight into the tables; the same rows on both databases.

Three orders a customer. Six customers in ten bought on the event day. One in twenty has no consent;
one in a hundred lives in another time zone; one in fifty shares a phone with a neighbour.
"""

from datetime import UTC, date, datetime, timedelta

from sqlalchemy import text

from orchestrator.domain.shop import Shop
from orchestrator.playbooks import Definition, Playbook, playbook_from_files
from orchestrator.store import campaigns
from orchestrator.store.campaigns import StoredCampaign
from orchestrator.store.database import Connection, Database
from orchestrator.store.schema import address_key, upgrade
from orchestrator.store.tables import micros

EVENT = datetime(2025, 11, 11, 4, 0, tzinfo=UTC)  # noon in Shanghai
LAUNCH = EVENT + timedelta(hours=14)
DUE = EVENT + timedelta(days=7, hours=14)  # when the one wave is planned: all of it is due
ADMITTED = 0.6
SHOP = Shop(
    name="Lotus & Linen",
    url="https://shop.example",
    postal_address="1 Example Road, Shanghai",
    unsubscribe_url="https://shop.example/stop",
    currency="CNY",
    country="CN",
    timezone="Asia/Shanghai",
    locale="zh-CN",
    sms_price=5_000,
    email_price=200,
)
WAVE = {
    "wave": "coupon",
    "kind": "promo",
    "after": "7 days",
    "channels": ["sms", "email"],
    "holdout": "10%",
    "unless": "purchased",
}
_DAY = 86_400 * 1_000_000
_YAML = """\
playbook: bench
title: Bench
timezone: Asia/Shanghai
locales: [zh-CN, en]
waive: [care-first]
audience:
  event_day: {from: 2025-11-11, to: 2025-11-11}
  order_total: {at_least: 299}
holdout: 10%
waves:
  - {wave: coupon, kind: promo, after: 7 days, channels: [sms, email], offer: back, holdout: 10%,
     unless: purchased}
offers: {back: {amount: 20 CNY, min_spend: 199 CNY, valid: 14 days}}
"""
_EMAIL = """\
{% block subject %}{{ coupon.value }}{% endblock %}
{% block text %}
{{ shop.name }}, {{ shop.postal_address }}: {{ coupon.code }}. {{ shop.unsubscribe_url }}
{% endblock %}
"""
_FILES = {
    "playbook.yaml": _YAML,
    "zh-CN/coupon.sms.j2": "【{{ shop.name }}】{{ coupon.code }} {{ coupon.value }} 拒收请回复R",
    "en/coupon.sms.j2": "{{ shop.name }}: {{ coupon.code }} {{ coupon.value }} STOP to opt out",
    "zh-CN/coupon.email.j2": _EMAIL,
    "en/coupon.email.j2": _EMAIL,
}


def definition(*, coupon: bool = False, **more: object) -> Definition:
    """One promo wave with a campaign and a wave holdout of a tenth each."""
    wave = {**WAVE, "offer": "back"} if coupon else WAVE
    return Definition.model_validate(
        {
            "playbook": "bench",
            "title": "Bench",
            "timezone": "Asia/Shanghai",
            "locales": ["zh-CN", "en"],
            "audience": {
                "event_day": {"from": date(2025, 11, 11), "to": date(2025, 11, 11)},
                "order_total": {"at_least": 299},
            },
            "holdout": "10%",
            "waves": [wave],
            "offers": {"back": {"amount": "20 CNY", "min_spend": "199 CNY", "valid": "14 days"}},
            "quiet_hours": {"from": "21:00", "to": "09:00"},
            **more,
        }
    )


def playbook() -> Playbook:
    """The same wave with coupons and its texts, to be dispatched."""
    return playbook_from_files(_FILES)


def fill(database: Database, customers: int) -> None:
    """Make the schema, the customers, their consents and orders."""
    upgrade(database, LAUNCH)
    key = address_key(database)
    with database.write() as connection:
        series = _series(connection, customers)
        given = {"series": series, "event": micros(EVENT), "day": _DAY, "n": customers}
        connection.execute(text(_CUSTOMERS.format(**given)), {"key": key})
        connection.execute(text(_CONSENTS.format(**given)))
        for turn, at in enumerate(_PLACED):
            placed = at.format(**given)
            connection.execute(text(_ORDERS.format(**given, first=turn * customers, at=placed)))
        if connection.dialect.name == "postgresql":
            for table in ("customers", "orders"):
                connection.execute(text(f"SELECT setval('{table}_id_seq', max(id)) FROM {table}"))
    analyze(database)


def analyze(database: Database) -> None:
    with database.write() as connection:
        connection.execute(text("ANALYZE"))


def launch(database: Database, name: str, texts: Playbook | None = None) -> StoredCampaign:
    with database.write() as connection:
        campaign = campaigns.add(
            connection,
            name=name,
            playbook="bench",
            version=texts.version if texts else "0" * 64,
            files=texts.files if texts else {},
            salt="salt",
            shop=SHOP,
            now=LAUNCH,
        )
        return campaigns.get(connection, campaign)


def empty(database: Database) -> None:
    """Take back all that was enrolled and planned; the shop and the campaigns stay."""
    names = ("evaluations", "messages", "coupons", "sends", "enrollments")
    with database.engine.connect() as connection:
        if database.is_sqlite:
            connection.rollback()
            driver = connection.connection.cursor()
            driver.execute("PRAGMA foreign_keys=OFF")
            for name in names:
                driver.execute(f"DELETE FROM {name}")
            driver.execute("PRAGMA foreign_keys=ON")
            driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            driver.close()
        else:
            listed = ", ".join((*names, "attempts", "put_offs"))
            connection.execute(text(f"TRUNCATE {listed} RESTART IDENTITY"))
            connection.commit()
    with database.write() as connection:
        connection.execute(text("UPDATE campaigns SET enrolled_seen = NULL, state = 'running'"))


def _series(connection: Connection, count: int) -> str:
    if connection.dialect.name == "sqlite":
        return (
            "(WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s"
            f" WHERE i < {count}) SELECT i FROM s)"
        )
    return f"(SELECT i::bigint AS i FROM generate_series(1, {count}) AS g(i))"


# The neighbour's phone: numbers 25 and 26 of each fifty share one.
_CUSTOMERS = """
INSERT INTO customers (id, external_id, name, phone, email, phone_hash, email_hash, person, locale,
                       timezone, attributes, updated_at)
SELECT i, 'C' || i, 'Li Na', phone, email, orch_address_hash(phone, :key),
       orch_address_hash(email, :key), phone, CASE WHEN i % 3 = 0 THEN 'en' ELSE 'zh-CN' END,
       CASE i % 200 WHEN 7 THEN 'Europe/Berlin' WHEN 8 THEN 'America/New_York' END, '{{}}', {event}
FROM (SELECT i, '+86' || (13800000000 + CASE WHEN i % 50 = 26 THEN i - 1 ELSE i END) AS phone,
             CASE WHEN i % 2 = 0 THEN 'c' || i || '@example.com' END AS email
      FROM {series} AS numbers) AS people
"""
_CONSENTS = """
INSERT INTO consents (customer_id, channel, purpose, granted, source, at)
SELECT i, channel, 'marketing', i % 20 <> 3, 'checkout', {event}
FROM {series} AS numbers CROSS JOIN (SELECT 'sms' AS channel UNION ALL SELECT 'email') AS channels
WHERE channel = 'sms' OR i % 2 = 0
"""
_ORDERS = """
INSERT INTO orders (id, external_id, customer_id, placed_at, paid_at, currency, total, counts,
                    category, item, updated_at)
SELECT id, 'O' || id, i, at, at, 'CNY', 30000 + i % 40000, 1 = 1, 'womenswear', 'linen dress',
       {event} + {day}
FROM (SELECT i, i + {first} AS id, {at} AS at FROM {series} AS numbers) AS bought
"""
# Long before; on the event day or a fortnight before it; a long time before or (one in thirty)
# between the event and the wave.
_PLACED = (
    "{event} - {day} * (100 + i % 300)",
    "CASE WHEN i % 10 < 6 THEN {event} + (i % 36000) * 1000000 ELSE {event} - 14 * {day} END",
    "{event} + CASE WHEN i % 30 = 4 THEN 2 ELSE -60 END * {day}",
)

_HISTORY_ENROLLMENTS = """
INSERT INTO enrollments (campaign_id, customer_id, person, order_id, anchor_at, track, category,
    locale, timezone, arm, enrolled_at, occurrence, exited_at, exit_reason)
SELECT {campaign}, c.id, c.person, o.id, o.placed_at, 'new', o.category, c.locale,
    coalesce(c.timezone, 'Asia/Shanghai'), 'treated', {now}, 9, {now}, 'completed'
FROM orders o JOIN customers c ON c.id = o.customer_id
WHERE o.placed_at >= {event} AND o.placed_at < {event} + 43200000000
ON CONFLICT DO NOTHING
"""
_HISTORY_MESSAGES = """
INSERT INTO messages (send_id, campaign_id, enrollment_id, customer_id, wave, occurrence, kind, arm,
    assigned, channel, address_hash, state, planned_at, due_at, would_go_at, sending_at, provider,
    provider_id, accepted_at, finished_at, parts, cost)
SELECT {send}, {campaign}, e.id, e.customer_id, 'restimulate', {occurrence}, 'promo', 'treated',
    1 = 1, 'sms', c.phone_hash, 'accepted', {at}, {at}, {at}, {at}, 'outbox',
    e.id || '-{occurrence}', {at}, {at}, 1, 5000
FROM enrollments e JOIN customers c ON c.id = e.customer_id
"""


def remember(database: Database, campaign: StoredCampaign, *, occurrences: int = 10) -> int:
    """Write what was sent long ago: ``occurrences`` accepted messages an enrollment; return how many."""
    given = {"campaign": campaign.id, "event": micros(EVENT), "now": micros(LAUNCH)}
    sent = 0
    with database.write() as connection:
        connection.execute(text(_HISTORY_ENROLLMENTS.format(**given)))
        for occurrence in range(occurrences):
            at = micros(EVENT) + _DAY * (30 * occurrence + 1)
            send = connection.execute(
                text(
                    "INSERT INTO sends (campaign_id, wave, occurrence, day, created_at) VALUES"
                    f" ({campaign.id}, 'restimulate', {occurrence}, '2025-12-01', {at}) RETURNING id"
                )
            ).scalar_one()
            made = text(_HISTORY_MESSAGES.format(**given, send=send, occurrence=occurrence, at=at))
            sent += int(connection.execute(made).rowcount)
    analyze(database)
    return sent
