"""A proxy before a server that closes connections in which nothing was sent for a while, as nginx does."""

import select
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from ecommerce.services.ports import LOOPBACK


@contextmanager
def quiet_proxy(port: int, quiet_seconds: float) -> Iterator[int]:
    """Its port; it passes all on to a port of this machine."""

    class Connection(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            client: socket.socket = self.request
            with socket.create_connection((LOOPBACK, port)) as server:
                other = {client: server, server: client}
                while ready := select.select([client, server], [], [], quiet_seconds)[0]:
                    for one in ready:
                        try:
                            data = one.recv(1 << 16)
                            other[one].sendall(data)
                        except OSError:
                            return
                        if not data:
                            return

    class Proxy(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Proxy((LOOPBACK, 0), Connection) as proxy:
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        yield proxy.server_address[1]
        proxy.shutdown()
