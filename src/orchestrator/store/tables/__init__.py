"""All tables. Import names from here."""

from orchestrator.store.tables.campaigns import (
    attempts,
    campaigns,
    concerns,
    coupons,
    enrollments,
    messages,
    playbook_versions,
    put_offs,
    sends,
)
from orchestrator.store.tables.records import (
    audit_log,
    dispatchers,
    evaluations,
    events,
    heartbeats,
    instance,
)
from orchestrator.store.tables.shop import (
    categories,
    consents,
    customers,
    imports,
    order_lines,
    orders,
    products,
    suppressions,
)
from orchestrator.store.tables.types import MICROSECOND, Moment, metadata, micros, moment

__all__ = [
    "MICROSECOND",
    "Moment",
    "attempts",
    "audit_log",
    "campaigns",
    "categories",
    "concerns",
    "consents",
    "coupons",
    "customers",
    "dispatchers",
    "enrollments",
    "evaluations",
    "events",
    "heartbeats",
    "imports",
    "instance",
    "messages",
    "metadata",
    "micros",
    "moment",
    "order_lines",
    "orders",
    "playbook_versions",
    "products",
    "put_offs",
    "sends",
    "suppressions",
]
