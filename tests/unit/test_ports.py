"""A port that is being given up is waited for; one that somebody listens on is refused with its owner."""

import os
import socket
import threading

import pytest

from ecommerce.errors import ServiceError
from ecommerce.services.ports import LOOPBACK, require_free_port


def test_a_port_that_nobody_listens_on_any_more_is_waited_for() -> None:
    closing = socket.socket()
    closing.bind((LOOPBACK, 0))  # taken, and nobody listens: as a port of a process that is ending
    port = closing.getsockname()[1]
    timer = threading.Timer(0.5, closing.close)
    timer.start()
    require_free_port(port, "ECOMMERCE_MONGO_PORT", "the embedded MongoDB")
    timer.join()


def test_a_port_that_somebody_listens_on_is_refused_with_its_owner() -> None:
    with socket.socket() as other:
        other.bind((LOOPBACK, 0))
        other.listen()
        with pytest.raises(ServiceError, match=rf"is taken by python.* \(process {os.getpid()}\): stop that"):
            require_free_port(other.getsockname()[1], "ECOMMERCE_MONGO_PORT", "the embedded MongoDB")
