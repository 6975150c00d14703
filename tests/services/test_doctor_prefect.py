"""`ecommerce doctor` names what is wrong with a Prefect server."""

import json
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from ecommerce.doctor.findings import PROBLEM, SKIPPED
from ecommerce.settings import Settings
from tests.doctoring import PREFECT, finding_of, look, settings
from tests.ports import free_port

__all__ = ["settings"]


def test_prefect_that_is_away_and_prefect_that_refuses(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    monkeypatch.setenv("PREFECT_API_URL", f"http://127.0.0.1:{port}/api")
    found = look(settings, *PREFECT)
    assert "does not answer" in found["prefect"].says
    assert found["workers"].state == SKIPPED

    class Refuses(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(401)

        def log_message(self, *_: object) -> None:
            return

    with HTTPServer(("127.0.0.1", port), Refuses) as server:
        Thread(target=server.handle_request, daemon=True).start()
        assert "refuses us" in finding_of(settings, "prefect").says


def test_a_prefect_server_without_its_database_is_called_that(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Fails(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.path.endswith("/admin/version"):
                self.answer(200, "3.8.8")
            elif self.path.endswith("/ready"):
                self.answer(ready, {"message": "Database is not available"})
            else:
                self.answer(500, {"exception_message": "Internal Server Error"})

        do_POST = do_GET

        def answer(self, status: int, document: object) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(document).encode())

        def log_message(self, *_: object) -> None:
            return

    with HTTPServer(("127.0.0.1", 0), Fails) as server:
        monkeypatch.setenv("PREFECT_API_URL", f"http://127.0.0.1:{server.server_port}/api")
        Thread(target=server.serve_forever, daemon=True).start()
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
        server.shutdown()
