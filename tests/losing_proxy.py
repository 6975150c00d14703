"""A proxy before a Prefect server that loses the server's answer to one new state of a run."""

import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

from ecommerce.services.ports import LOOPBACK
from tests.http_service import Handler, http_service


@contextmanager
def losing_proxy(port: int, state: str) -> Iterator[tuple[int, list[str]]]:
    """Its port, and the paths of which it lost the answer; all else is passed on to a port of this machine.

    The server has noted the state when its answer is lost: the client gets 503, as from nginx, and asks again.
    """
    lost: list[str] = []

    class Connection(Handler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            passed = {name: value for name, value in self.headers.items() if name.lower() in ("content-type", "accept")}
            request = urllib.request.Request(
                f"http://{LOOPBACK}:{port}{self.path}", body or None, passed, method=self.command
            )
            try:
                with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - loopback
                    code, content = answer.status, answer.read()
            except urllib.error.HTTPError as error:
                code, content = error.code, error.read()
            if not lost and self.path.endswith("/set_state") and f'"{state}"'.encode() in body:
                lost.append(self.path)
                code, content = 503, b"{}"
            self.answer(code, content)

        do_POST = do_PATCH = do_PUT = do_DELETE = do_GET

    with http_service(Connection) as outside:
        yield outside, lost
