"""Names for the catalog's records, from Faker in the chosen locale."""

import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache

import numpy as np

from ecommerce.documents.catalog import Courier, Inventory, Product, User, Warehouse
from ecommerce.documents.kinds import from_scaled
from ecommerce.errors import InputError
from ecommerce.generate.model.catalog import (
    CatalogSpec,
    product_categories,
    product_prices,
    product_warehouses,
    user_cities,
)
from ecommerce.generate.model.draws import Ints, uniform
from ecommerce.generate.model.windows import FIRST_TIME
from ecommerce.generate.presets import get_preset

POOL_NAMES = 800
"""First and last names of each pool: 640 000 different people."""
FIRST_STOCK = 200
CHUNK = 50_000
"""Records made at once, so that memory does not grow with the catalog."""


@dataclass(frozen=True, slots=True)
class Names:
    """The texts that a catalog's records are put together from."""

    first: tuple[str, ...]
    last: tuple[str, ...]
    cities: tuple[str, ...]
    brands: tuple[str, ...]


def check_locale(locale: str) -> None:
    """Raise InputError where Faker does not have the locale."""
    from faker.config import AVAILABLE_LOCALES

    if locale not in AVAILABLE_LOCALES:
        near = [name for name in sorted(AVAILABLE_LOCALES) if name[:2].lower() == locale[:2].lower()]
        raise InputError(
            f"--locale {locale!r}: Faker has no such locale; choose one like {', '.join(near or ['en_US', 'pt_BR'])}"
        )


@lru_cache(maxsize=4)
def names_of(locale: str, key: int, cities: int) -> Names:
    """The names of one locale, the same for the same key."""
    from faker import Faker

    check_locale(locale)
    fake = Faker(locale)
    fake.seed_instance(key % 2**32)
    return Names(
        first=_different(fake.first_name, POOL_NAMES),
        last=_different(fake.last_name, POOL_NAMES),
        cities=_numbered(_different(fake.city, cities), cities),
        brands=_different(fake.last_name, 200),
    )


def catalog_names(spec: CatalogSpec) -> Names:
    """The names of a catalog; its cities are as many as its preset has sizes for."""
    return names_of(spec.locale, spec.key, len(get_preset(spec.preset).locations))


def _different(make: Callable[[], str], count: int) -> tuple[str, ...]:
    """Up to `count` different texts; some locales have fewer."""
    found: dict[str, None] = {}
    for _ in range(count * 10):
        found[make().strip()] = None
        if len(found) == count:
            break
    return tuple(found)


def _numbered(texts: tuple[str, ...], count: int) -> tuple[str, ...]:
    return texts + tuple(f"{texts[at % len(texts)]} {at // len(texts) + 1}" for at in range(len(texts), count))


def _chunks(first: int, last: int) -> Iterator[tuple[int, int]]:
    return ((begin, min(begin + CHUNK - 1, last)) for begin in range(first, last + 1, CHUNK))


def _drawn(ids: Ints, salt: str, key: int, size: int) -> list[int]:
    drawn: list[int] = (uniform(ids, salt, key) * size).astype(np.int64).tolist()
    return drawn


def _slug(name: str) -> str:
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return "".join(letter for letter in ascii_name if letter.isalnum()) or "user"


def users(spec: CatalogSpec, first: int, last: int) -> Iterator[User]:
    """The users with ids `first` … `last`."""
    for begin, end in _chunks(first, last):
        yield from _users(spec, begin, end)


