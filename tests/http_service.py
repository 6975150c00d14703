"""A service over HTTP in a thread beside the test."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from ecommerce.services.ports import LOOPBACK


class Handler(BaseHTTPRequestHandler):
    """Answers without a line about each request."""

    def answer(self, code: int, body: bytes = b"", kind: str = "application/json") -> None:
        self.send_response(code)
        self.send_header("Content-Type", kind)
        if code != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        return


@contextmanager
def http_service(handler: type[Handler], port: int = 0) -> Iterator[int]:
    """Its port; by default a free one."""
    with ThreadingHTTPServer((LOOPBACK, port), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()
