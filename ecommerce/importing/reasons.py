"""Why a row is not accepted: a short code that programs count, a sentence that people read."""

from msgspec import Struct


class Rejected(Exception):
    """One row cannot be accepted. `code` is one of REASONS, the text names the field and the value."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


REASONS = {
    "json_syntax": "The text is not JSON, or it ends in the middle.",
    "csv_syntax": "The quotes or the number of columns of the CSV row are wrong, or the file ends in it.",
    "encoding": "The text is not UTF-8.",
    "row_too_large": "The row is larger than 16 MB.",
    "too_deep": "The JSON is nested deeper than 20 levels.",
    "not_an_object": "Something else stands where an object or a list is needed.",
    "bad_key": "A key starts with `$` or contains a dot.",
    "duplicate_field": "One object names a field twice.",
    "unknown_field": "The definition of the document does not have this field.",
    "missing_field": "A field without a value that must have one.",
    "wrong_type": "A value of another type than the field's.",
    "not_finite": "NaN or infinity where an amount is needed.",
    "out_of_range": "A number, amount or time below or above what the field may hold.",
    "too_many_decimals": "An amount with more than four decimals.",
    "ambiguous_amount": "An amount that is two numbers, by what its decimal sign is, and nothing in the file says.",
    "mixed_currencies": "An amount of a file whose amounts are of several currencies.",
    "bad_currency": "A currency that is no code of ISO 4217, such as EUR.",
    "bad_time": "A text that is no date or time of the expected format, or that is several.",
    "text_length": "An empty text, or one longer than 500 characters.",
    "control_character": "A text that holds a NUL character.",
    "reference": "The parts of the order do not name one order, or a refund names an item that it does not have.",
    "duplicate_item": "Two items of the order, or of a refund, have one order_item_id.",
    "duplicate_refund": "Two refunds of the order have one refund_id.",
    "refund_parts": "The tax and shipping of a refund are more than its amount, which they are in.",
    "refund_quantity": "The refunds of the order take back more of an item than was ordered.",
    "quantity_mismatch": "order.quantity is not the number of items.",
    "bad_attribute": "An attribute whose name or text cannot be kept.",
    "too_many_attributes": "An order with more than 64 attributes.",
    "too_many_items": "An order with more than 5 000 items.",
    "unknown_product": "An item without warehouse_id, of a product for which the catalog has no warehouse.",
    "already_archived": "The order is in the archive with another content, and the row is no later version of it.",
    "expired": "The order is older than archived orders are kept (`expire`): it may have been counted already.",
    "another_order": "Another order is stored under this number: its customer and its time are others.",
    "no_mapping_value": "A line has no value in a column that its mapping needs.",
    "not_an_order_line": "A line without a product, quantity, price and time: a total or a note of the report.",
    "broken_identity": "An identity that a spreadsheet has cut, such as 1.12E+14, or its error, such as #REF!.",
    "inconsistent_lines": "The lines of one order contradict each other.",
    "server_refused": "MongoDB's own validation refused the document.",
}
"""Every code with what it means; `docs/import.md` lists them, and a test keeps the two alike."""


class Rejection(Struct, array_like=True, frozen=True):
    """A rejected row as a worker reports it: where it stands, why, and its text (the start of a very large one)."""

    line: int
    code: str
    reason: str
    raw: bytes
    raw_complete: bool = True
    part: int = 0
    """Which of the values on that line, where JSON has several on one."""
    rows: int = 1
    """Rows of the file it stands for: the lines of an order in a flat file, else 1."""


NO_ROWS = "0 rows: is this the file?"
"""Of a file that is read to its end and has none: 0 bytes, blank lines, or a header alone."""

SAMPLE_LENGTH = 80


def shown(value: object) -> str:
    """A value as a sentence quotes it: short, and printable whatever it holds."""
    text = ascii(value) if not isinstance(value, str) else repr(value)
    printable = text.encode("utf-8", "backslashreplace").decode()
    return printable if len(printable) <= SAMPLE_LENGTH else printable[:SAMPLE_LENGTH] + "…"
