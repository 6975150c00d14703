"""What an import did, per file: rows read = accepted + unchanged + changed + rejected, always."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from shlex import quote
from time import time
from zoneinfo import ZoneInfo

from ecommerce.errors import EcommerceError
from ecommerce.importing.left_out import LeftOut, left_out_text, names_of
from ecommerce.importing.naive_times import shop_zone
from ecommerce.importing.order_lines.mappings import is_shipped
from ecommerce.importing.reasons import NO_ROWS, Rejection
from ecommerce.importing.rows.plausible import Doubts, doubt_sentences
from ecommerce.importing.shape import JOINED, LINES, NOT_NEEDED, ORDERS, Reading, sentences_of
from ecommerce.importing.sources.streams import FileIdentity
from ecommerce.readable import counted

REJECTIONS_SHOWN = 10
DAY_SECONDS = 86_400

NAMED = ("products", "couriers", "warehouses", "users")
"""Tables of the catalog whose records have names, or a person's place."""


@dataclass
class FileReport:
    """What became of one file's rows."""

    path: Path
    rows_are: str = ""
    """`orders`, a catalog table's name, `order lines` or `joined`; empty for a file that could not be read at all."""
    lines: int = 0
    """Of order lines: how many there were. `read` and the other counts are then of orders, made of these lines."""
    read: int = 0
    accepted: int = 0
    unchanged: int = 0
    changed: int = 0
    rejected: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    """How many rows were rejected with each code."""
    mapping: str | None = None
    """Of order lines: name or path of the mapping."""
    unknown_statuses: Counter[str] = field(default_factory=Counter)
    """Statuses of orders that the table of statuses does not have, and how many rows had each."""
    currencies: Counter[str] = field(default_factory=Counter)
    """Currencies that orders name, and how many orders name each; the others are in the shop's."""
    shop_currency: str = ""
    no_own_currency: bool = False
    """Neither the file nor the database has an order in the shop's currency: it was chosen by mistake, maybe."""
    forgotten: int = 0
    """Rows of people who were forgotten: nothing that identifies them was kept."""
    rejected_earlier: int = 0
    """Rejected rows of other files that had its name: this one may be the corrected one."""
    need_file: int = 0
    """Rejected rows whose text is not all of them: they cannot be tried again without their file."""
    first_rejections: list[Rejection] = field(default_factory=list)
    error: str | None = None
    """Why the file was not read to its end. What was imported of it stays and counts above."""
    seconds: float = 0.0
    identity: FileIdentity | None = None
    """Of the file that was read."""
    replaced: bool = False
    """Whether another file has its name now, or it was written to since: that was not imported."""
    readings: tuple[Reading, ...] = ()
    """How texts were read that mean two things by themselves."""
    first_order_ms: int | None = None
    last_order_ms: int | None = None
    """When the first and the last of its orders were placed, in milliseconds since 1970."""

    doubts: Doubts = field(default_factory=dict)
    """Orders whose amounts hardly belong together."""
    future_orders: int = 0
    """Orders that are placed more than a day from now."""

    made_up: set[str] = field(default_factory=set)
    """Tables of the generator's catalog whose ids this file has, too, for something else."""

    def saw_orders(self, times_ms: Sequence[int]) -> None:
        """Take in when orders were placed, in milliseconds since 1970."""
        first, last = min(times_ms), max(times_ms)
        self.first_order_ms = first if self.first_order_ms is None else min(self.first_order_ms, first)
        self.last_order_ms = last if self.last_order_ms is None else max(self.last_order_ms, last)
        tomorrow_ms = int((time() + DAY_SECONDS) * 1000)
        if last > tomorrow_ms:
            self.future_orders += sum(time_ms > tomorrow_ms for time_ms in times_ms)

    @property
    def statuses_not_known(self) -> str:
        """The unknown statuses, in a sentence; empty where there are none."""
        texts = ", ".join(f"{text!r} ({rows:,})" for text, rows in self.unknown_statuses.most_common())
        if not texts:
            return ""
        said = f"statuses that are not known and count as under way, their money, too: {texts}"
        if self.mapping is None:
            return f"{said}; docs/import.md has those that are known"
        if is_shipped(self.mapping):
            copy = f"a copy of the mapping, `ecommerce mapping show {self.mapping} > {self.mapping}.yaml`"
            return (
                f"{said}; say what they mean under `status` in {copy}, and import with `--mapping {self.mapping}.yaml`"
            )
        return f"{said}; say what they mean under `status` in {self.mapping} (docs/mappings.md)"

    @property
    def signs(self) -> Sequence[str]:
        """The currencies that the signs of its amounts may mean; none where they have none."""
        return next((one.read_as.split(" or ") for one in self.readings if one.kind == "currency"), ())

    @property
    def may_lack_own_currency(self) -> bool:
        """Whether each of its orders names another currency than the shop's."""
        named = sum(self.currencies.values())
        return 0 < named >= self.read - self.rejected and self.shop_currency not in self.currencies

    def when_stopped(self) -> str:
        """What is in the database when something stops the import in the middle of the file, and how it goes on."""
        taken = self.accepted + self.unchanged + self.changed
        rejected = f" and {self.rejected:,} in `rejected_rows`" if self.rejected else ""
        return (
            f"Of {self.path.name} at least {counted(taken, 'row is', 'rows are')} in the database{rejected},"
            f" {self.accepted:,} of them new."
            " Import it again: those are unchanged then, and the rest is taken"
        )

    @property
    def is_empty(self) -> bool:
        """Whether it was read to its end and had no row: 0 bytes, blanks or a header, a wrong export maybe."""
        return self.read == 0 and self.error is None and self.rows_are not in (JOINED, NOT_NEEDED)

    @property
    def notes(self) -> list[str]:
        """What a person must know beside the counts."""
        found = self.notes_of_orders
        if self.rows_are == NOT_NEEDED:
            found.append("no mapping needs it, and the tables beside it are complete")
        elif self.is_empty:
            found.append(NO_ROWS)
        if self.rejected_earlier and self.error is None:
            rows = counted(self.rejected_earlier, "row is", "rows are")
            found.append(
                f"{rows} still rejected of an earlier file of this name: where this one corrects it, "
                f"`ecommerce rejected {quote(self.path.name)} --earlier --dismiss` takes them out"
            )
        if self.replaced:
            found.append("was replaced or written to while it was imported: import it again")
        return found

    @property
    def notes_of_orders(self) -> list[str]:
        """What of the notes the file alone says, before it is imported."""
        found = sentences_of(self.readings)
        if self.signs and self.shop_currency and not self.currencies and self.shop_currency not in self.signs:
            found.append(
                f"no order names its currency, and the signs are none of {self.shop_currency}: the amounts count as "
                f"{self.shop_currency} all the same. Where that is wrong, take the orders in again with `currency` "
                "under `order` in a copy of the mapping (docs/mappings.md), or say which is the shop's with "
                "`ecommerce shop --currency CODE`"
            )
        if self.first_order_ms is not None and self.last_order_ms is not None:
            found.append(f"orders from {_day(self.first_order_ms)} to {_day(self.last_order_ms)}")
        if self.future_orders:
            placed = counted(self.future_orders, "of them is", "of them are")
            found.append(f"{placed} placed in the future: are days read as months?")
        found += doubt_sentences(self.doubts)
        if foreign := {code: orders for code, orders in self.currencies.items() if code != self.shop_currency}:
            counts = ", ".join(f"{orders:,} in {code}" for code, orders in sorted(foreign.items()))
            most = max(sorted(foreign), key=foreign.__getitem__)
            relabel = (
                f"; no order is in {self.shop_currency}: `ecommerce shop --currency {most}` makes {most} the shop's"
            )
            found.append(
                f"orders in another currency than the shop's, {self.shop_currency}: {counts}; their money is in no "
                f"figure of {self.shop_currency}: see it with `ecommerce kpis --currency {min(foreign)}`"
                + (relabel if self.no_own_currency else "")
            )
        return found

    def add_rejections(self, rejections: Iterable[Rejection]) -> None:
        for rejection in rejections:
            self.rejected += rejection.rows
            self.reasons[rejection.code] += rejection.rows
            self.need_file += 0 if rejection.raw_complete else rejection.rows
            if len(self.first_rejections) < REJECTIONS_SHOWN:
                self.first_rejections.append(rejection)

    def __str__(self) -> str:
        """What became of the file, in a line."""
        if self.is_empty:
            return f"{self.path.name}: {NO_ROWS}"
        rows = counted(self.read, self.counts_are.removesuffix("s") or "row", self.counts_are)
        counts = f"{rows} read: {self.accepted:,} accepted"
        others = {"unchanged": self.unchanged, "changed": self.changed, "rejected": self.rejected}
        counts += "".join(f", {count:,} {name}" for name, count in others.items() if count)
        reasons = ", ".join(f"{code} {rows:,}" for code, rows in self.reasons.most_common())
        stopped = f"; stopped: {self.error.removeprefix(f'{self.path.name}: ')}" if self.error else ""
        return f"{self.path.name}: {counts}{f' ({reasons})' if reasons else ''}{stopped}"

    @property
    def counts_are(self) -> str:
        """What is counted: lines of one order are read, accepted and rejected together."""
        return ORDERS if self.rows_are == LINES else self.rows_are

    @property
    def holds(self) -> str:
        """What the file holds, beside its counts."""
        return f"{ORDERS}, from lines" if self.rows_are == LINES else self.rows_are

    @property
    def balanced(self) -> bool:
        """Whether every row that was read is accounted for."""
        return self.read == self.accepted + self.unchanged + self.changed + self.rejected


