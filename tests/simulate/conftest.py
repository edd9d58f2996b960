"""A small generated shop, built once: what is asked of it changes nothing in it."""

import dataclasses
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from orchestrator.services.simulate.catalogue import catalogue_for
from orchestrator.services.simulate.parameters import PRESETS, ShopParameters
from orchestrator.services.simulate.population import Population, make_shop

PARAMETERS = ShopParameters(
    customers=2000,
    event_first=date(2026, 11, 11),
    event_last=date(2026, 11, 11),
    timezone="Asia/Shanghai",
    currency="CNY",
    catalogue=catalogue_for(["womenswear"]),
    purchases=PRESETS["gift"],
)


Builder = Callable[..., Population]


@pytest.fixture(scope="session")
def a_shop() -> Builder:
    """Builds a shop; what does not matter is filled in."""

    def build(seed: int = 7, **changed: Any) -> Population:
        return make_shop(dataclasses.replace(PARAMETERS, **changed), seed)

    return build


@pytest.fixture(scope="session")
def shop(a_shop: Builder) -> Population:
    return a_shop()


@pytest.fixture(scope="session")
def few(a_shop: Builder) -> Population:
    """Small enough for a database."""
    return a_shop(customers=200)
