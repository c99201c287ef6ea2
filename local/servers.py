"""The two servers of a local cloud, as a pair: both run, or neither does."""

import contextlib
import fcntl
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

from local import processes
from local.errors import LocalCloudError
from local.processes import Program, Running

CHECKOUT = Path(__file__).resolve().parents[1]
# What may outlive a cloud, because it costs seconds to make again.
CACHE = CHECKOUT / ".local" / "cache"

# Surrounds each step, named by what is true after it.
Progress = Callable[[str], AbstractContextManager[object]]

_HEALTH = {"aws": "/_paidonce/health", "stripe": "/_test/health"}
# Stripe's own first retry comes after minutes or an hour; here a refused delivery is soon back.
_RETRY_SECONDS = "1,2,4,8,15,30,60"
_STARTS_MAX = 3


class Servers:
    """The embedded AWS and the stand-in Stripe, with all that they write below `directory`."""

    def __init__(self, directory: Path, *, evaluates_iam: bool = False) -> None:
        self.directory = directory
        self._evaluates_iam = evaluates_iam
        self.run = directory / "run"
        self.logs = directory / "logs"

    @property
    def aws(self) -> Running:
        """The embedded AWS; raises LocalCloudError when it does not run."""
        return self._running("aws")

    @property
    def stripe(self) -> Running:
        """The stand-in Stripe; raises LocalCloudError when it does not run."""
        return self._running("stripe")

    def are_healthy(self) -> bool:
        """Whether both run and answer."""
        for name, path in _HEALTH.items():
            running = processes.read(self._pid_file(name))
            if running is None or not running.is_alive:
                return False
            if not processes.healthy(running.url + path, running.pid):
                return False
        return True

    def start(self, progress: Progress, *, stripe_key: str) -> bool:
        """Start both from nothing; True when something of an earlier pair had to be ended first."""
        leftovers = self.stop()
        for folder in (self.run / "tmp", self.logs):
            folder.mkdir(parents=True, exist_ok=True)
        with progress("the embedded AWS runs"):
            self._start(
                "aws",
                lambda port: embedded_aws(port, self.run, evaluates_iam=self._evaluates_iam),
            )
        with progress("the stand-in Stripe runs"):
            self._start("stripe", lambda port: stand_in_stripe(port, stripe_key))
        return leftovers

    def stop(self) -> bool:
        """End both and remove all but the logs; False when none ran."""
        stopped = False
        for name in ("stripe", "aws"):
            running = processes.read(self._pid_file(name))
            stopped = (running is not None and processes.stop(running)) or stopped
            self._pid_file(name).unlink(missing_ok=True)
        shutil.rmtree(self.run, ignore_errors=True)
        return stopped

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Nobody else starts, deploys or stops here meanwhile; raises LocalCloudError."""
        self.directory.mkdir(parents=True, exist_ok=True)
        with (self.directory / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise LocalCloudError(
                    f"Another command is at work on the local cloud in {self.directory}."
                ) from None
            yield

    def _start(self, name: str, program: Callable[[int], Program]) -> None:
        # Somebody may take the port between our look at it and the server's.
        for attempt in range(1, _STARTS_MAX + 1):
            port, log = processes.free_port(), self.logs / f"{name}.log"
            try:
                running = processes.start(program(port), port, log)
            except LocalCloudError:
                if attempt == _STARTS_MAX or "in use" not in log.read_text(errors="replace"):
                    raise
            else:
                processes.write(self._pid_file(name), running)
                return

    def _running(self, name: str) -> Running:
        running = processes.read(self._pid_file(name))
        if running is None or not running.is_alive:
            raise LocalCloudError(
                f"No local cloud runs in {self.directory}: start one with 'make up'."
            )
        return running

    def _pid_file(self, name: str) -> Path:
        return self.directory / f"{name}.pid"


def embedded_aws(
    port: int, folder: Path, layers: Path = CACHE / "layers", *, evaluates_iam: bool = False
) -> Program:
    """The embedded AWS, writing below `folder` only, but for unpacked layers."""
    return Program(
        name="The embedded AWS",
        command=[str(CHECKOUT / ".venv" / "cloud" / "bin" / "python"), "-m", "local.aws"],
        # Lambda workers inherit this environment: nothing of the developer's may be in it.
        environment={
            "PATH": os.environ.get("PATH", os.defpath),
            "LANG": "C.UTF-8",
            "HOME": str(folder),
            "TMPDIR": str(folder / "tmp"),
            "STATE_DIR": str(folder / "state"),
            "GATEWAY_PORT": str(port),
            "BIND_HOST": "127.0.0.1",
            "IOT_MTLS_ENABLED": "0",
            "PAIDONCE_LAYERS": str(layers),
            "AUTH": str(evaluates_iam).lower(),
        },
        folder=CHECKOUT,
        health_path=_HEALTH["aws"],
    )


def stand_in_stripe(port: int, key: str) -> Program:
    """The stand-in Stripe, whose controls mean that key's account."""
    return Program(
        name="The stand-in Stripe",
        command=[
            *(sys.executable, "-m", "local.stripe", "--port", str(port)),
            *("--key", key, "--retry-seconds", _RETRY_SECONDS),
        ],
        environment={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        folder=CHECKOUT,
        health_path=_HEALTH["stripe"],
    )
