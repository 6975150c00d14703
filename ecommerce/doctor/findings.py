"""What a check finds, and how the checks are run: one after the other, each only where what it needs is well."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

from pymongo.errors import OperationFailure, PyMongoError

from ecommerce.errors import EcommerceError, first_line
from ecommerce.prefect_api import PrefectError
from ecommerce.settings import Settings

OK, PROBLEM, SKIPPED = "ok", "problem", "skipped"
_UNAUTHORIZED = 13

OF_PREFECT = (
    "where its database is away or on a full disk, the checks `postgres` and `space` say so; its log, "
    "logs/prefect-server.log under the home of the embedded one, has more"
)


class Problem(Exception):
    """What a check found wrong: a sentence that names the value, and what to do."""

    def __init__(self, says: str, remedy: str) -> None:
        super().__init__(says)
        self.says = says
        self.remedy = remedy


def raise_all(problems: Sequence[tuple[str, str]]) -> None:
    """Raise one Problem of all of them, each what it says and its remedy, where there are any."""
    if problems:
        raise Problem("; ".join(says for says, _ in problems), "; ".join(dict.fromkeys(what for _, what in problems)))


@dataclass(frozen=True, slots=True)
class Check:
    """One thing to look at. `look` returns how it is where it is well and raises Problem where it is not."""

    name: str
    look: Callable[[Settings], str]
    needs: tuple[str, ...] = ()
    """Checks that must be ok for this one to mean anything."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of a check."""

    check: str
    state: str
    """`ok`, `problem` or `skipped`."""
    says: str
    remedy: str = ""

    def to_dict(self) -> dict[str, str]:
        return asdict(self)


def examine(settings: Settings, checks: Sequence[Check]) -> list[Finding]:
    """Run the checks in their order."""
    findings: dict[str, Finding] = {}
    for check in checks:
        # A check that was left out of the sequence cannot have failed.
        unmet = [name for name in check.needs if name in findings and findings[name].state != OK]
        if unmet:
            findings[check.name] = Finding(check.name, SKIPPED, f"{unmet[0]} comes first")
        else:
            findings[check.name] = _look(check, settings)
    return list(findings.values())


def _look(check: Check, settings: Settings) -> Finding:
    try:
        return Finding(check.name, OK, check.look(settings))
    except Problem as problem:
        return Finding(check.name, PROBLEM, problem.says, problem.remedy)
    except PrefectError as error:
        status = f" ({error.status})" if error.status else ""
        return Finding(check.name, PROBLEM, f"the Prefect server could not be asked{status}: {error}", OF_PREFECT)
    except EcommerceError as error:
        return Finding(check.name, PROBLEM, str(error), "do what the message says")
    except (PyMongoError, OSError) as error:
        if isinstance(error, OperationFailure) and error.code == _UNAUTHORIZED:
            return Finding(check.name, SKIPPED, "this MongoDB user may not look at it")
        what = f"could not be looked at: {first_line(error)[:300]}"
        return Finding(check.name, PROBLEM, what, "run the doctor again")
