"""What the generated shop sells."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from orchestrator.services.simulate.draws import Floats, Integers


@dataclass(frozen=True, slots=True)
class Shelf:
    """One category: how often it is bought, and its products with their prices."""

    category: str
    share: float
    products: tuple[tuple[str, int], ...]  #: title, price in whole currency units


@dataclass(frozen=True, slots=True)
class Catalogue:
    shelves: tuple[Shelf, ...]

    @property
    def shares(self) -> Floats:
        return np.array([shelf.share for shelf in self.shelves])

    @property
    def sizes(self) -> Integers:
        """How many products each shelf has."""
        return np.array([len(shelf.products) for shelf in self.shelves])

    @property
    def starts(self) -> Integers:
        """The position of each shelf's first product among all."""
        return np.cumsum(self.sizes) - self.sizes

    @property
    def products(self) -> list[tuple[str, str, int]]:
        """Category, title and price of each product, shelf by shelf."""
        return [
            (shelf.category, title, price)
            for shelf in self.shelves
            for title, price in shelf.products
        ]


_WOMENSWEAR = Catalogue(
    (
        Shelf(
            "womenswear",
            0.80,
            (
                ("羊毛双面呢大衣", 899),
                ("修身羊绒衫", 459),
                ("高腰直筒牛仔裤", 269),
                ("碎花雪纺连衣裙", 329),
                ("短款羽绒服", 699),
                ("针织半身裙", 239),
                ("真丝衬衫", 389),
                ("西装外套", 529),
            ),
        ),
        Shelf("shoes", 0.12, (("切尔西短靴", 499), ("乐福鞋", 369), ("小白鞋", 259))),
        Shelf("accessories", 0.08, (("羊毛围巾", 199), ("真皮腰带", 169))),
    )
)
_MOTHER_BABY = {
    "food": Shelf("food", 0.40, (("婴儿配方奶粉三段", 298), ("有机米粉", 89), ("果泥组合装", 119))),
    "childrenswear": Shelf(
        "childrenswear", 0.25, (("儿童羽绒服", 259), ("纯棉连体衣", 99), ("学步鞋", 159))
    ),
    "maternity": Shelf(
        "maternity", 0.15, (("孕妇托腹裤", 139), ("哺乳衣", 129), ("防辐射围裙", 229))
    ),
    "daily": Shelf("daily", 0.25, (("纸尿裤箱装", 239), ("婴儿湿巾", 69), ("儿童沐浴露", 79))),
    "durables": Shelf(
        "durables", 0.10, (("实木婴儿床", 1299), ("安全座椅", 1580), ("折叠推车", 999))
    ),
}


def catalogue_for(categories: Sequence[str]) -> Catalogue:
    """Return what a shop with these categories sells; the women's-wear shop where none is named."""
    if not categories or set(categories) <= {shelf.category for shelf in _WOMENSWEAR.shelves}:
        return _WOMENSWEAR
    return Catalogue(tuple(_MOTHER_BABY.get(name) or _plain_shelf(name) for name in categories))


def _plain_shelf(category: str) -> Shelf:
    return Shelf(
        category,
        0.25,
        tuple((f"{category} {number}", price) for number, price in enumerate((99, 199, 299, 499))),
    )
