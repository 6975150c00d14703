"""Amounts as people write them: each has one meaning or is refused, never another one."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecommerce.importing.order_lines.amounts import Notation, notation_of, read_amount, take_apart
from ecommerce.importing.reasons import Rejected

NARROW, NO_BREAK, THIN, MINUS = "\u202f", "\u00a0", "\u2009", "\u2212"

ONE_MEANING = {
    "12.50": "12.50", "24,90": "24.90", "1.234,50": "1234.50", "1,234.50": "1234.50", "1 234,50": "1234.50",
    f"1{NO_BREAK}234,50": "1234.50", f"1{NARROW}234.50": "1234.50", f"1{THIN}234": "1234", "1'234.50": "1234.50",
    "1’234’567.80": "1234567.80", "1'234,50": "1234.50", "1,23,456.78": "123456.78", "12,34,567": "1234567",
    "1,234,567": "1234567", "1.234.567": "1234567", "1234,567": "1234.567", "0.500": "0.500", "0,500": "0.500",
    ".5": "0.5", ",5": "0.5", "39.99000168": "39.99000168", "0": "0", "+5": "5", "007": "007",
    "(12.50)": "-12.50", f"{MINUS}12.50": "-12.50", "\u201312,50": "-12.50", "12.50-": "-12.50",
    f"12.50{MINUS}": "-12.50",
    "'-12.50": "-12.50", "$(12.50)": "-12.50", "($12.50)": "-12.50", "-$12.50": "-12.50", "$-12.50": "-12.50",
    "€ -12,50": "-12.50", "-12,50 €": "-12.50", "12,50- €": "-12.50", "(1.234,50 €)": "-1234.50",
    "Rs. 500": "500", "Rs.500": "500", "Rs 1,23,456.78": "123456.78", "₹1,23,456.78": "123456.78",
    "kr. 1.234,50": "1234.50",
    "1.234,50 kr.": "1234.50", "1 234,50 kr": "1234.50", "S/. 120": "120", "CHF 1'234.50": "1234.50",
    "Fr. 12.50": "12.50",
    "12.50 EUR": "12.50", "EUR12,50": "12.50", "US$ 12.50": "12.50", "$1,234.50 USD": "1234.50",
    "R$ 1.234,50": "1234.50",
    "1 234,50 zł": "1234.50", "1234,50 Kč": "1234.50", "$.50": "0.50", "12.50 usd": "12.50", "¥1,234,567": "1234567",
    "B/.12.50": "12.50", "500 руб.": "500",
}  # fmt: skip

TWO_MEANINGS = {
    "1,234": ("1234", "1.234"), "1.234": ("1.234", "1234"), "$1,234": ("1234", "1.234"), "(1.234)": ("-1.234", "-1234"),
    "12.345 kr": ("12.345", "12345"), "Rs. 1,500": ("1500", "1.500"), "999,999": ("999999", "999.999"),
    f"{MINUS}1,234": ("-1234", "-1.234"), "1.000": ("1.000", "1000"), "-12,345-": None, "1,000 EUR": ("1000", "1.000"),
    "kr. 1.200": ("1.200", "1200"),
}  # fmt: skip

NO_AMOUNTS = [
    "", "-", "€", "abc", "12 kg", "12 50", "1,2,3", "1,23,45", "1,234,56", "12.34.56", "1.23.456,78", "1,234 567",
    "1'23",
    "0,123,456", "5.", "5,", "12,-", "12.-", "--5", "-(12)", "(-12)", "(12", "12)", "12.5+", "-12-", "1.12E+14", "1e5",
    "9e999999999", "12.50 CR", "$5 EUR", "5 USD EUR", "12%", "½", "１２", "٣", "0x10", "1_000", "1 234 56", "NaN",
    "Infinity",
    "12.50 12.50", "EUR", "=12", "12:50", "..5", "1..5",
]  # fmt: skip


@pytest.mark.parametrize("text", ONE_MEANING)
def test_a_text_of_one_meaning_is_read_without_a_word_on_its_notation(text: str) -> None:
    assert read_amount(text, "either", "price") == ONE_MEANING[text]


@pytest.mark.parametrize(("text", "meanings"), TWO_MEANINGS.items())
def test_a_text_of_two_meanings_is_read_as_said_or_refused(text: str, meanings: tuple[str, str] | None) -> None:
    if meanings is None:
        assert take_apart(text) is None
        return
    assert (read_amount(text, "point", "price"), read_amount(text, "comma", "price")) == meanings
    with pytest.raises(Rejected) as refused:
        read_amount(text, "either", "price")
    assert refused.value.code == "ambiguous_amount"
    assert all(meaning in refused.value.reason for meaning in meanings)


@pytest.mark.parametrize("text", NO_AMOUNTS)
@pytest.mark.parametrize("notation", ["point", "comma", "either"])
def test_what_is_no_amount_is_refused(text: str, notation: Notation) -> None:
    with pytest.raises(Rejected) as refused:
        read_amount(text, notation, "price")
    assert refused.value.code == "wrong_type"


@pytest.mark.parametrize(("text", "notation"), [("24.90", "comma"), ("24,90", "point"), ("1.234,50", "point")])
def test_a_text_of_the_other_notation_is_refused(text: str, notation: Notation) -> None:
    with pytest.raises(Rejected, match=f"decimal {notation}"):
        read_amount(text, notation, "price")


@pytest.mark.parametrize(
    ("text", "share"),
    [("20%", "0.20"), ("5 %", "0.05"), ("7,5%", "0.075"), ("100%", "1.00"), ("0%", "0.00"), ("-5%", "-0.05")],
)
def test_a_share_may_be_in_per_cent(text: str, share: str) -> None:
    assert read_amount(text, "either", "discount", fraction=True) == share


def test_a_column_says_its_notation() -> None:
    assert notation_of(["1,234", "12.50"])[:2] == ({"point"}, "1,234")
    assert notation_of(["1.234", "12,50"])[:2] == ({"comma"}, "1.234")
    assert notation_of(["24,90", "1,003.50"])[0] == {"point", "comma"}
    assert notation_of(["1", "22", "abc", ""])[:2] == (set(), None)


GROUPS = st.sampled_from(["", "dot or comma", " ", NO_BREAK, NARROW, THIN, "'", "’"])
SIGNS = st.sampled_from(["", "$", "€ ", "Rs. ", "kr. ", "CHF ", "S/. ", "USD "])
NEGATIVE = st.sampled_from(["-{}", f"{MINUS}{{}}", "({})", "{}-"])


@given(
    st.decimals(0, 10**9, places=2), st.booleans(), GROUPS, SIGNS, st.booleans(), st.booleans(), st.none() | NEGATIVE
)
def test_an_amount_in_any_notation_comes_back_or_is_refused(
    amount: Decimal, comma: bool, group: str, sign: str, behind: bool, whole: bool, negative: str | None
) -> None:
    separators = (",", ".") if comma else (".", ",")
    text = f"{int(amount):,}" if whole else f"{amount:,.2f}"
    text = text.translate({ord(","): separators[1] if group == "dot or comma" else group, ord("."): separators[0]})
    text = f"{text} {sign.strip()}" if behind and sign else sign + text
    expected = Decimal(int(amount)) if whole else amount
    if negative:
        text, expected = negative.format(text), -expected
    notation: Notation = "comma" if comma else "point"
    assert Decimal(read_amount(text, notation, "price")) == expected
    try:
        assert Decimal(read_amount(text, "either", "price")) == expected
    except Rejected as refused:
        assert refused.code == "ambiguous_amount"
