"""The zone of times that name none, where no mapping says another: the shop's, in the process that imports."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

_name = "UTC"
_zone: "ZoneInfo | None" = None
"""None: UTC."""


class NotOneMoment(ValueError):
    """A time that is several moments, or none."""


def use_zone(time_zone: str) -> None:
    """Take times without a zone as of this one from now on."""
    global _name, _zone
    if time_zone != _name:
        from zoneinfo import ZoneInfo  # here: decoding processes of shops in UTC start without it

        _name, _zone = time_zone, None if time_zone == "UTC" else ZoneInfo(time_zone)


def shop_zone() -> str:
    """The zone of times that name none."""
    return _name


def moment_of(naive: datetime) -> datetime:
    """The moment, in UTC, that a time without a zone names. Raises NotOneMoment where clocks are changed then."""
    if _zone is None:
        return naive.replace(tzinfo=UTC)
    return placed(naive, _zone).astimezone(UTC)


def placed(naive: datetime, zone: "ZoneInfo") -> datetime:
    """A time without a zone in this one. Raises NotOneMoment in the hours in which its clocks are changed."""
    found = naive.replace(tzinfo=zone)
    if found.utcoffset() != found.replace(fold=1).utcoffset():
        raise NotOneMoment(f"clocks in {zone.key} are changed then, so it is two moments or none: give its offset")
    return found
