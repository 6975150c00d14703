"""What a whole file says of how its texts are to be read, before anything of it is written.

`03/04/2018` and `1,234` mean two things each; the other rows of the file tell which. What they tell is kept in the
import's record and with every rejected row, so that a row that is tried again means what it meant in its file.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import combinations

from ecommerce.importing.formats.csv_columns import CellColumns
from ecommerce.importing.order_lines.amounts import ORDINARY, Notation, notation_of
from ecommerce.importing.order_lines.column_roles import column_roles
from ecommerce.importing.order_lines.currencies import Currencies, currencies_of
from ecommerce.importing.order_lines.mapping import Mapping
from ecommerce.importing.order_lines.seen_lines import ColumnTexts
from ecommerce.importing.order_lines.times import swapped
from ecommerce.importing.shape import Reading

TEXTS_HELD = 20_000
"""Different texts of a column that are held before they are looked at: memory stays flat, and most come again."""

_WHOLE_AS_FLOAT = re.compile(r"\d{1,15}\.0", re.ASCII)
"""pandas writes the whole numbers of a column with gaps like this: 17850.0."""


class _Amounts:
    def __init__(self) -> None:
        self.texts: set[str] = set()
        self.said: set[Notation] = set()
        self.depends: str | None = None
        self.currencies: dict[Currencies, None] = {}

    def look(self) -> None:
        unusual = []
        for text in self.texts:
            if ORDINARY.fullmatch(text):
                if "." in text:
                    self.said.add("point")
            else:
                unusual.append(text)
        said, depends, currencies = notation_of(sorted(unusual))  # so that every run names the same text
        self.said |= said
        self.depends = self.depends or depends
        self.currencies |= dict.fromkeys(currencies)
        self.texts.clear()


class _Times:
    """The dates of all columns with the same formats, against each of these and those with day and month swapped."""

    def __init__(self, formats: tuple[str, ...]) -> None:
        self.formats = formats
        self._first_part = all(_date_comes_first(text) for text in formats)
        self.stated = tuple(dict.fromkeys(map(self._cut, formats)))
        others = {other for text in self.stated if (other := swapped(text))}
        self.candidates = (*self.stated, *sorted(others - set(self.stated)))
        self.texts: set[tuple[str, ...]] = set()
        """The cells of times, of one column or several."""
        self.only: dict[tuple[str, str], str] = {}
        """(format, other format) → a date that fits the first of them and not the other."""
        self.fit: set[str] = set()
        """Formats that a date fits."""
        self.either: dict[tuple[str, str], str] = {}
        """(format, other format) → a date that fits both and means two days."""

    def _cut(self, text: str) -> str:
        return text.partition(" ")[0] if self._first_part else text

    def look(self) -> None:
        stripped = (" ".join(part.strip() for part in parts).strip() for parts in self.texts)
        for text in sorted({self._cut(text) for text in stripped if text}):
            days = {candidate: _day(text, candidate) for candidate in self.candidates}
            self.fit |= {candidate for candidate, day in days.items() if day is not None}
            for one, other in combinations(self.candidates, 2):
                if days[one] is not None and days[other] is not None:
                    if days[one] != days[other]:
                        self.either.setdefault((one, other), text)
                elif days[one] is not None:
                    self.only.setdefault((one, other), text)
                elif days[other] is not None:
                    self.only.setdefault((other, one), text)
        self.texts.clear()

    def decide(self) -> tuple[str, ...]:
        """The formats that the file leaves. Raises ValueError where it fits two, or contradicts the mapping."""
        left = list(self.stated)
        for one, other in combinations(self.stated, 2):
            text = self.either.get((one, other))
            if text is None:
                continue
            for_one, for_other = self.only.get((one, other)), self.only.get((other, one))
            if not for_one and not for_other:
                raise ValueError(
                    f"its dates fit {one} and {other}: {text} is {_shown_day(text, one)} or {_shown_day(text, other)};"
                    " name one of them as `dates` in the mapping"
                )
            if not (for_one and for_other):  # else each date by itself: those with two meanings are rejected
                left.remove(other if for_one else one)
        for stated, other in combinations(self.candidates, 2):
            # Without a date that fits both, all of the others are rejected anyway, and can be tried again.
            if other in self.stated or other != swapped(stated) or (stated, other) not in self.either:
                continue
            against = self.only.get((other, stated))
            if against and (stated, other) not in self.only:
                raise ValueError(
                    f"the mapping reads its dates as {stated}, but {against} can only be {other}, and no date of the"
                    f" file speaks for {stated}: write {other} as `dates` in the mapping"
                )
        if left != list(self.stated):  # said to a person: without those that no date of the file has
            left = [one for one in left if one in self.fit] or left
        return tuple(text for text in self.formats if self._cut(text) in left)


class ReadingPass:
    """Looks at the rows of one file, or of one that is joined to it, while they are read for the first time."""

    def __init__(self, mapping: Mapping, columns: Sequence[str]) -> None:
        self._nothing = mapping.means_nothing
        self._names = columns
        roles = column_roles(mapping)
        at = {name: columns.index(name) for name in columns}
        self._decimal = mapping.decimal_comma
        self._amounts = {name: _Amounts() for name in columns if name in roles.amounts}
        self._amounts_at = [(at[name], self._amounts[name].texts) for name in self._amounts]
        self._times = {formats: _Times(formats) for formats in roles.times if formats}
        self._times_at = [
            ([at[name] for name in together], self._times[formats].texts)
            for formats, several in roles.times.items()
            for together in several
            if formats and all(name in at for name in together) and len(self._times[formats].candidates) > 1
        ]
        self._identities_at = {name: at[name] for name in columns if name in roles.identities}
        """Columns of which `texts_of` has met nothing yet but whole numbers with a point."""
        self._whole = set(self._identities_at)
        """The same of what `see` was given."""
        self._seen_float: set[str] = set()
        self._rows = 0
        """Since the texts were looked at."""
        self._currency_at = at.get(mapping.currency or "")
        self._currencies: dict[str, None] = {}
        self._by_order = "currency" in mapping.order
        self.places = {place for place, _ in self._amounts_at} | {*self._identities_at.values()}
        """The columns that are looked at, by their places in the file."""
        self.places.update(place for places, _ in self._times_at for place in places)
        if self._currency_at is not None:
            self.places.add(self._currency_at)

    def texts_of(self, columns: CellColumns) -> ColumnTexts:
        """What is to be looked at of rows, complete and in the order of the columns."""
        currency = self._currency_at
        return ColumnTexts(
            columns.lines,
            [set(columns.different(place)) for place, _ in self._amounts_at],
            [_together(columns, places) for places, _ in self._times_at],
            [self._of_identities(name, columns.different(at)) for name, at in list(self._identities_at.items())],
            [] if currency is None else columns.different(currency),
        )

    def _of_identities(self, name: str, cells: Iterable[str]) -> tuple[str, bool, bool]:
        texts = {cell.strip() for cell in cells}
        floats = {text for text in texts if _WHOLE_AS_FLOAT.fullmatch(text)}
        others = any(text and not self._nothing(text) for text in texts - floats)
        if others:
            del self._identities_at[name]
        return name, bool(floats), others

    def see(self, texts: ColumnTexts) -> None:
        """Look at the texts of the next rows."""
        for (_, amounts), some in zip(self._amounts_at, texts.amounts, strict=True):
            amounts.update(some)
        for (_, times), some_times in zip(self._times_at, texts.times, strict=True):
            times.update(some_times)
        for name, are_floats, are_others in texts.identities:
            if are_floats:
                self._seen_float.add(name)
            if are_others:
                self._whole.discard(name)
        self._currencies |= dict.fromkeys(texts.currencies)
        self._rows += texts.rows
        if self._rows >= TEXTS_HELD:
            self._look()
            self._rows = 0

    def _look(self) -> None:
        for amounts in self._amounts.values():
            amounts.look()
        for times in self._times.values():
            times.look()

    def readings(self) -> tuple[Reading, ...]:
        """What the file says. Raises ValueError where its dates fit two readings, or contradict the mapping."""
        self._look()
        found: list[Reading] = []
        said_in_file = set[Notation]().union(*(amounts.said for amounts in self._amounts.values()))
        for name, amounts in self._amounts.items():
            if self._decimal is None:
                decimal = _one(amounts.said) or (_one(said_in_file) if not amounts.said else None)
                if decimal and (amounts.depends or (decimal == "comma" and amounts.said)):
                    found.append(Reading("decimal", name, decimal))
        named = {codes: None for text in self._currencies if (codes := currencies_of(text.strip()))}
        if len(named) > 1 and self._by_order:
            named = {}  # each order has one of its own, and they are never added up
        found += _currencies([named, *(amounts.currencies for amounts in self._amounts.values())])
        for formats, times in self._times.items():
            left = times.decide()
            if left != formats:
                found.append(Reading("dates", " or ".join(formats), " or ".join(left)))
        found += [
            Reading("whole", name, "17850.0 is 17850") for name in self._names if name in self._whole & self._seen_float
        ]
        return tuple(found)


def _currencies(by_column: Sequence[Iterable[Currencies]]) -> list[Reading]:
    """The currency of the file's amounts; several, where no currency is what all the signs may mean."""
    signs = sorted({codes for found in by_column for codes in found}, key=sorted)
    if not signs:
        return []
    common = frozenset.intersection(*signs)
    if common:
        return [Reading("currency", "", " or ".join(sorted(common)))]
    return [Reading("currencies", "", ", ".join("/".join(sorted(codes)[:3]) for codes in signs[:5]))]


def _together(columns: CellColumns, places: Sequence[int]) -> set[tuple[str, ...]]:
    """The different cells of some columns: tuples also of one."""
    if len(places) == 1:
        return {(text,) for text in columns.different(places[0])}
    return set(zip(*(columns.columns[place].cells() for place in places), strict=True))


def _one(said: set[Notation]) -> Notation | None:
    return next(iter(said)) if len(said) == 1 else None


def _date_comes_first(date_format: str) -> bool:
    first = date_format.partition(" ")[0]
    return "%d" in first and "%m" in first and ("%y" in first or "%Y" in first)


def _day(text: str, date_format: str) -> datetime | None:
    try:
        return datetime.strptime(text, date_format)
    except ValueError:
        return None


def _shown_day(text: str, date_format: str) -> str:
    day = _day(text, date_format)
    return f"{day:%d %B %Y}" if day else "no date"
