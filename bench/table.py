"""`make bench`: what a cold start, a webhook and an event cost here. Prints, judges nothing."""

import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

from rich.console import Console
from rich.table import Table

from bench import as_in_lambda
from bench.as_in_lambda import ROOT
from bench.payments import the_event
from bench.settings import ENVIRONMENT

STARTS = 5
PAYLOAD = ROOT / "tests" / "events" / "stripe-old" / "payment_intent.succeeded.json"
BARE = "the bare interpreter"


@dataclass(frozen=True)
class Cost:
    """Seconds of one process."""

    cpu: float
    wall: float


def programs() -> dict[str, str]:
    """What is imported in a cold process: the functions, and parts of them for comparison."""
    functions = sorted(path.parent.name for path in (ROOT / "functions").glob("*/handler.py"))
    return {
        BARE: "",
        "hmac + json": "import hmac, hashlib, json",
        "Powertools logger, metrics": "from aws_lambda_powertools import Logger, Metrics",
        "boto3 + one client": "import boto3; boto3.client('sqs')",
    } | {folder: f"import {folder}.handler" for folder in functions}


def cold_start(code: str) -> Cost:
    """One process from its start to its end, as the operating system counts it."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = as_in_lambda.run(code, ENVIRONMENT)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(done.stderr)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(cpu, wall)


def import_times() -> Table:
    """Medians; the programs take turns, so that what disturbs one disturbs all."""
    found: dict[str, list[Cost]] = {name: [] for name in programs()}
    for turn in range(STARTS + 1):
        for name, code in programs().items():
            cost = cold_start(code)
            if turn:  # the first writes .pyc files
                found[name].append(cost)
    cpu = {name: statistics.median(c.cpu for c in costs) for name, costs in found.items()}
    table = Table(title=f"Cold process with only this imported (median of {STARTS})")
    table.add_column("")
    for column in ("CPU ms", "wall ms", "x bare"):
        table.add_column(column, justify="right")
    for name, costs in found.items():
        wall = statistics.median(c.wall for c in costs)
        table.add_row(
            name, f"{cpu[name] * 1e3:.0f}", f"{wall * 1e3:.0f}", f"{cpu[name] / cpu[BARE]:.1f}"
        )
    return table


def receiver() -> Table:
    """One warm webhook, beside one HMAC and one parse."""
    found = _told(_run("receiver.py", {}, str(PAYLOAD)))
    table = Table(
        title=f"receive_webhook, warm, sender stubbed ({found['bytes']} bytes, {found['status']})"
    )
    for column in ("receiver us", "bare hmac + json us", "ratio"):
        table.add_column(column, justify="right")
    table.add_row(
        f"{found['receiver'] * 1e6:.0f}", f"{found['bare'] * 1e6:.0f}", f"{found['ratio']:.1f}"
    )
    return table


def processor() -> Table:
    """Events that each move a payment, AWS answered by another process on this machine."""
    with aws() as url:
        event = the_event(PAYLOAD.read_bytes())
        done = _run("processor.py", {"AWS_ENDPOINT_URL": url}, event)
    table = Table(title="apply_event, warm, AWS answered on loopback")
    for column in ("events a batch", "CPU ms an event", "wall ms an event", "events", "not done"):
        table.add_column(column, justify="right")
    for row in _told(done):
        table.add_row(
            str(row["batch"]),
            f"{row['cpu'] * 1e3:.2f}",
            f"{row['wall'] * 1e3:.2f}",
            str(row["events"]),
            str(row["failed"]),
        )
    # So that nobody measures events that were only ignored.
    applied = done.stdout.count('"outcome":"applied"')
    table.caption = f"{applied} applied, those before the measurement included"
    return table


def _run(script: str, environment: dict[str, str], argument: str) -> CompletedProcess[str]:
    code = (Path(__file__).parent / script).read_text(encoding="utf-8")
    done = as_in_lambda.run(code, ENVIRONMENT | environment, argument)
    if done.returncode:
        sys.exit(done.stderr)
    return done


def _told(done: CompletedProcess[str]) -> Any:
    return json.loads(done.stdout.splitlines()[-1])


@contextmanager
def aws() -> Iterator[str]:
    """The stub in a process of its own: its work is not counted."""
    path = (ROOT / "layers" / "paidonce" / "python", ROOT)
    stub = subprocess.Popen(
        [sys.executable, "-m", "bench.aws_stub"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(map(str, path))},
        text=True,
    )
    try:
        assert stub.stdout is not None  # noqa: S101 - for the type checker: it is a pipe
        yield f"http://127.0.0.1:{stub.stdout.readline().strip()}"
    finally:
        # It ends when its standard input does.
        stub.communicate(timeout=10)


def main() -> None:
    """The three tables, each when it is ready."""
    console = Console()
    for measure in (import_times, receiver, processor):
        with console.status(measure.__name__.replace("_", " ")):
            table = measure()
        console.print(table)
    console.print("CPU times are those of this machine; a Lambda of 1,769 MB has one such core.")


main()
