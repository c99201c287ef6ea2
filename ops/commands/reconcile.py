"""`paidonce reconcile`: have read again what differs from Stripe, now and not within the hour."""

import typer

from ops.books import Desk
from ops.commands.verify import Since, compared, show, shown
from ops.errors import OpsError
from ops.place import find
from ops.show import AsJson, Yes, as_json, console, is_confirmed, one_line_errors


def reconcile(
    context: typer.Context, *, since: Since = "24h", yes: Yes = False, json: AsJson = False
) -> None:
    """Compare as `verify` does, and have the worker read again what differs, by the same rules."""
    with one_line_errors():
        desk = Desk(find(context.obj))
        report = compared(desk, since)
        count = len(desk.read_again.named(report.drifts))
        question = f"{len(report.drifts)} fields differ. Have {count} objects read again?"
        if count and not is_confirmed(question, yes=yes):
            raise OpsError("Nothing was asked for.")
        asked = desk.read_again(report.drifts)
    if json:
        as_json({**shown(report), "asked_for": asked})
        return
    show(report)
    if asked:
        console.print(f"{len(asked)} are read again; `paidonce verify` shows what came of it.")
