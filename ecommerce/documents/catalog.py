"""The catalog's documents: users, products, warehouses, couriers and inventory. Only ids and names are required."""

from dataclasses import dataclass

from msgspec import Struct

from ecommerce.documents.kinds import Count, Id, Money, Rating, Text, Time


class User(Struct, frozen=True, forbid_unknown_fields=True):
    user_id: Id
    name: Text
    email: Text | None = None
    location: Text | None = None
    age: Count | None = None
    signup_date: Time | None = None


class Product(Struct, frozen=True, forbid_unknown_fields=True):
    product_id: Id
    name: Text
    category: Text | None = None
    price: Money | None = None
    cost: Money | None = None
    warehouse_id: Id | None = None


class Warehouse(Struct, frozen=True, forbid_unknown_fields=True):
    """`location` is the warehouse's name."""

    warehouse_id: Id
    location: Text
    capacity: Count | None = None
    manager_id: Id | None = None


class Courier(Struct, frozen=True, forbid_unknown_fields=True):
    courier_id: Id
    name: Text
    region: Text | None = None
    rating: Rating | None = None


class Inventory(Struct, frozen=True, forbid_unknown_fields=True):
    product_id: Id
    warehouse_id: Id
    stock_quantity: Count | None = None
    last_restock_time: Time | None = None


@dataclass(frozen=True, slots=True)
class CatalogTable:
    """One catalog collection: its name, its document and the fields that make its `_id`."""

    name: str
    document: type[Struct]
    key: tuple[str, ...]
    """One field: `_id` is its value. Several: `_id` is a document of them, in this order."""


CATALOG: tuple[CatalogTable, ...] = (
    CatalogTable("users", User, ("user_id",)),
    CatalogTable("products", Product, ("product_id",)),
    CatalogTable("warehouses", Warehouse, ("warehouse_id",)),
    CatalogTable("couriers", Courier, ("courier_id",)),
    CatalogTable("inventory", Inventory, ("product_id", "warehouse_id")),
)
