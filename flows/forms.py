"""What the forms of the flows are made of: days and moments that the form checks, fields that a setting fills."""

import warnings
from datetime import date, datetime
from functools import lru_cache
from typing import Annotated, Any, TypeVar

from prefect.client.orchestration import get_client
from prefect.runtime import flow_run
from pydantic import ValidationError
from pydantic.json_schema import PydanticJsonSchemaWarning, SkipJsonSchema, WithJsonSchema

from ecommerce.errors import SettingsError
from ecommerce.settings import SET_BY_OPERATORS, Settings, get_settings, problems_of

Value = TypeVar("Value")

VARIABLE_PREFIX = "ecommerce_"


class AsSet:
    """The default of a field that is filled from the settings. Prefect's form shows it empty.

    A number as the default would stand in the form; who empties the field there sends nothing, and gets that number
    again without seeing it.
    """

    def __repr__(self) -> str:
        return "as set"


AS_SET = AsSet()
Unset = SkipJsonSchema[AsSet]
"""Part of the type of a field whose default is AS_SET; the form does not show it."""

# It tells that AS_SET is in no form, which is what it is for.
warnings.filterwarnings("ignore", category=PydanticJsonSchemaWarning, message=".*as set")

_DAY = (
    r"[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
    r"|02-(?:0[1-9]|1[0-9]|2[0-9]))"
)
_TIME = r"[T ](?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\.[0-9]+)?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?"

# Prefect's API looks at patterns and never at formats: 2026-13-45 came through, and the run failed.
Day = Annotated[date, WithJsonSchema({"type": "string", "format": "date", "pattern": f"^{_DAY}$"})]
Moment = Annotated[
    datetime, WithJsonSchema({"type": "string", "format": "date-time", "pattern": f"^{_DAY}({_TIME})?$"})
]


def chosen(given: Value | AsSet, setting: Value) -> Value:
    """What a field says, or where it is empty, the setting."""
    return setting if isinstance(given, AsSet) else given


def settings_by_operators(of: str) -> Settings:
    """The settings; those of SET_BY_OPERATORS that begin with `of` as Prefect Variables say, `ecommerce_<setting>`.

    Deploying again does not touch Variables, and a run that is scheduled already reads them when it runs.
    """
    settings = get_settings()
    variables = _variables_of(flow_run.id) if flow_run.id else _variables()
    names = {name: f"{VARIABLE_PREFIX}{name}" for name in SET_BY_OPERATORS if name.startswith(of)}
    said = {name: variables[variable] for name, variable in names.items() if variable in variables}
    if not said:
        return settings
    try:
        return Settings(**{**settings.model_dump(), **said})
    except ValidationError as error:
        raise SettingsError(problems_of(error, lambda name: f"the Prefect Variable {names.get(name, name)}")) from None


def _variables() -> dict[str, Any]:
    with get_client(sync_client=True) as client:
        return {variable.name: variable.value for variable in client.read_variables(limit=200)}


@lru_cache(maxsize=1)
def _variables_of(_run: str) -> dict[str, Any]:
    """The Variables as the run found them when it began: its name and what it does agree."""
    return _variables()
