"""Plant each known bug in a copy of the product, and show that the proof finds it.

`python -m tests.simulation.plant [--schedules N] [--only WORD]`; exits 1 when one is not found.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.simulation.plants import PLANTS, Plant
from tests.simulation.prove import PROCESSES

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "layers/paidonce/python/paidonce"
# What CI runs (`make prove`).
SCHEDULES = 20_000
# Characters of a violation: the whole of it is for those who look for the bug.
SHOWN = 24


@dataclass(frozen=True)
class Found:
    """After how many schedules a planted bug was found (None: it was not), and as what."""

    plant: Plant
    after: int | None
    violation: str
    seconds: float


def search(plant: Plant, *, schedules: int = SCHEDULES) -> Found:
    """Run the proof on a changed copy of the package, in a process of its own."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="planted-") as folder:
        copy = Path(folder) / "paidonce"
        shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
        plant.into(copy)
        ended = subprocess.run(  # noqa: S603 - our own module
            [
                sys.executable,
                "-m",
                "tests.simulation.prove",
                "--first",
                "--schedules",
                str(schedules),
            ],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": f"{folder}:functions:."},
            capture_output=True,
            text=True,
            check=False,
        )
    seconds = time.monotonic() - started
    after, _, violation = ended.stdout.strip().partition(" ")
    if ended.returncode == 0:
        return Found(plant, None, "-", seconds)
    if not after.isdigit():
        raise RuntimeError(f"{plant.name}: {ended.stdout[-500:]}{ended.stderr[-1500:]}")
    return Found(plant, int(after), violation, seconds)


def main() -> int:
    """Every plant, or those whose name holds a word."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--schedules", type=int, default=SCHEDULES)
    parser.add_argument("--only", default="")
    asked = parser.parse_args()
    table = Table("planted bug", "found after", "as", "seconds", title="Planted bugs")
    missed = 0
    sought = [plant for plant in PLANTS if asked.only in plant.name]
    with ThreadPoolExecutor(PROCESSES) as pool:
        searched = list(pool.map(partial(search, schedules=asked.schedules), sought))
    for plant, found in zip(sought, searched, strict=True):
        missed += found.after is None
        after = "[red]not found" if found.after is None else f"{found.after:,} schedules"
        table.add_row(plant.name, after, found.violation[:SHOWN], f"{found.seconds:.0f}")
    Console().print(table)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
