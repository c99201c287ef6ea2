"""`paidonce events`: what the ledger says is not decided, and of one event all that it says."""

from dataclasses import asdict
from typing import Annotated

import typer
from paidonce.domain.ledger import LedgerRow, Outcome
from paidonce.domain.moment import iso

from ops.books import Desk
from ops.errors import CalledWrongly, OpsError
from ops.place import find
from ops.show import AsJson, as_json, console, given, one_line_errors, table

app = typer.Typer(no_args_is_help=True, help="Events in the ledger.")

_OPEN = (Outcome.WAITING, Outcome.FAILING, Outcome.DEAD)
_SHOWN_MAX = 500


@app.command()
def ls(
    context: typer.Context,
    *,
    outcome: Annotated[
        str, typer.Option(help=", ".join(_OPEN), autocompletion=lambda: list(_OPEN))
    ] = "",
    json: AsJson = False,
) -> None:
    """Everything that is waiting, failing or dead (500 at most of each)."""
    with one_line_errors():
        if outcome and outcome not in _OPEN:
            raise CalledWrongly(f"An outcome that is not final is one of {', '.join(_OPEN)}.")
        desk = Desk(find(context.obj))
        wanted = [Outcome(outcome)] if outcome else list(_OPEN)
        found = [row for one in wanted for row in _left(desk, one)]
    if json:
        as_json([asdict(row) for row in found])
        return
    if not found:
        console.print("[green]✓[/] Every event in the ledger is decided.")
        return
    rows = [
        [
            row.event_id,
            row.event_type,
            row.outcome.value,
            row.reason or "-",
            row.decided_at,
            str(row.attempts),
            f"{row.error_class} {row.error_place}" if row.error_class else "-",
        ]
        for row in found
    ]
    table(("event", "type", "outcome", "reason", "since", "attempts", "error"), rows)


@app.command()
def show(
    context: typer.Context,
    event: Annotated[str, typer.Argument(metavar="EVT", help="evt_…", callback=given)],
    *,
    json: AsJson = False,
) -> None:
    """The whole ledger row of one event."""
    with one_line_errors():
        row = Desk(find(context.obj)).search.row(event)
        if row is None:
            raise OpsError(f"The ledger has no {event}.")
    document = {name: value for name, value in asdict(row).items() if value not in (None, ())}
    if json:
        as_json(document)
        return
    for name, value in document.items():
        shown = ", ".join(one["id"] for one in value) if name == "domain_events" else value
        console.print(f"{name:16} {shown}", markup=False)


def _left(desk: Desk, outcome: Outcome) -> list[LedgerRow]:
    found: list[LedgerRow] = []
    for page in desk.search.left(outcome, before=iso(desk.clock.now())):
        found += page
        if len(found) >= _SHOWN_MAX:
            break
    return sorted(found, key=lambda row: row.decided_at)[:_SHOWN_MAX]
