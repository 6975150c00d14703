"""Signs and names of currencies as amounts carry them, and which ISO 4217 codes each may mean."""

from ecommerce.iso_4217 import CURRENCY_CODES

_SIGNS = {
    "$": "USD ARS AUD BBD BMD BND BSD BZD CAD CLP COP CUP DOP FJD GYD HKD JMD KYD LRD MXN NAD NZD SBD SGD SRD TTD TWD"
    " UYU XCD",
    "us$": "USD", "u$s": "USD", "ca$": "CAD", "c$": "CAD", "cad$": "CAD", "a$": "AUD", "au$": "AUD", "nz$": "NZD",
    "s$": "SGD", "hk$": "HKD", "nt$": "TWD", "mx$": "MXN", "r$": "BRL",
    "€": "EUR", "euro": "EUR", "euros": "EUR", "£": "GBP EGP FKP GIP SHP SSP", "¥": "JPY CNY", "￥": "JPY CNY",
    "円": "JPY", "元": "CNY", "rmb": "CNY", "₹": "INR", "rs": "INR LKR MUR NPR PKR SCR",
    "rs.": "INR LKR MUR NPR PKR SCR",
    "₩": "KRW", "₽": "RUB", "руб": "RUB", "руб.": "RUB", "р.": "RUB", "₴": "UAH", "грн": "UAH", "грн.": "UAH",
    "₺": "TRY", "tl": "TRY", "₪": "ILS", "฿": "THB", "₫": "VND", "đ": "VND", "₦": "NGN", "₱": "PHP", "zł": "PLN",
    "kč": "CZK", "kc": "CZK", "ft": "HUF", "ft.": "HUF", "lei": "RON MDL", "лв": "BGN", "лв.": "BGN",
    "kr": "DKK ISK NOK SEK", "kr.": "DKK ISK NOK SEK", "fr": "CHF XAF XOF", "fr.": "CHF XAF XOF", "sfr": "CHF",
    "sfr.": "CHF", "s/": "PEN", "s/.": "PEN", "r": "ZAR", "rp": "IDR", "rp.": "IDR", "rm": "MYR", "₡": "CRC",
    "₲": "PYG", "dh": "AED MAD", "dhs": "AED MAD", "dhs.": "AED MAD", "q": "GTQ", "b/.": "PAB", "bs": "BOB VES",
    "bs.": "BOB VES", "ksh": "KES", "ksh.": "KES", "₵": "GHS", "gh₵": "GHS", "din": "RSD", "din.": "RSD", "₸": "KZT",
    "₾": "GEL", "֏": "AMD", "₼": "AZN", "sr": "SAR",
}  # fmt: skip

Currencies = frozenset[str]
"""The ISO 4217 codes that a sign may mean: `$` means any dollar, `kr` any crown."""

_BY_NAME: dict[str, Currencies] = {code.lower(): frozenset((code,)) for code in CURRENCY_CODES} | {
    sign: frozenset(codes.split()) for sign, codes in _SIGNS.items()
}


def currencies_of(name: str) -> Currencies | None:
    """The currencies that a sign, code or name may mean; None where it is none."""
    return _BY_NAME.get(name.lower())
