"""A viewer without a screen: speaks the dashboard's websocket as a browser does, and notes when updates come.

It fetches the page, connects, pulls the document, says that it and each of its components is drawn, and then takes
every patch, undecoded: what is measured is the server, not a second Bokeh.
"""

import asyncio
import contextlib
import json
import re
import time
from dataclasses import dataclass, field

from tornado.httpclient import AsyncHTTPClient
from tornado.websocket import WebSocketClientConnection, websocket_connect

TOKEN = re.compile(r'"token":\s*"([^"]+)"')
TICK = re.compile(r'\\"as_of\\":([\d.]+)')
"""The change of a page's freshness: when its figures are from, in milliseconds since 1970."""

MESSAGE_BYTES_MAX = 64 * 2**20
TIMEOUT_SECONDS = 300
PAINTED = re.compile(r'id="first-paint".*As of \d\d:\d\d', re.DOTALL)
"""Headlines with figures in the page itself, which a browser shows before it has loaded anything else."""

DRAWN = frozenset({"Board", "FilterPanel", "FreshnessLine"})
"""The components that are told by message, see `dashboard.views.drawn`."""


def event(name: str, *entries: list[object]) -> dict[str, object]:
    """An event of Bokeh's as a browser sends it."""
    values = {"type": "map", "entries": list(entries)}
    return {
        "kind": "MessageSent",
        "msg_type": "bokeh_event",
        "msg_data": {"type": "event", "name": name, "values": values},
    }


def components(document: object) -> dict[str, int]:
    """Of a document's components that learn of new values by message: the id, and the version of the values in it."""
    found: dict[str, int] = {}
    for part in document if isinstance(document, list) else ():
        found |= components(part)
    if isinstance(document, dict):
        attributes = document.get("attributes")
        if isinstance(attributes, dict) and attributes.get("class_name") in DRAWN:
            found[document["id"]] = attributes["data"]["attributes"].get("version", 0)  # zero is left out
        for part in document.values():
            found |= components(part)
    return found


@dataclass
class Viewer:
    """One open page."""

    address: str
    query: str = ""
    """Of the link by which it is opened."""
    painted_seconds: float = 0.0
    """From the request of the page to figures being here: in the page itself, or else with its document."""
    opened_seconds: float = 0.0
    """From the request of the page to its document being here."""
    delays: list[float] = field(default_factory=list)
    """For each update: seconds from the moment that its figures are from until it was here."""
    received_bytes: int = 0
    _socket: WebSocketClientConnection | None = None
    _reader: asyncio.Task[None] | None = None
    _sent: int = 0

    async def open(self) -> None:
        """Load the page and follow it until `close`."""
        begin = time.perf_counter()
        page = await AsyncHTTPClient().fetch(self.address + self.query, request_timeout=TIMEOUT_SECONDS)
        painted_seconds = time.perf_counter() - begin
        found = TOKEN.search(text := page.body.decode())
        if found is None:
            raise RuntimeError(f"{self.address}: the page carries no session token")
        self._socket = await websocket_connect(
            self.address.replace("http", "ws", 1) + "/ws",
            subprotocols=["bokeh", found.group(1)],
            max_message_size=MESSAGE_BYTES_MAX,
            connect_timeout=TIMEOUT_SECONDS,
        )
        await self._message()  # ACK
        await self._send("PULL-DOC-REQ", {})
        kind, content = "", ""
        while kind != "PULL-DOC-REPLY":
            kind, content = await self._message()
        self.opened_seconds = time.perf_counter() - begin
        self.painted_seconds = painted_seconds if PAINTED.search(text) else self.opened_seconds
        for model, version in components(json.loads(content)).items():
            drawn = ["data", {"type": "map", "entries": [["drawn", version]]}]
            await self._send("PATCH-DOC", {"events": [event("data_event", ["model", {"id": model}], drawn)]})
        await self._send("PATCH-DOC", {"events": [event("document_ready")]})
        self._reader = asyncio.create_task(self._follow())

    async def close(self) -> None:
        """Leave, as a closed tab does."""
        if self._reader:
            self._reader.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._reader
        if self._socket:
            self._socket.close()

    async def _follow(self) -> None:
        while True:
            kind, content = await self._message()
            if kind == "PATCH-DOC" and (ticks := TICK.findall(content)):
                self.delays.append(time.time() - float(ticks[-1]) / 1000)

    async def _message(self) -> tuple[str, str]:
        """Type and content of the next message; its buffers are counted and dropped."""
        header = json.loads(await self._fragment())
        await self._fragment()  # metadata
        content = await self._fragment()
        for _ in range(2 * header.get("num_buffers", 0)):
            await self._fragment()
        return header["msgtype"], content if isinstance(content, str) else content.decode()

    async def _fragment(self) -> str | bytes:
        assert self._socket is not None
        fragment = await self._socket.read_message()
        if fragment is None:
            raise ConnectionError("the dashboard closed the connection")
        self.received_bytes += len(fragment)
        return fragment

    async def _send(self, kind: str, content: object) -> None:
        assert self._socket is not None
        self._sent += 1
        header = {"msgid": str(self._sent), "msgtype": kind}
        for part in (header, {}, content):
            await self._socket.write_message(json.dumps(part))
