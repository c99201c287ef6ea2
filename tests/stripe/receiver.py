"""A webhook receiver for tests: keeps each delivery, and answers as it is told."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import stripe


@dataclass
class Receiver:
    """What came in, and what is answered (200 unless `statuses` says otherwise)."""

    url: str = ""
    bodies: list[tuple[bytes, str]] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)

    def wait(self, count: int, seconds: float = 10.0) -> list[tuple[bytes, str]]:
        """The deliveries, once so many have come."""
        return self.until(lambda: len(self.bodies) >= count, seconds)

    def until(self, held: Callable[[], bool], seconds: float = 10.0) -> list[tuple[bytes, str]]:
        """The deliveries, once something holds."""
        end = time.monotonic() + seconds
        while not held():
            assert time.monotonic() < end, f"only {len(self.bodies)} deliveries came"
            time.sleep(0.01)
        return list(self.bodies)

    def events(self, secret: str) -> list[Any]:
        """Each delivery as the official library reads it, its signature verified."""
        return [stripe.Webhook.construct_event(body, mark, secret) for body, mark in self.bodies]


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver on a free port of loopback."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = receiver.statuses.pop(0) if receiver.statuses else 200
            receiver.bodies.append((body, self.headers["Stripe-Signature"]))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing on the screen."""

    class Server(ThreadingHTTPServer):
        request_queue_size = 256

    server = Server(("127.0.0.1", 0), Handler)
    receiver.url = f"http://127.0.0.1:{server.server_port}/hooks"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
