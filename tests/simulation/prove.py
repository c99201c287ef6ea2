"""Run schedules by the thousand and show what they did; exits 1 on a violation.

`python -m tests.simulation.prove --schedules 20000 [--seed S]`. A violation is printed as the
shortest schedule that shows it, with the command that replays it.
"""

import argparse
import gc
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table

from tests.simulation.drawing import drawn
from tests.simulation.schedule import Verdict, run
from tests.simulation.shrinking import kept_of, shortest

# Violations that are shown with their shortest schedule; more of the same would tell no more.
SHOWN_MAX = 3
PART = 250
PROCESSES = 2


@dataclass
class Sum:
    """What some schedules did together."""

    schedules: int = 0
    cpu_seconds: float = 0.0
    faults: Counter[str] = field(default_factory=Counter)
    metrics: Counter[str] = field(default_factory=Counter)
    numbers: Counter[str] = field(default_factory=Counter)
    failing: list[Verdict] = field(default_factory=list)

    def add(self, other: "Sum") -> None:
        """Both together."""
        self.schedules += other.schedules
        self.cpu_seconds += other.cpu_seconds
        self.faults += other.faults
        self.metrics += other.metrics
        self.numbers += other.numbers
        self.failing += other.failing


def part(first: int, count: int) -> Sum:
    """Some schedules of neighbouring seeds, in this process."""
    total = Sum()
    started = time.process_time()
    # Worlds are cycles of objects: collecting them now and then costs less than all the time, and
    # what was there before them is not looked at again.
    gc.freeze()
    gc.disable()
    for seed in range(first, first + count):
        verdict = run(seed)
        total.faults += verdict.faults
        total.metrics += verdict.metrics
        total.numbers += verdict.numbers
        total.schedules += 1
        if verdict.wrong:
            total.failing.append(verdict)
        if seed % 50 == 0:
            gc.collect()
    gc.enable()
    gc.unfreeze()
    total.cpu_seconds = time.process_time() - started
    return total


def parts(first: int, schedules: int) -> Iterator[tuple[int, int]]:
    """All of it in pieces."""
    for start in range(0, schedules, PART):
        yield first + start, min(PART, schedules - start)


def proven(first: int, schedules: int, *, processes: int) -> Sum:
    """All schedules, over several processes."""
    total = Sum()
    pieces = list(parts(first, schedules))
    if processes == 1 or len(pieces) == 1:
        for piece in pieces:
            total.add(part(*piece))
        return total
    with ProcessPoolExecutor(processes) as pool:
        for piece_sum in pool.map(part, *zip(*pieces, strict=True)):
            total.add(piece_sum)
    return total


def show(total: Sum, seconds: float, console: Console) -> None:
    """The table."""
    table = Table("what", "how many", "a schedule", title="Simulation")
    table.add_row("schedules", f"{total.schedules:,}", "")
    for name, number in total.numbers.items():
        table.add_row(name, f"{number:,}", f"{number / total.schedules:.1f}")
    faults = sum(total.faults.values())
    table.add_row(
        "[bold]faults and other trouble", f"{faults:,}", f"{faults / total.schedules:.1f}"
    )
    for name, number in total.faults.most_common():
        table.add_row(f"  {name}", f"{number:,}", f"{number / total.schedules:.2f}")
    table.add_row("[bold]what the product counted", "", "")
    for name, number in sorted(total.metrics.items()):
        table.add_row(f"  {name}", f"{number:,}", f"{number / total.schedules:.2f}")
    table.add_row("schedules per second", f"{total.schedules / seconds:.0f}", "")
    table.add_row("… and core", f"{total.schedules / total.cpu_seconds:.0f}", "")
    colour = "red" if total.failing else "green"
    table.add_row("violations", f"[{colour}]{len(total.failing)}", "")
    console.print(table)


def explain(verdict: Verdict, console: Console) -> None:
    """The shortest schedule of a violation, and how to see it again."""
    kept = shortest(verdict.seed)
    story = drawn(verdict.seed)
    steps = kept_of(verdict.seed, kept)
    again = run(verdict.seed, steps)
    console.print(f"[red]seed {verdict.seed}:[/] {verdict.wrong[0]}", highlight=False)
    console.print(f"  {len(kept)} of {len(story)} steps are enough for: {again.wrong[0]}")
    for word, step in zip(kept, steps, strict=True):
        console.print(f"    {word:>4}  {step}", markup=False, highlight=False)
    # Not wrapped, so that it can be copied.
    command = f"-m tests.simulation.prove --seed {verdict.seed} --keep '{','.join(kept)}'"
    sys.stdout.write(f"  PYTHONPATH={sys_path()} {sys.executable} {command}\n")


def sys_path() -> str:
    """Where this process found the product, which may be a changed copy."""
    return os.environ.get("PYTHONPATH", "layers/paidonce/python:functions:.")


def first_violation(first: int, schedules: int) -> int:
    """For planted bugs: stop at the first one; prints after how many, and what."""
    for number, seed in enumerate(range(first, first + schedules), 1):
        verdict = run(seed)
        if verdict.wrong:
            sys.stdout.write(f"{number} {verdict.wrong[0]}\n")
            return 1
    return 0


def replay(seed: int, keep: str) -> int:
    """One schedule again, or some of its steps."""
    kept = kept_of(seed, [word for word in keep.split(",") if word])
    for step in kept:
        sys.stdout.write(f"{step}\n")
    wrong = run(seed, kept).wrong
    sys.stdout.write("\n".join(["", *wrong, f"{len(wrong)} violations", ""]))
    return 1 if wrong else 0


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--schedules", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=PROCESSES)
    parser.add_argument("--keep", help="numbers of the steps to replay, of this one seed")
    parser.add_argument("--first", action="store_true", help="stop at the first violation")
    asked = parser.parse_args()
    if asked.keep is not None:
        return replay(asked.seed, asked.keep)
    if asked.first:
        return first_violation(asked.seed, asked.schedules)
    started = time.monotonic()
    total = proven(asked.seed, asked.schedules, processes=asked.processes)
    console = Console()
    show(total, time.monotonic() - started, console)
    for verdict in total.failing[:SHOWN_MAX]:
        explain(verdict, console)
    return 1 if total.failing else 0


if __name__ == "__main__":
    sys.exit(main())