def _users(spec: CatalogSpec, first: int, last: int) -> Iterator[User]:
    names, ids = catalog_names(spec), np.arange(first, last + 1)
    slugs = {name: _slug(name) for name in (*names.first, *names.last)}
    given = _drawn(ids, "first name", spec.key, len(names.first))
    family = _drawn(ids, "last name", spec.key, len(names.last))
    cities = user_cities(spec, ids).tolist()
    ages = (18 + 62 * uniform(ids, "age", spec.key) ** 1.5).astype(np.int64).tolist()
    # In the years before the first moment that orders are made for.
    days = _drawn(ids, "signup", spec.key, 1_500)
    for user_id, at_first, at_last, city, age, day in zip(ids.tolist(), given, family, cities, ages, days, strict=True):
        first_name, last_name = names.first[at_first], names.last[at_last]
        yield User(
            user_id=user_id,
            name=f"{first_name} {last_name}",
            email=f"{slugs[first_name]}.{slugs[last_name]}.{user_id}@example.com",
            location=names.cities[city],
            age=age,
            signup_date=FIRST_TIME - timedelta(days=day + 1),
        )


def products(spec: CatalogSpec, first: int, last: int) -> Iterator[Product]:
    """The products with ids `first` … `last`."""
    for begin, end in _chunks(first, last):
        yield from _products(spec, begin, end)


def _products(spec: CatalogSpec, first: int, last: int) -> Iterator[Product]:
    names, ids = catalog_names(spec), np.arange(first, last + 1)
    categories = get_preset(spec.preset).categories
    prices = product_prices(spec, ids)
    costs = (prices * (0.45 + 0.35 * uniform(ids, "cost", spec.key))).astype(np.int64) // 100 * 100
    columns = (
        ids.tolist(),
        product_categories(spec, ids).tolist(),
        prices.tolist(),
        costs.tolist(),
        product_warehouses(spec, ids).tolist(),
        _drawn(ids, "noun", spec.key, 2**31),
        _drawn(ids, "brand", spec.key, len(names.brands)),
    )
    for product_id, at_category, price, cost, warehouse, noun, brand in zip(*columns, strict=True):
        category, nouns = categories[at_category]
        yield Product(
            product_id=product_id,
            name=f"{names.brands[brand]} {nouns[noun % len(nouns)]} {product_id}",
            category=category,
            price=from_scaled(price),
            cost=from_scaled(cost),
            warehouse_id=warehouse,
        )


def warehouses(spec: CatalogSpec) -> Iterator[Warehouse]:
    """All warehouses, in the largest cities."""
    cities = catalog_names(spec).cities
    for warehouse_id in range(1, spec.warehouses + 1):
        city, turn = cities[(warehouse_id - 1) % len(cities)], (warehouse_id - 1) // len(cities)
        yield Warehouse(
            warehouse_id=warehouse_id,
            location=f"{city} {turn + 1}" if turn else city,
            capacity=50_000 + 10_000 * (warehouse_id * 7 % 5),
            manager_id=(warehouse_id - 1) % spec.users + 1,
        )


def couriers(spec: CatalogSpec) -> Iterator[Courier]:
    names, ids = catalog_names(spec), np.arange(1, spec.couriers + 1)
    ratings = (35_000 + 150 * np.rint(100 * uniform(ids, "rating", spec.key))).astype(np.int64).tolist()
    services = ("Express", "Logistics", "Parcel", "Couriers", "Freight")
    for courier_id, rating in zip(ids.tolist(), ratings, strict=True):
        at = courier_id - 1
        turn = at // len(names.brands)
        yield Courier(
            courier_id=courier_id,
            name=f"{names.brands[at % len(names.brands)]} {services[at % len(services)]}"
            + (f" {turn}" if turn else ""),
            region=names.cities[at % len(names.cities)],
            rating=from_scaled(rating),
        )


def inventory(spec: CatalogSpec, first: int, last: int) -> Iterator[Inventory]:
    """The stock of the products `first` … `last`, each in the warehouse that it ships from."""
    for begin, end in _chunks(first, last):
        ids = np.arange(begin, end + 1)
        stocks = (FIRST_STOCK * (0.5 + uniform(ids, "stock", spec.key))).astype(np.int64).tolist()
        homes = product_warehouses(spec, ids).tolist()
        for product_id, warehouse_id, stock in zip(ids.tolist(), homes, stocks, strict=True):
            yield Inventory(product_id, warehouse_id, stock, FIRST_TIME)
