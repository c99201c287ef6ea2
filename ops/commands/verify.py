"""`paidonce verify`: do our books say what Stripe says? Exit code 3 when they do not."""

import time
from dataclasses import asdict
from typing import Annotated

import typer
from paidonce.use_cases.verify import Report
from rich.progress import Progress, TextColumn, TimeElapsedColumn

from ops.books import Desk
from ops.moments import since as moment_of
from ops.place import find
from ops.show import AsJson, as_json, console, errors, one_line_errors, table

DRIFT = 3
# A whole account of 30 days takes hours, a day minutes.
_TIME_SECONDS = 6 * 3600

Since = Annotated[
    str, typer.Option(help="how far back: 90m, 24h, 3d, or a moment (Stripe lists 30 days)")
]


def verify(context: typer.Context, *, since: Since = "24h", json: AsJson = False) -> None:
    """Compare Stripe's events, objects and money with ours; names what differs, changes nothing.

    Exit code 3 when something differs.
    """
    with one_line_errors():
        report = compared(Desk(find(context.obj)), since)
    if json:
        as_json(shown(report))
    else:
        show(report)
        if report.drifts:
            console.print(
                "What repairs it: paidonce reconcile. What led to it: paidonce why OBJECT."
            )
    raise typer.Exit(DRIFT if report.drifts else 0)


def compared(desk: Desk, since: str) -> Report:
    """The comparison, with a line that tells how far it is. Raises as `Verify` does."""
    now = desk.clock.now()
    end = time.monotonic() + _TIME_SECONDS
    columns = (TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=errors, transient=True) as bar:
        task = bar.add_task("looking …", total=None)
        seen: dict[str, int] = {}

        def tell(kind: str, count: int) -> None:
            seen[kind] = seen.get(kind, 0) + count
            said = ", ".join(f"{n} {name}s" for name, n in seen.items())
            bar.update(task, description=f"compared {said}")

        return desk.verify(tell)(
            since=moment_of(since, now=now),
            until=int(now),
            time_left=lambda: end - time.monotonic(),
        )


def shown(report: Report) -> dict[str, object]:
    """For a program."""
    return {
        "looked_at": dict(report.looked_at),
        "drifts": [asdict(one) for one in report.drifts],
        "money": [
            {"day": day, "currency": currency, "what": what, "ours": ours, "stripes": stripes}
            for (day, currency, what), (ours, stripes) in sorted(report.money.items())
        ],
    }


def show(report: Report) -> None:
    """For a person."""
    counted = ", ".join(f"{n} {name}s" for name, n in sorted(report.looked_at.items()))
    console.print(f"Compared {counted or 'nothing: Stripe made nothing in that time'}.")
    if report.money:
        columns = ("day", "currency", "what", "ours", "Stripe's")
        rows = [[*key, *map(str, sums)] for key, sums in sorted(report.money.items())]
        table(columns, rows)
    if not report.drifts:
        console.print("[green]✓[/] Our books say what Stripe says.")
        return
    console.print(f"[red]✗[/] {len(report.drifts)} fields differ:")
    columns = ("object", "of", "field", "ours", "Stripe's")
    rows = [
        [d.object_id, d.aggregate_id or "-", d.field, d.ours or "-", d.stripes or "-"]
        for d in report.drifts
    ]
    table(columns, rows)
