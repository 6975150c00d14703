"""The group of the generator's forms that is about the catalog, and its fields as earlier scripts give them."""

from typing import Annotated, Any

from prefect import get_run_logger
from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema as NotShown

from ecommerce.generate.first import FIRST_CATALOG
from ecommerce.generate.model.catalog import PRODUCTS_MAX, USERS_MAX
from ecommerce.generate.request import PRODUCTS_BY_DEFAULT, USERS_BY_DEFAULT
from flows.own_run import deployment_id

Users = Annotated[int, Field(ge=1, le=USERS_MAX)]
Products = Annotated[int, Field(ge=1, le=PRODUCTS_MAX)]


class Catalog(BaseModel):
    """The shop's users and products: made at the first run, later only extended."""

    model_config = ConfigDict(extra="forbid", title="catalog", field_title_generator=lambda name, _field: name)

    locale: str = Field(
        default=FIRST_CATALOG.locale,
        description="Language of the names, as Faker calls it.",
        json_schema_extra={"position": 0},
    )
    users: Users | None = Field(
        default=None,
        description="Users, at least. None: as many as there are orders, "
        f"from {FIRST_CATALOG.users:,} to {USERS_BY_DEFAULT:,}.",
        json_schema_extra={"position": 1},
    )
    products: Products | None = Field(
        default=None,
        description="Products, at least. None: a tenth of the orders, "
        f"from {FIRST_CATALOG.products:,} to {PRODUCTS_BY_DEFAULT:,}.",
        json_schema_extra={"position": 2},
    )


AS_IN_A_NEW_SHOP = Catalog()

# The catalog's fields were parameters of their own: scripts and the command line go on giving them so.
OldLocale = NotShown[str | None]
OldUsers = NotShown[Users | None]
OldProducts = NotShown[Products | None]


def catalog_fields(catalog: Catalog, **given: Any) -> dict[str, Any]:
    """The fields of the group, or those that were given by their own names. A deployment's run says so in its log."""
    old = {name: value for name, value in given.items() if value is not None}
    if old and deployment_id() is not None:
        get_run_logger().warning(
            "%s: now in the group `catalog` of the form; the old names go on working", ", ".join(old)
        )
    return catalog.model_dump() | old
