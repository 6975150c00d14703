"""`ecommerce doctor` names what is wrong with a Prefect server."""

import pytest

from ecommerce.doctor.findings import PROBLEM, SKIPPED
from ecommerce.settings import Settings
from tests.doctoring import PREFECT, finding_of, look, settings
from tests.http_service import Handler, http_service
from tests.ports import free_port

__all__ = ["settings"]


def test_prefect_that_is_away_and_prefect_that_refuses(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    monkeypatch.setenv("PREFECT_API_URL", f"http://127.0.0.1:{port}/api")
    found = look(settings, *PREFECT)
    assert "does not answer" in found["prefect"].says
    assert found["workers"].state == SKIPPED

    class Refuses(Handler):
        def do_GET(self) -> None:
            self.send_error(401)

    with http_service(Refuses, port):
        assert "refuses us" in finding_of(settings, "prefect").says


def test_a_prefect_server_without_its_database_is_called_that(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Fails(Handler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.path.endswith("/admin/version"):
                self.answer(200, b'"3.8.8"')
            elif self.path.endswith("/ready"):
                self.answer(ready, b'{"message": "Database is not available"}')
            else:
                self.answer(500, b'{"exception_message": "Internal Server Error"}')

        do_POST = do_GET

    with http_service(Fails) as port:
        monkeypatch.setenv("PREFECT_API_URL", f"http://127.0.0.1:{port}/api")
        ready = 503
        found = finding_of(settings, "prefect")
        assert found.says.endswith("answers, but its database does not: Database is not available")
        assert "`postgres` and `space`" in found.remedy
        ready = 200
        found = look(settings, "prefect", "deployments")["deployments"]
        assert (found.state, found.says) == (
            PROBLEM,
            "the Prefect server could not be asked (500): Internal Server Error",
        )
        assert "`postgres` and `space`" in found.remedy
