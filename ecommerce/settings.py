"""One settings object, read from `ECOMMERCE_*` environment variables."""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import platformdirs
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from ecommerce.errors import SettingsError
from ecommerce.iso_4217 import CURRENCY_CODES


def is_zone(name: str) -> bool:
    """Whether a text names a time zone (IANA) that this machine knows; a container may lack the package tzdata."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


class Settings(BaseSettings):
    """Where the services are and what the embedded ones keep. Every field is `ECOMMERCE_<NAME>` in the environment."""

    model_config = SettingsConfigDict(env_prefix="ECOMMERCE_", env_ignore_empty=True, extra="ignore", frozen=True)

    mongo_uri: SecretStr | None = Field(None, description="MongoDB to use; without it an embedded mongod is run.")
    database: str = Field("ecommerce", min_length=1, max_length=63, pattern=r"^[A-Za-z0-9_-]+$")
    archive_uri: str | None = Field(
        None,
        pattern=r"^(hdfs://|file:)",
        description="Archive directory (hdfs://… or file:…); without it embedded HDFS.",
    )
    catalog_uri: SecretStr | None = Field(
        None,
        description="Database of the archive's catalog (postgresql://…); without it the embedded Postgres.",
    )
    spark_master: str = Field("local[*]", description="Spark master URL.")
    home: Path = Field(Path(".ecommerce"), description="Data, logs and state of the embedded services.")
    cache: Path = Field(
        Path(platformdirs.user_cache_dir("ecommerce-pipeline", appauthor=False)),
        description="What is fetched once: jars of Hadoop and Iceberg, a Java where none is installed.",
    )
    inbox: Path | None = Field(None, description="Folder that the hourly import scans; default: inbox/ under home.")
    mongo_port: int = Field(27117, ge=1, le=65535)
    namenode_port: int = Field(9800, ge=1, le=65535)
    dashboard_port: int = Field(5006, ge=1, le=65535)
    dashboard_url: str | None = Field(
        None, description="Where people reach the dashboard, for links; default: 127.0.0.1 and the port."
    )
    prefect_port: int = Field(4200, ge=1, le=65535)
    task_timeout_seconds: float = Field(
        21_600.0,
        ge=60,
        description="Seconds after which a task of a flow run is ended as TimedOut; live orders have none.",
    )
    run_timeout_seconds: float = Field(
        43_200.0,
        ge=60,
        description="Seconds after which a flow run is ended as TimedOut, so that it holds its deployment's place no "
        "longer; generated orders have none.",
    )
    spark_answer_seconds: float = Field(
        120.0,
        ge=5,
        description="Seconds after which Spark's JVM is killed where it does not answer, so that a run fails instead "
        "of holding its place.",
    )
    archive_older_than_days: int = Field(
        30, ge=0, le=36_500, description="Finished orders older than this many whole days are archived."
    )
    archive_max_hot_orders: int | None = Field(
        None, ge=0, description="Also the oldest days are archived, until at most this many orders are in MongoDB."
    )
    archive_max_hot_bytes: int | None = Field(
        None,
        ge=0,
        description="Also the oldest days are archived, until the orders in MongoDB have at most these bytes.",
    )
    archive_approve: bool = Field(
        False, description="An archive run waits for a person's word before it deletes anything."
    )
    archive_keep_snapshots_days: int = Field(
        7, ge=1, le=36_500, description="So many days the archive's table can be asked as it was before."
    )
    archive_expire_years: int | None = Field(
        None,
        ge=1,
        le=100,
        description="Archived orders older than so many years are removed for good by the daily run; figures stay.",
    )
    generate_orders_per_hour: int = Field(
        40, ge=1, le=10**9, description="Orders of an average hour of the hourly generation."
    )
    generate_catch_up_hours: int = Field(
        168, ge=0, le=8_784, description="Hours back in which the hourly generation makes what an outage left out."
    )
    import_max_rejected_share: float = Field(
        0.25, ge=0, le=1, description="A file is stopped when more than this share of its rows is rejected."
    )
    import_settle_seconds: float = Field(
        5.0, ge=0, le=3600, description="Files of the inbox that were written to more recently wait for the next run."
    )
    summarize_warn_lag_seconds: float = Field(
        60.0,
        ge=0,
        le=86_400,
        description="Summarize warns when the summaries end further behind than this, in seconds.",
    )
    keep_runs_days: int = Field(
        90, ge=1, le=36_500, description="Flow runs that ended longer ago are deleted from Prefect's history."
    )
    refresh_seconds: float = Field(5.0, ge=1, le=3600, description="Seconds between two dashboard refreshes.")
    currency: str | None = Field(
        None,
        description="The shop's currency (ISO 4217), recorded at the first start; USD unless set.",
    )
    low_stock: int = Field(10, ge=0, description="Pieces left from which on the dashboard calls a stock low.")
    cover_days: float = Field(
        7.0, ge=0, description="Products whose stock lasts for fewer days at the recent sales need attention."
    )
    overdue_orders: int = Field(1, ge=1, description="Overdue orders from which on they need attention.")
    old_order_days: int = Field(
        30, ge=1, description="Orders that are not finished so many days after they were placed need attention."
    )
    lag_seconds: float = Field(
        60.0, ge=1, description="Figures that are further behind the orders need attention, in seconds."
    )
    customers_on_loopback: bool = Field(
        False,
        description="Show customers' names and e-mails to browsers on this machine without a login.",
    )
    timezone: str | None = Field(
        None,
        description="Time zone (IANA) of the shop's days, recorded at the first start; UTC unless set.",
    )

    @field_validator("home")
    @classmethod
    def _folder(cls, home: Path) -> Path:
        place = home.expanduser().absolute()
        try:
            existing = next(one for one in (place, *place.parents) if one.exists())
        except OSError:
            return home  # whoever uses it says what this user may not do
        if not existing.is_dir():
            raise ValueError(f"{existing} is a file: name a folder, which is made where there is none")
        return home

    @field_validator("archive_uri")
    @classmethod
    def _absolute(cls, uri: str | None) -> str | None:
        """A `file:` archive is the same folder for every process, wherever it runs."""
        if uri is None or not uri.startswith("file:") or uri.startswith("file:///"):
            return uri
        if uri.startswith("file://"):
            raise ValueError("a file: address has no host: write file:/folder or file:///folder")
        return f"file:{Path(uri.removeprefix('file:')).absolute()}"

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str | None) -> str | None:
        if name is not None and not is_zone(name):
            raise ValueError("no time zone that this machine knows: use a name such as Europe/Berlin, or UTC")
        return name

    @field_validator("currency")
    @classmethod
    def _known_currency(cls, code: str | None) -> str | None:
        if code is not None and code not in CURRENCY_CODES:
            raise ValueError("no code of ISO 4217: use one such as EUR")
        return code

    @field_validator("catalog_uri")
    @classmethod
    def _of_a_known_kind(cls, uri: SecretStr | None) -> SecretStr | None:
        if uri is not None and not uri.get_secret_value().startswith(("postgresql://", "sqlite:///")):
            raise ValueError("write postgresql://user:password@host/database, or sqlite:////folder/file")
        return uri

    @property
    def home_directory(self) -> Path:
        """`home` as an absolute path."""
        return self.home.expanduser().absolute()

    @property
    def inbox_directory(self) -> Path:
        """The folder that the hourly import scans, absolute."""
        return self.inbox.expanduser().absolute() if self.inbox else self.home_directory / "inbox"


SET_BY_OPERATORS = (
    "archive_older_than_days",
    "archive_max_hot_orders",
    "archive_max_hot_bytes",
    "archive_approve",
    "generate_orders_per_hour",
    "generate_catch_up_hours",
    "import_max_rejected_share",
    "import_settle_seconds",
    "summarize_warn_lag_seconds",
    "keep_runs_days",
)
"""Settings that flow runs also take from a Prefect Variable `ecommerce_<setting>`; it goes before the environment."""


def load_settings() -> Settings:
    """Read the settings anew. Raises SettingsError that names the variable and what is wrong with it."""
    try:
        return Settings()
    except ValidationError as error:
        raise SettingsError(problems_of(error, lambda name: f"ECOMMERCE_{name.upper()}")) from None


def problems_of(error: ValidationError, variable: Callable[[str], str]) -> str:
    """What is wrong with settings, in one line; `variable` says what a setting is called where it was set."""
    return "; ".join(f"{variable(str(e['loc'][0]))}={e.get('input')!r}: {e['msg']}" for e in error.errors())


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """The process's settings, read once."""
    return load_settings()
