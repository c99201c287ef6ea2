"""A loopback server that gives canned answers, one per request, and keeps what it was asked."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

# A moment of Stripe's clock that is nobody else's here.
STRIPE_NOW = 1_790_000_123


@dataclass(frozen=True)
class Canned:
    """One answer. `closes`: the connection is closed instead; `hangs`: none comes in time."""

    status: int = 200
    body: Mapping[str, Any] | str = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    closes: bool = False
    hangs: bool = False


@dataclass(frozen=True)
class Asked:
    """One request, header names in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: str


class CannedServer(ThreadingHTTPServer):
    """Gives the answers in their order; the last one again and again."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: list[Canned] = []
        self.asked: list[Asked] = []
        self.is_over = threading.Event()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def next_answer(self) -> Canned:
        """The answer to the request that was just kept."""
        return self.answers[min(len(self.asked), len(self.answers)) - 1]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: CannedServer

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        asked = Asked(
            method=self.command,
            path=self.path,
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self.rfile.read(length).decode(),
        )
        self.server.asked.append(asked)
        canned = self.server.next_answer()
        if canned.hangs:
            self.server.is_over.wait(10)
        if canned.hangs or canned.closes:
            self.close_connection = True
            return
        body = canned.body if isinstance(canned.body, str) else json.dumps(canned.body)
        self.send_response_only(canned.status)
        headers = {"Date": formatdate(STRIPE_NOW, usegmt=True), "Request-Id": "req_canned"}
        for name, value in (headers | {**canned.headers}).items():
            if value:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body.encode())))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing: pytest's output is for results."""


@contextmanager
def canned_server() -> Iterator[CannedServer]:
    """The server, running until the end of the block."""
    with CannedServer() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.is_over.set()
            server.shutdown()
            thread.join()
