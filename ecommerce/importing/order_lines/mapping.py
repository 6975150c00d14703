"""Mappings: how the columns of order lines become orders, as small YAML files. `docs/mappings.md` shows how."""

import codecs
from collections.abc import Callable, Collection, Iterator
from functools import cached_property
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from ecommerce.documents.catalog import CATALOG
from ecommerce.documents.fields import fields_of
from ecommerce.documents.kinds import attribute_fault
from ecommerce.documents.order import Delivery, Order, OrderItem, Refund
from ecommerce.errors import InputError
from ecommerce.importing.formats.nothing import is_nothing, nothings_among
from ecommerce.importing.naive_times import shop_zone
from ecommerce.importing.order_lines.times import check_format, zone_of


def _sound(formats: tuple[str, ...]) -> tuple[str, ...]:
    for date_format in formats:
        check_format(date_format)
    return formats


Formats = Annotated[tuple[str, ...], AfterValidator(_sound)]


class Value(BaseModel):
    """Where a field's value comes from. A plain text in YAML is the name of a column."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    column: str | None = None
    columns: tuple[str, ...] = Field((), description="Several columns that make one identity or text together.")
    constant: str | int | None = None
    first: "tuple[Value, ...]" = Field((), description="The first of these that has a value.")
    present: str | None = Field(None, description="This text where the column holds anything.")
    map: dict[str, str | int] = Field({}, description="Texts of the column and what they mean; any case.")
    otherwise: str | int | None = Field(None, description="For texts that the map does not have, and for empty ones.")
    number: bool = Field(False, description="The identity is a number already, and is kept.")
    optional: bool = Field(False, description="The file may lack the column: it then counts as empty.")
    dates: Formats = Field((), description="Date formats of this column, as strptime has them.")
    plus_days: "Value | int | None" = Field(None, description="Days that are added to the date.")
    sum: tuple[str, ...] = Field((), description="Columns that are added up, over all lines of the order.")
    round: int | None = Field(None, ge=0, le=4, description="Decimals to which an amount is rounded, half to even.")
    line_total: str | None = Field(
        None, description="Column with the total of a line; the price is worked out from it."
    )
    quantity: str | None = Field(None, description="With line_total: the column with the quantity.")
    discount: str | None = Field(None, description="With line_total: the column with the line's discount, 0 to 1.")
    part: str | None = Field(None, description="A share: this column of itself and `rest` together.")
    rest: str | None = None
    whole: str | None = Field(None, description="A share: `part` of this column.")
    minus: tuple[str, ...] = Field((), description="With sum: columns that are taken off.")
    or_zero: bool = Field(False, description="With sum and line_total: an empty cell, or one that is not there, is 0.")
    equals: str | None = Field(
        None, description="With sum, of a yes or no: whether the sum is the amount in this column."
    )
    earliest: bool = Field(False, description="Lines of one order may have several times: the first of them counts.")

    @model_validator(mode="before")
    @classmethod
    def _column_name(cls, value: Any) -> Any:
        return {"column": value} if isinstance(value, str) else value

    @cached_property
    def meaning(self) -> dict[str, str | int]:
        """The map, by its texts in lower case."""
        return {text.lower(): meant for text, meant in self.map.items()}

    def used(self, *, needed: bool = False) -> Iterator[str]:
        """The columns that the value is made of; with `needed`, those that a file must have."""
        if needed and self.optional:
            return
        yield from (
            name
            for name in (self.column, self.line_total, self.quantity, self.discount, self.part, self.rest, self.whole)
            if name is not None
        )
        yield from self.columns
        yield from self.sum[:1] if needed and self.or_zero else (*self.sum, *self.minus)
        if self.equals is not None:
            yield self.equals
        for value in (*self.first, *((self.plus_days,) if isinstance(self.plus_days, Value) else ())):
            yield from value.used(needed=needed)


class Joined(BaseModel):
    """A second file, whose rows belong to those of the first."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    by: str = Field(description="Column that both files have; `table.column` where the first is a joined one too.")
    lowest: str | None = Field(None, description="Of several rows, take that with the lowest number in this column.")

    @property
    def key(self) -> str:
        """The column of the joined file."""
        return self.by.rpartition(".")[2]


