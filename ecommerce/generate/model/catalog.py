"""The catalog as numbers: what an order needs of users, products, warehouses and couriers, worked out from their ids.

Nothing here depends on the size of the catalog but the popularity of products, so a catalog that is extended keeps what
it had. The names come from `people` when a record is written.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ecommerce.errors import InputError
from ecommerce.generate.model.draws import Floats, Ints, at_quantile, key_of, pick, uniform
from ecommerce.generate.presets import get_preset

USERS_MAX = 100_000_000
PRODUCTS_MAX = 1_000_000
_SHUFFLED = 128
_GOLDEN_FRACTION = 0.6180339887498949


@dataclass(frozen=True, slots=True)
class CatalogSpec:
    """What determines a catalog. Ids of users, products, warehouses and couriers run from 1 to these sizes."""

    seed: int
    locale: str
    preset: str
    users: int = 10_000
    products: int = 1_000
    warehouses: int = 5
    couriers: int = 12

    @property
    def key(self) -> int:
        """The 64-bit key of this catalog's draws; the same for an extended one."""
        return key_of("catalog", self.seed, self.locale, self.preset)


def check_catalog(spec: CatalogSpec) -> None:
    """Raise InputError where the sizes are impossible, with the option's name."""
    limits = {
        "users": (1, USERS_MAX),
        "products": (1, PRODUCTS_MAX),
        "warehouses": (1, 10_000),
        "couriers": (1, 10_000),
    }
    for name, (low, high) in limits.items():
        size = getattr(spec, name)
        if not low <= size <= high:
            raise InputError(f"--{name} {size}: give a number from {low} to {high}")


def check_basket(spec: CatalogSpec, preset_name: str) -> None:
    """Raise InputError where the preset's largest order has more items than there are products."""
    largest = max(count for count, _ in get_preset(preset_name).items)
    if spec.products < largest:
        raise InputError(
            f"--products {spec.products}: the preset {preset_name} has orders of {largest} different products; "
            f"give at least --products {largest}"
        )


def user_cities(spec: CatalogSpec, user_ids: Ints) -> Ints:
    """Index of each user's city, the largest is 0."""
    return pick(uniform(user_ids, "city", spec.key), get_preset(spec.preset).locations)


def product_prices(spec: CatalogSpec, product_ids: Ints) -> Ints:
    """Unit prices, scaled by 10^4.

    Quantiles follow the golden ratio's sequence, so that any run of products, popular or not, has the same mix of
    prices, and the value of orders its shape at any size of the catalog.
    """
    preset = get_preset(spec.preset)
    step = preset.price_step * 100
    prices = at_quantile(_price_quantiles(spec, product_ids), preset.prices) * 10_000
    return np.maximum(np.rint(prices / step).astype(np.int64) * step, step)


def _price_quantiles(spec: CatalogSpec, product_ids: Ints) -> Floats:
    return np.mod(product_ids.astype(np.float64) * _GOLDEN_FRACTION + spec.key % 1000 / 1000, 1.0)


def product_categories(spec: CatalogSpec, product_ids: Ints) -> Ints:
    """Index of each product's category; the dear ones are likelier in the preset's later categories."""
    spread = _price_quantiles(spec, product_ids) + 0.8 * (uniform(product_ids, "category", spec.key) - 0.5)
    categories = len(get_preset(spec.preset).categories)
    return np.clip((spread * categories).astype(np.int64), 0, categories - 1)


def product_warehouses(spec: CatalogSpec, product_ids: Ints) -> Ints:
    """The warehouse that each product ships from."""
    # Not of equal size: the first holds about three times what the last does.
    sizes = np.linspace(3.0, 1.0, spec.warehouses).tolist()
    return pick(uniform(product_ids, "warehouse", spec.key), sizes) + 1


def popular_products(spec: CatalogSpec, preset_name: str, drawn: Floats) -> Ints:
    """Product ids by Zipf-Mandelbrot popularity: the share of rank r falls with (r + offset) ** -exponent."""
    exponent, offset_share = get_preset(preset_name).popularity
    # At least ten, or a tenth of a small shop's orders would be for one product.
    offset = 10.0 + offset_share * spec.products
    power = 1.0 - exponent
    low, high = offset**power, (offset + spec.products) ** power
    rank = ((low + drawn * (high - low)) ** (1.0 / power) - offset).astype(np.int64)
    return ranked_products(spec.products, np.clip(rank, 0, spec.products - 1))


def ranked_products(products: int, rank: Ints) -> Ints:
    """The product ids of popularity ranks: near their rank, but not in its order."""
    whole = products - products % _SHUFFLED
    within = rank % _SHUFFLED
    return np.where(rank < whole, rank - within + (within * 45 + 77) % _SHUFFLED, rank) + 1


def buyers(spec: CatalogSpec, series_key: int, positions: Ints) -> Ints:
    """User ids of new buyers: a walk through all users, each met once before any is met again."""
    return (positions * _stride(spec.users) + series_key % spec.users) % spec.users + 1


@lru_cache(maxsize=32)
def _stride(users: int) -> int:
    stride = max(1, int(users * _GOLDEN_FRACTION))
    while np.gcd(stride, users) != 1:
        stride += 1
    return stride
