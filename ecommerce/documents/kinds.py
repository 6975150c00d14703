"""Kinds of value: what each may hold, and its type in JSON input, BSON and Spark.

Money and fractions are exact decimals with at most four places. They are kept at a fixed scale of four, so that one
amount has one representation everywhere (`Decimal128("16.4500")`, `decimal(18,4)`, scaled integer 164500); a bound of
10^14 keeps the scaled integer inside int64.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, Inexact, InvalidOperation
from typing import Annotated, Any

from msgspec import Meta

MONEY_SCALE = 4
MONEY_FACTOR = 10**MONEY_SCALE
MONEY_LIMIT = 10**14
"""Amounts are below this, in units of the currency."""

INT64_MAX = 2**63 - 1
QUANTITY_MAX = 1_000_000_000
TEXT_LENGTH_MAX = 500
"""Longest text, in code points."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
EARLIEST_TIME = EPOCH
LATEST_TIME = datetime(2200, 1, 1, tzinfo=UTC)
"""Times are in [EARLIEST_TIME, LATEST_TIME), whole milliseconds (BSON Date), UTC."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What one kind of value is outside Python."""

    name: str
    bson_type: str
    """Alias as `$jsonSchema` names it."""
    spark_type: str
    """Type as Spark DDL names it."""
    bson_bounds: Mapping[str, Any]
    """`$jsonSchema` keywords that bound the value; there are none for dates."""

    @property
    def limits(self) -> tuple[int, int]:
        """Lowest and highest value as an integer: an amount scaled, a time in milliseconds, lengths."""
        bounds = self.bson_bounds
        match self.bson_type:
            case "string":
                return bounds["minLength"], bounds["maxLength"]
            case "object":
                return bounds["minProperties"], bounds["maxProperties"]
            case "date":
                return 0, (LATEST_TIME - EARLIEST_TIME) // timedelta(milliseconds=1) - 1
            case "bool":
                return 0, 1
            case "decimal":
                excluded = 1 if bounds.get("exclusiveMaximum") else 0
                return bounds["minimum"] * MONEY_FACTOR, bounds["maximum"] * MONEY_FACTOR - excluded
            case _:
                return bounds["minimum"], bounds.get("maximum", INT64_MAX)


def date_of(day: int) -> date:
    """The date of a day, counted from 1 January 1970."""
    return (EPOCH + timedelta(days=day)).date()


def _kind(name: str, bson_type: str, spark_type: str, **bson_bounds: Any) -> dict[str, Any]:
    return {"kind": Kind(name, bson_type, spark_type, bson_bounds)}


def _decimal(name: str, **bson_bounds: Any) -> dict[str, Any]:
    # For MongoDB a multiple of 0.0001, exactly, so that a shell cannot write an amount that the definition refuses.
    return _kind(
        name, "decimal", f"decimal(18,{MONEY_SCALE})", **bson_bounds, multipleOf=Decimal(1).scaleb(-MONEY_SCALE)
    )


CURRENCY_PATTERN = "^[A-Z]{3}$"

Id = Annotated[int, Meta(ge=0, le=INT64_MAX, extra=_kind("id", "long", "bigint", minimum=0))]
Count = Annotated[
    int, Meta(ge=0, le=QUANTITY_MAX, extra=_kind("count", "long", "bigint", minimum=0, maximum=QUANTITY_MAX))
]
Money = Annotated[
    Decimal,
    Meta(extra=_decimal("money", minimum=0, maximum=MONEY_LIMIT, exclusiveMaximum=True)),
]
Fraction = Annotated[Decimal, Meta(extra=_decimal("fraction", minimum=0, maximum=1))]
Rating = Annotated[Decimal, Meta(extra=_decimal("rating", minimum=0, maximum=5))]
Time = Annotated[datetime, Meta(extra=_kind("time", "date", "timestamp"))]
Text = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=TEXT_LENGTH_MAX,
        extra=_kind("text", "string", "string", minLength=1, maxLength=TEXT_LENGTH_MAX),
    ),
]
Currency = Annotated[
    str,
    Meta(
        min_length=3,
        max_length=3,
        pattern=CURRENCY_PATTERN,
        extra=_kind("currency", "string", "string", minLength=3, maxLength=3, pattern=CURRENCY_PATTERN),
    ),
]
"""A code of ISO 4217, in capitals."""
Flag = Annotated[bool, Meta(extra=_kind("flag", "bool", "boolean"))]


ATTRIBUTES_MAX = 64
ATTRIBUTE_NAME_MAX = 100
ATTRIBUTE_LENGTH_MAX = 10_000
"""Most attributes of an order, and the longest name and text of one, in code points: notes are long."""

Attributes = Annotated[
    dict[
        Annotated[str, Meta(min_length=1, max_length=ATTRIBUTE_NAME_MAX)],
        Annotated[str, Meta(max_length=ATTRIBUTE_LENGTH_MAX)],
    ],
    Meta(
        max_length=ATTRIBUTES_MAX,
        extra=_kind("attributes", "object", "map<string,string>", minProperties=1, maxProperties=ATTRIBUTES_MAX),
    ),
]
"""Names and texts that a shop keeps beside: sorted by name; none at all is absent."""


EXACT = Context(prec=60, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[Inexact, InvalidOperation])
"""Raises where an operation would round: the default context silently cuts an amount to 28 digits."""


def attribute_fault(name: str, text: str) -> str | None:
    """Why an attribute cannot be kept; None where it can."""
    if not 0 < len(name) <= ATTRIBUTE_NAME_MAX:
        return f"the name has {len(name)} characters, not 1 to {ATTRIBUTE_NAME_MAX}"
    if name.startswith("$") or "." in name:
        return "the name starts with $ or contains a dot"
    if len(text) > ATTRIBUTE_LENGTH_MAX:
        return f"the text has {len(text)} characters, more than {ATTRIBUTE_LENGTH_MAX}"
    if "\0" in name or "\0" in text:
        return "there is a NUL character in it"
    return None


def attributes_fault(found: Mapping[str, Any]) -> str | None:
    """Why these cannot be the attributes of a stored order; None where they can."""
    if not 0 < len(found) <= ATTRIBUTES_MAX:
        return f"{len(found)} attributes, not 1 to {ATTRIBUTES_MAX}"
    for name, text in found.items():
        fault = attribute_fault(name, text) if type(text) is str else "the value is no text"  # code is a str, too
        if fault:
            return f"{name[:40]!a}: {fault}"
    return None


def to_scaled(amount: Decimal) -> int:
    """An amount as an integer of 10^-4 units. Raises ValueError where it has more than four places."""
    try:
        scaled = EXACT.scaleb(amount, MONEY_SCALE)
    except Inexact:
        raise ValueError(f"{amount} has more than {MONEY_SCALE} decimals") from None
    whole = int(scaled)
    if whole != scaled:
        raise ValueError(f"{amount} has more than {MONEY_SCALE} decimals")
    return whole


def from_scaled(scaled: int) -> Decimal:
    """The amount of an integer of 10^-4 units, with exactly four places."""
    return Decimal(int(scaled)).scaleb(-MONEY_SCALE)