class Mapping(BaseModel):
    """One mapping. Two are the same only where they are one object: its content has no hash."""

    __hash__ = object.__hash__

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = ""
    description: str = ""
    namespace: str = Field("", description="Shops whose textual ids mean the same share one; default: the name.")
    delimiter: str | None = Field(None, min_length=1, max_length=1)
    quotes: bool = Field(True, description="false: quotes are text, and each line is a row, as in Amazon's reports.")
    encoding: str = Field("", description="Of files that are not UTF-8, such as windows-1252.")
    decimal_comma: bool | None = Field(None, description="true: 1.003,50; false: 1,003.50; else the file decides.")
    dates: Formats = Field((), description="Date formats, as strptime has them; ISO 8601 always works.")
    zone: str = Field("", description="Of times that name none: an offset or an IANA name; default: the shop's.")
    zones: dict[str, str] = Field({}, description="Names of zones in times (%Z): an offset or an IANA name for each.")
    nothing: tuple[str, ...] | None = Field(
        None, description="Texts that mean an empty cell, instead of the usual ones."
    )
    currency: str | None = Field(
        None, description="The column with the currency of the amounts, if there is one: that of each order."
    )
    items_have: str | None = Field(
        None, description="Lines in which this column is empty tell of their order only, and are no items."
    )
    quantity_after_refunds: str | None = Field(
        None, description="The column with the pieces of a line that refunds left, one of those of item.quantity."
    )
    lines_by: str | None = Field(
        None, description="The column that all lines of an order have alike; default: order_id."
    )
    tables: dict[str, Joined] = Field({}, description="Further files of the same folder, by the name used for them.")
    items: str | None = Field(None, description="The table whose rows are the order items; default: the lines.")
    order: dict[str, Value]
    item: dict[str, Value]
    delivery: dict[str, Value]
    refund: dict[str, Value] = Field(
        {}, description="What was paid back; an order whose amount is empty or 0 has no refund."
    )
    attributes: dict[str, Value] = Field({}, description="Names of attributes and the columns that they come from.")
    catalog: dict[str, dict[str, Value]] = {}

    @field_validator("nothing", mode="before")
    @classmethod
    def _null_is_a_text(cls, texts: Any) -> Any:
        # Unquoted, YAML reads NULL as no value.
        return [word for text in texts for word in (("NULL", "null") if text is None else (text,))] if texts else texts

    @model_validator(mode="before")
    @classmethod
    def _currency_of_orders(cls, content: Any) -> Any:
        order = content.get("order") if isinstance(content, dict) else None
        if not isinstance(order, dict) or "currency" in order or not content.get("currency"):
            return content
        return content | {"order": order | {"currency": {"column": content["currency"], "optional": True}}}

    @model_validator(mode="after")
    def _known_encoding_and_zones(self) -> "Mapping":
        for zone in (self.zone, *self.zones.values()):
            if zone:
                zone_of(zone)
        try:
            codecs.lookup(self.encoding or "utf-8")
        except LookupError:
            raise ValueError(f"encoding: {self.encoding!r} is unknown: utf-16 or windows-1252, for example") from None
        return self

    @model_validator(mode="after")
    def _known_names(self) -> "Mapping":  # noqa: C901 - a list of checks, each with its sentence
        documents = {"order": Order, "item": OrderItem, "delivery": Delivery, "refund": Refund}
        parts = [(part, documents[part], getattr(self, part)) for part in documents]
        parts += [(f"catalog.{t.name}", t.document, self.catalog[t.name]) for t in CATALOG if t.name in self.catalog]
        for part, document, values in parts:
            unknown = values.keys() - {field.name for field in fields_of(document) if field.kind is not None}
            if unknown:
                raise ValueError(f"{part}: no such fields: {', '.join(sorted(unknown))}")
        for name in self.attributes:
            if fault := attribute_fault(name, ""):
                raise ValueError(f"attributes: {name!r}: {fault}")
        unknown = self.catalog.keys() - {table.name for table in CATALOG}
        if unknown:
            raise ValueError(f"catalog: no such tables: {', '.join(sorted(unknown))}")
        for name in ("order_id", "user_id", "order_time", "payment_type"):
            if name not in self.order:
                raise ValueError(f"order: {name} is missing")
        for name in ("product_id", "quantity", "price"):
            if name not in self.item:
                raise ValueError(f"item: {name} is missing")
        for name in ("status", "expected_time", "courier_id"):
            if name not in self.delivery:
                raise ValueError(f"delivery: {name} is missing")
        if self.refund and not {"amount", "refund_time"} <= self.refund.keys():
            raise ValueError("refund: amount and refund_time are needed")
        after = self.quantity_after_refunds
        if after is not None and (not self.refund or after not in self.item["quantity"].used()):
            raise ValueError("quantity_after_refunds: it is a column of item.quantity, beside a refund")
        if self.items is not None and self.items not in self.tables:
            raise ValueError(f"items: {self.items} is not one of the tables")
        for column in self._used():
            alias, dot, _ = column.partition(".")
            if self.tables and dot and alias not in self.tables:
                raise ValueError(f"{column}: {alias} is not one of the tables")
        return self

    def _used(self, *, needed: bool = False) -> Iterator[str]:
        for values in (self.order, self.item, self.delivery, self.refund, self.attributes, *self.catalog.values()):
            for value in values.values():
                yield from value.used(needed=needed)

    def uses(self, column: str, table: str | None = None) -> bool:
        """Whether a column of the lines, or of a joined table, is used, be it needed or not."""
        name = f"{table}.{column}" if table else column
        return name in self.all_columns or column in self.columns(table)

    @cached_property
    def all_columns(self) -> frozenset[str]:
        """All columns that values are made of."""
        return frozenset(self._used())

    def columns(self, table: str | None = None) -> frozenset[str]:
        """The columns that a file must have: the lines' own, or those of a joined table."""
        used = set(self._used(needed=True))
        if table is None:
            own = {column for column in used if not self.tables or column.partition(".")[0] not in self.tables}
            own |= {j.by for name, j in self.tables.items() if "." not in j.by}
            return frozenset(own | {name for name in (self.lines_by, self.items_have) if name})
        joined = self.tables[table]
        named = {c.partition(".")[2] for c in used if c.startswith(f"{table}.")}
        return frozenset(named | {joined.key} | ({joined.lowest} if joined.lowest else set()))

    @cached_property
    def choices(self) -> tuple[tuple[str, ...], ...]:
        """Of each field of an item whose columns are all optional: these, of which the lines need one."""
        values = [value for value in self.item.values() if value.first and value.otherwise is None]
        return tuple(tuple(value.used()) for value in values if all(one.optional for one in value.first))

    def missing(self, columns: Collection[str], table: str | None = None) -> list[tuple[str, ...]]:
        """The columns that a file with these lacks; several together where one of them would do."""
        choices = () if table else self.choices
        return [
            *((name,) for name in sorted(self.columns(table).difference(columns))),
            *(choice for choice in choices if not set(choice).intersection(columns)),
        ]

    @cached_property
    def quantity_columns(self) -> tuple[str, ...]:
        """The columns with the pieces that were ordered, whatever came back of them."""
        return tuple(name for name in self.item["quantity"].used() if name != self.quantity_after_refunds)

    @property
    def line_key(self) -> str:
        """The column that says to which order a line belongs. Raises InputError where there is none."""
        name = self.lines_by or self.order["order_id"].column
        if name is None:
            raise InputError(f"mapping {self.name}: order.order_id must be one column, or `lines_by` name one")
        return name

    @cached_property
    def line_columns(self) -> frozenset[str]:
        """Columns of which an order line has at least one: those of its product, quantity, price and time."""
        values = (self.order["order_time"], *(self.item[name] for name in ("product_id", "quantity", "price")))
        return frozenset(column for value in values for column in value.used())

    @cached_property
    def means_nothing(self) -> Callable[[str], bool]:
        """Whether a text stands for an empty cell."""
        return is_nothing if self.nothing is None else frozenset(self.nothing).__contains__

    def nothings_among(self, texts: set[str]) -> set[str]:
        """Those of the texts that stand for an empty cell."""
        return nothings_among(texts) if self.nothing is None else texts.intersection(self.nothing)

    @property
    def naive_zone(self) -> str:
        """The zone of times that name none."""
        return self.zone or shop_zone()

    @cached_property
    def order_columns(self) -> frozenset[str]:
        """The columns of the lines that must not differ between the lines of one order."""
        values = (*self.order.values(), *self.delivery.values(), *self.refund.values())
        return frozenset(
            column
            for value in values
            for column in value.used()
            if column not in value.sum + value.minus and not value.earliest
        )
