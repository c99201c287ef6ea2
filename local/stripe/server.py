"""Runs the stand-in: in this process for tests, or as `python -m local.stripe`."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from local.stripe.application import Application, Settings

# Longer than any start that was measured (0.6 s), with room for a busy machine.
_START_SECONDS_MAX = 20.0


class _Server(uvicorn.Server):
    """Tells when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()


def _config(application: Application) -> uvicorn.Config:
    return uvicorn.Config(
        application,
        log_level="warning",
        access_log=False,
        server_header=False,
        # The account's clock writes `Date`, so that it agrees with `created`.
        date_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=1,
    )


def bound(port: int) -> socket.socket:
    """A socket on loopback; port 0 takes a free one."""
    # asyncio turns Nagle's delay off only for sockets that name their protocol; with it each
    # answer of two packets waits 40 ms.
    opened = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    opened.bind(("127.0.0.1", port))
    return opened


def address(opened: socket.socket) -> str:
    """The URL of a bound socket."""
    host, port = opened.getsockname()
    return f"http://{host}:{port}"


def serve(opened: socket.socket, settings: Settings) -> None:
    """Serves until a signal ends it."""
    uvicorn.Server(_config(Application(settings))).run(sockets=[opened])


@contextmanager
def running(settings: Settings | None = None) -> Iterator[str]:
    """A stand-in on a free port in a thread of this process; yields its URL."""
    opened = bound(0)
    server = _Server(_config(Application(settings)))
    thread = threading.Thread(target=server.run, args=([opened],), daemon=True)
    thread.start()
    if not server.listening.wait(_START_SECONDS_MAX):
        raise TimeoutError("The stand-in Stripe did not start.")
    try:
        yield address(opened)
    finally:
        server.should_exit = True
        thread.join()
        opened.close()
