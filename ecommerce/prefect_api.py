"""Prefect's API over HTTP, for what does not load Prefect itself: the dashboard, the doctor and the services."""

import base64
import os
import shlex
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ecommerce.errors import EcommerceError, ServiceError
from ecommerce.settings import Settings

if TYPE_CHECKING:
    import httpx


class PrefectError(EcommerceError):
    """The API refused, or did not answer; then `status` is None."""

    def __init__(self, reason: str, status: int | None = None) -> None:
        super().__init__(reason)
        self.status = status


class NotPrefect(ServiceError):
    """Something else answers where Prefect's API should be."""


REFUSED = (401, 403)
"""What a server answers whom it does not let in."""


def embedded_api(settings: Settings) -> str:
    """Address of the embedded server's API."""
    return f"http://127.0.0.1:{settings.prefect_port}/api"


def api_url(settings: Settings) -> str:
    """Address of the API: PREFECT_API_URL, else the embedded server's."""
    return (os.environ.get("PREFECT_API_URL") or embedded_api(settings)).rstrip("/")


def ui_url(settings: Settings) -> str:
    """Where people look at Prefect: PREFECT_UI_URL, else beside the API."""
    return (os.environ.get("PREFECT_UI_URL") or api_url(settings).removesuffix("/api")).rstrip("/")


def run_url(settings: Settings, flow_run_id: str) -> str:
    """The page of a flow run."""
    return f"{ui_url(settings)}/runs/flow-run/{flow_run_id}"


def prefect_command(api: str, *arguments: str) -> str:
    """A command of Prefect's own program that works as printed, in a shell that knows neither server nor program."""
    server = [] if os.environ.get("PREFECT_API_URL") == api else [f"PREFECT_API_URL={shlex.quote(api)}"]
    program = "prefect" if shutil.which("prefect") else str(Path(sys.executable).with_name("prefect"))
    return f"`{' '.join([*server, shlex.join([program, *arguments])])}`"


def require_prefect(api: str, named_by: str = "PREFECT_API_URL") -> None:
    """Raise NotPrefect where something else answers at an address; one that is silent is no error."""
    import httpx

    try:
        verify = api.startswith("https:")
        answer = httpx.get(f"{api}/admin/version", headers=_authorization(), timeout=10, verify=verify)
    except (httpx.HTTPError, httpx.InvalidURL):
        return
    if answer.status_code in REFUSED or answer.is_server_error or _version_in(answer):
        return
    kind = answer.headers.get("content-type", "").partition(";")[0] or "nothing that names its kind"
    what = f"a page ({kind})" if kind == "text/html" else kind
    raise NotPrefect(
        f"{api} is not the API of a Prefect server: {api}/admin/version answers {answer.status_code} with {what}. The "
        f"address ends in /api, as in http://127.0.0.1:4200/api: correct {named_by}, or unset it to use this home's own"
    )


def _version_in(answer: "httpx.Response") -> bool:
    """Whether an answer is that of Prefect's API: its version, as a text of JSON."""
    try:
        return answer.is_success and isinstance(answer.json(), str)
    except ValueError:
        return False


def call(
    api: str,
    path: str,
    body: Mapping[str, Any] | None = None,
    *,
    method: str | None = None,
    timeout_seconds: float = 10,
) -> Any:
    """What the API answers to a GET of `path`, or to a POST where there is a body. Raises PrefectError."""
    import httpx  # here: it takes 0.15 s, which a command without Prefect need not wait for

    try:
        answer = httpx.request(
            method or ("GET" if body is None else "POST"),
            api + path,
            json=body,
            headers=_authorization(),
            timeout=timeout_seconds,
            # Certificates are read for each request, for 0.05 s or more, also where none is looked at.
            verify=api.startswith("https:"),
        )
        if answer.is_error:
            raise PrefectError(_said(answer), answer.status_code)
        return answer.json() if answer.content else None
    except (httpx.HTTPError, ValueError) as error:
        raise PrefectError(str(error) or type(error).__name__) from None


def _said(answer: "httpx.Response") -> str:
    """What a refusal says, without the JSON around it."""
    try:
        document = answer.json()
    except ValueError:
        document = None
    if isinstance(document, dict):
        told = document.get("exception_message") or document.get("detail") or document.get("message")
        if isinstance(told, str):
            return told[:300]
    return answer.text[:300] or answer.reason_phrase


def _authorization() -> dict[str, str]:
    if login := os.environ.get("PREFECT_API_AUTH_STRING"):
        return {"Authorization": "Basic " + base64.b64encode(login.encode()).decode()}
    if key := os.environ.get("PREFECT_API_KEY"):
        return {"Authorization": f"Bearer {key}"}
    return {}
