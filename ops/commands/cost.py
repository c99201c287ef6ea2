"""`paidonce cost`: what events, payments and an idle month cost, line by line."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from ops import cost as bill
from ops.cost import Line
from ops.show import AsJson, as_json, console, one_line_errors, table


def cost(
    *,
    counts: Annotated[Path, typer.Option(help="what `make measure` counted")] = bill.MEASURED,
    json: AsJson = False,
) -> None:
    """Dollars by what the local cloud counted (`make measure`) and AWS's list prices."""
    with one_line_errors():
        counted, prices = bill.measured(counts), bill.prices()
        parts = {
            "a million events": bill.per_million_events(counted, prices),
            "a thousand payments": bill.per_thousand_payments(counted, prices),
            "a month without traffic": bill.per_month(prices),
        }
    if json:
        as_json({name: [asdict(line) for line in lines] for name, lines in parts.items()})
        return
    for name, lines in parts.items():
        console.print(f"\n[bold]{name}: ${sum(line.dollars for line in lines):,.2f}[/]")
        table(("service", "what", "how many", "$"), [_row(line) for line in _paid(lines)])
    console.print(f"\nPrices of us-east-1, {prices.date}: {prices.source}.", soft_wrap=True)
    console.print(
        f"Counted {counted['measured_on']} on the local cloud: {counted['payments']} payments,"
        f" {counted['events']} events. docs/cost.md says what is left out.",
        soft_wrap=True,
    )


def _paid(lines: Sequence[Line]) -> list[Line]:
    return [line for line in lines if line.count]


def _row(line: Line) -> list[str]:
    many = f"{line.count:,.0f}" if line.count >= 10 else f"{line.count:.3f}"  # noqa: PLR2004 - digits that matter
    return [line.service, line.what, many, f"{line.dollars:,.4f}"]
