"""The codes of currencies that an order may name: those of ISO 4217, and those that it withdrew since 2000."""

from decimal import Decimal

_IN_USE = """
AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF
CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD
HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD
MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN
PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY
TTD TWD TZS UAH UGX USD UYU UZS VED VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG
"""
_WITHDRAWN = """
AZM BYR CSD CUC CYP EEK GHC HRK LTL LVL MGF MRO MTL MZM ROL SDD SIT SKK SLL SRG STD TMM TRL VEB VEF ZMK ZWD
ZWL
"""

_MINOR_DIGITS = {
    0: "BIF BYR CLP DJF GNF ISK JPY KMF KRW MGF PYG RWF UGX VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND",
}
"""Of those that have others than two."""
_DIGITS_OF = {code: digits for digits, codes in _MINOR_DIGITS.items() for code in codes.split()}

_DIGITS_MAX = 20

CURRENCY_CODES = frozenset((*_IN_USE.split(), *_WITHDRAWN.split()))


def minor_digits(currency: str) -> int:
    """Decimals of an amount of a currency: 2 of EUR, 0 of JPY, 3 of KWD."""
    return _DIGITS_OF.get(currency, 2)


def is_amount(number: Decimal) -> bool:
    """Whether a number can be one of money; what somebody wrote past the validator may be infinite or 1E+6144."""
    return number.is_finite() and abs(number.adjusted()) <= _DIGITS_MAX


def amount_text(amount: Decimal, currency: str, *, grouped: bool = False) -> str:
    """An amount with the decimals of its currency, and with more where it has more: 63.80 of EUR 63.8000.

    `grouped` writes 1,000.00. What no amount can be is written as it is.
    """
    if not is_amount(amount):
        return str(amount)
    comma, digits = "," if grouped else "", minor_digits(currency)
    if amount == round(amount, digits):
        return f"{amount:{comma}.{digits}f}"
    return f"{amount:{comma}f}".rstrip("0")
