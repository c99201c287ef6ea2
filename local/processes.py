"""Background programs: started, watched, and ended by a process id that is surely theirs."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType

import httpx

from local.errors import LocalCloudError

# A start was measured at 0.6 s for each program; this is for a machine that does much else.
HEALTHY_WITHIN_SECONDS = 40.0
# ministack has been seen to ignore SIGTERM for ever.
TERM_SECONDS = 5.0
POLL_SECONDS = 0.03

# Linux; elsewhere there is only ps. proc(5) says which field of a process is which.
_PROC = Path("/proc/self/stat").parents[1] if Path("/proc/self/stat").exists() else Path("/none")
_STATE, _GROUP, _STARTED = 0, 2, 19
_DEAD = ("Z", "X")


@dataclass(frozen=True)
class Program:
    """How to start a program, and how to see that it is up."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    folder: Path
    health_path: str


@dataclass(frozen=True)
class Running:
    """A started program; `started` tells it from a later one that has the same process id."""

    pid: int
    started: str
    port: int

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def is_alive(self) -> bool:
        """Whether this very process still runs."""
        return started_at(self.pid) == self.started


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def start(program: Program, port: int, log: Path) -> Running:
    """Start it in a session of its own and wait until it is healthy; raises LocalCloudError."""
    with log.open("w") as output:
        process = subprocess.Popen(  # noqa: S603 - our own command line
            program.command,
            env=dict(program.environment),
            cwd=program.folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    running = Running(pid=process.pid, started=started_at(process.pid) or "", port=port)
    try:
        _wait_until_healthy(program, running, process, log)
    except BaseException:
        stop(running)
        process.wait()
        raise
    # Reaps it when it ends while this process is still there; nobody waits for the answer.
    process.poll()
    _CHILDREN[process.pid] = process
    return running


# Programs that this process started: they stay zombies until it waits for them.
_CHILDREN: dict[int, subprocess.Popen[bytes]] = {}


def stop(running: Running) -> bool:
    """TERM, after a while KILL, with every process that it started; False when it was gone."""
    if not running.is_alive:
        return False
    _signal(os.kill, running.pid, signal.SIGTERM)
    _wait_while(lambda: running.is_alive, TERM_SECONDS)
    # It led a process group of its own, so what is left of the group are its Lambda workers.
    kill_group(running.pid)
    _wait_while(lambda: group_lives(running.pid), TERM_SECONDS)
    child = _CHILDREN.pop(running.pid, None)
    if child is not None:
        child.wait()
    return True


def write(path: Path, running: Running) -> None:
    """Keep it for another process to find."""
    path.write_text(json.dumps(asdict(running)))


def read(path: Path) -> Running | None:
    """What was written there; None for no file, or one that says nothing usable."""
    try:
        said = json.loads(path.read_text())
        return Running(pid=int(said["pid"]), started=str(said["started"]), port=int(said["port"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def started_at(pid: int) -> str | None:
    """When a live process began, in whatever the system counts; None for none, or a zombie."""
    child = _CHILDREN.get(pid)
    if child is not None and child.poll() is not None:
        return None
    if _PROC.exists():
        fields = _proc_fields(pid)
        return fields[_STARTED] if fields and fields[_STATE] not in _DEAD else None
    found = subprocess.run(  # noqa: S603 - our own command line
        ["/bin/ps", "-o", "stat=,lstart=", "-p", str(pid)],
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    state, _, began = found.partition(" ")
    return began.strip() if began and not state.startswith("Z") else None


def _proc_fields(pid: int | str) -> list[str]:
    """The fields of /proc/PID/stat after the program's name, which may hold anything; or none."""
    try:
        return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def healthy(url: str, pid: int) -> bool:
    """Whether a server there is well, and that very process if it says which it is."""
    try:
        answer = httpx.get(url, timeout=2, trust_env=False)
        return answer.is_success and answer.json().get("pid", pid) == pid
    except (httpx.HTTPError, ValueError):
        return False


def _wait_until_healthy(
    program: Program, running: Running, process: subprocess.Popen[bytes], log: Path
) -> None:
    deadline = time.monotonic() + HEALTHY_WITHIN_SECONDS
    while not healthy(running.url + program.health_path, running.pid):
        if process.poll() is not None:
            raise LocalCloudError(f"{program.name} did not start: {last_line(log)}")
        if time.monotonic() > deadline:
            raise LocalCloudError(
                f"{program.name} was not healthy after {HEALTHY_WITHIN_SECONDS:.0f} s;"
                f" its log is {log}."
            )
        time.sleep(POLL_SECONDS)


def last_line(log: Path) -> str:
    """The last thing that a program said."""
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines()]
    return next((line for line in reversed(lines) if line), "it said nothing.")


def _wait_while(condition: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while condition() and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)


def _signal(send: Callable[[int, int], None], pid: int, number: signal.Signals) -> None:
    # Gone meanwhile; macOS says EPERM of a group of zombies.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        send(pid, number)


def group_lives(leader: int) -> bool:
    """Whether any process of the group still runs; zombies may wait long for their parent."""
    if not _PROC.exists():
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(leader, 0)
            return True
        return False
    stats = (_proc_fields(folder.name) for folder in _PROC.glob("[0-9]*"))
    return any(
        fields and int(fields[_GROUP]) == leader and fields[_STATE] not in _DEAD for fields in stats
    )


@contextlib.contextmanager
def ended_afterwards(process: subprocess.Popen[str]) -> Iterator[None]:
    """Whatever happens, the process and all that it started are gone afterwards."""
    try:
        yield
    finally:
        if process.poll() is None:
            kill_group(process.pid)
            process.wait()


def kill_group(pid: int) -> None:
    """End a process that leads a group, and the whole group."""
    _signal(os.killpg, pid, signal.SIGKILL)


def let_sigterm_unwind() -> None:
    """Let SIGTERM end this process by an exception, so that the servers are stopped on the way."""

    def leave(_signal: int, _frame: FrameType | None) -> None:
        sys.exit(128 + signal.SIGTERM)

    # Only the main thread may; and whoever has a handler of their own keeps it.
    with contextlib.suppress(ValueError):
        if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            signal.signal(signal.SIGTERM, leave)
