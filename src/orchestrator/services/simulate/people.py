"""Who the customers are: names, addresses, places, what they agreed to. Nobody of them exists."""

from dataclasses import dataclass

import numpy as np

from orchestrator.domain.messages import Channel
from orchestrator.services.simulate.draws import Integers, Truths, picks, uniforms
from orchestrator.services.simulate.parameters import ShopParameters

FAMILY = tuple("王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗")
GIVEN = (
    *("芳", "娜", "敏", "静", "丽", "娟", "艳", "霞", "燕", "玲"),
    *("晓雯", "佳怡", "雨桐", "欣妍", "思琪", "梦瑶", "子涵", "诗雨", "若曦", "婉婷"),
)
ENGLISH_GIVEN = (
    "Anna",
    "Emma",
    "Grace",
    "Helen",
    "Julia",
    "Laura",
    "Mary",
    "Nina",
    "Olivia",
    "Sara",
)
ENGLISH_FAMILY = (
    "Baker",
    "Clark",
    "Evans",
    "Hall",
    "Hill",
    "King",
    "Lee",
    "Reed",
    "Scott",
    "Young",
)
REGIONS = ("浙江", "广东", "江苏", "上海", "北京", "四川", "山东", "湖北", "福建", "新疆")
_REGION_SHARES = np.array([15, 18, 14, 10, 9, 9, 9, 7, 7, 2])
TIERS = ("member", "silver", "gold")
_TIER_SHARES = np.array([75, 20, 5])
ENGLISH_ZONES = ("Asia/Shanghai", "Asia/Singapore", "Europe/London", "America/Los_Angeles")
_ZONE_SHARES = np.array([70, 15, 10, 5])
# A real operator's prefix, so that the number passes every format check; the rest is a permutation
# of the customer's number, so that none comes twice.
_PREFIX, _RANGE, _STRIDE = "+86199", 10**8, 61_803_399


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """One array element a customer; the position is the customer's number."""

    english: Truths
    family: Integers
    given: Integers
    region: Integers
    tier: Integers
    zone: Integers
    has_phone: Truths
    has_email: Truths
    agreed: dict[tuple[Channel, str], Truths]  #: by channel and purpose

    def __len__(self) -> int:
        return len(self.english)

    def name(self, customer: int) -> str:
        family, given = int(self.family[customer]), int(self.given[customer])
        if self.english[customer]:
            return f"{ENGLISH_GIVEN[given % 10]} {ENGLISH_FAMILY[family % 10]}"
        return FAMILY[family] + GIVEN[given]

    def phone(self, customer: int) -> str | None:
        if not self.has_phone[customer]:
            return None
        return f"{_PREFIX}{customer * _STRIDE % _RANGE:08d}"

    def email(self, customer: int) -> str | None:
        return f"customer{customer}@example.com" if self.has_email[customer] else None

    def locale(self, customer: int) -> str:
        return "en" if self.english[customer] else "zh-CN"

    def timezone(self, customer: int) -> str:
        return ENGLISH_ZONES[self.zone[customer]] if self.english[customer] else "Asia/Shanghai"


def external_id(customer: int) -> str:
    return f"C{customer:07d}"


def draw_people(parameters: ShopParameters, seed: int) -> People:
    everyone = np.arange(parameters.customers)

    def chance(purpose: str, share: float) -> Truths:
        return uniforms(seed, purpose, everyone) < share

    def pick(purpose: str, shares: Integers) -> Integers:
        return picks(uniforms(seed, purpose, everyone), shares.astype(np.float64))

    has_phone = ~chance("no phone", parameters.no_phone)
    return People(
        english=chance("english", parameters.english),
        family=pick("family", np.arange(len(FAMILY), 0, -1)),
        given=pick("given", np.ones(len(GIVEN), dtype=np.int64)),
        region=pick("region", _REGION_SHARES),
        tier=pick("tier", _TIER_SHARES),
        zone=pick("zone", _ZONE_SHARES),
        has_phone=has_phone,
        # Who left no phone number left an e-mail address: somebody took the order.
        has_email=~chance("no email", parameters.no_email) | ~has_phone,
        agreed={
            (Channel.SMS, "marketing"): chance("sms marketing", parameters.agreed_sms),
            (Channel.EMAIL, "marketing"): chance("email marketing", parameters.agreed_email),
            (Channel.SMS, "service"): chance("sms service", parameters.agreed_service),
            (Channel.EMAIL, "service"): chance("email service", parameters.agreed_service),
        },
    )