def naming(path: Path, error: object) -> str:
    """What is wrong with a file, with its name: errors are shown where nothing else says which file it is."""
    text = str(error)
    return text if text.startswith((str(path), path.name)) else f"{path.name}: {text}"


def _day(milliseconds: int) -> str:
    """A moment's day, as the shop's calendar has it."""
    return f"{datetime.fromtimestamp(milliseconds // 1000, ZoneInfo(shop_zone())):%Y-%m-%d}"


def _made_up_sentence(tables: Sequence[str]) -> str:
    listed = " and ".join(filter(None, (", ".join(tables[:-1]), tables[-1])))
    return (
        f"the ids of {listed} are also ids of the made-up catalog that `ecommerce up` or `generate` put into this "
        "database, so their names and figures mix: your own orders belong into a shop of their own, by `ecommerce up "
        "--no-demo` with another ECOMMERCE_HOME, or on your own server another ECOMMERCE_DATABASE"
    )


@dataclass
class ImportReport:
    """What became of all files, in the order in which they were imported."""

    files: list[FileReport] = field(default_factory=list)
    left: list[LeftOut] = field(default_factory=list)
    """What lay among the files, or in the inbox, and was not read."""

    @property
    def _left(self) -> str:
        return f". Left, as no import takes it: {left_out_text(self.left)}" if self.left else ""

    def __str__(self) -> str:
        """What became of all files, in a line."""
        if not self.files:
            return f"no file waited{self._left}"
        counts = ", ".join(f"{self._sum(name):,} {name}" for name in ("accepted", "unchanged", "changed", "rejected"))
        empty = names_of([file.path.name for file in self.files if file.is_empty])
        said = f"{counted(len(self.files), 'file')}, {counted(self.read, 'row')} read: {counts}"
        return said + (f". 0 rows in {empty}: is that what was meant?" if empty else "") + self._left

    @property
    def notes(self) -> list[str]:
        """What a person must know of all files together."""
        met = set().union(*(file.made_up for file in self.files))
        return [_made_up_sentence([table for table in NAMED if table in met])] if met else []

    def _sum(self, name: str) -> int:
        return sum(getattr(file, name) for file in self.files)

    @property
    def read(self) -> int:
        return self._sum("read")

    @property
    def accepted(self) -> int:
        return self._sum("accepted")

    @property
    def unchanged(self) -> int:
        return self._sum("unchanged")

    @property
    def changed(self) -> int:
        return self._sum("changed")

    @property
    def rejected(self) -> int:
        return self._sum("rejected")

    @property
    def failed(self) -> list[FileReport]:
        """The files that were not imported to their end."""
        return [file for file in self.files if file.error]


class FilesFailed(EcommerceError):
    """Some files were not imported to their end; `report` tells of all of them."""

    def __init__(self, report: ImportReport) -> None:
        super().__init__("; ".join(str(file.error) for file in report.failed))
        self.report = report
