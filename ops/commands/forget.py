"""`paidonce forget`: blank who a person is, and keep what was charged."""

from collections.abc import Sequence
from typing import Annotated

import typer
from paidonce.domain.fingerprint import fingerprint
from paidonce.use_cases.forget_person import Found, Person
from rich.progress import track

from ops.books import Desk
from ops.deeds import AgainId, deed
from ops.errors import OpsError
from ops.place import find
from ops.show import AsJson, Yes, as_json, console, errors, given, is_confirmed, one_line_errors

Orders = Annotated[list[str], typer.Option("--order", help="an order of theirs; several allowed")]
Payments = Annotated[list[str], typer.Option("--payment", help="pay_…; several allowed")]


def forget(
    context: typer.Context,
    user: Annotated[
        str, typer.Argument(metavar="USER", help="the user id that the shop gave", callback=given)
    ],
    *,
    orders: Orders = [],  # noqa: B006 - typer's way to say: none given
    payments: Payments = [],  # noqa: B006 - same
    dry_run: Annotated[bool, typer.Option("--dry-run", help="show, change nothing")] = False,
    again: AgainId = "",
    yes: Yes = False,
    json: AsJson = False,
) -> None:
    """Forget a person: their customer, the payments and orders that are named, and the ledger.

    No index leads from a user to payments, and a scan of the table would take hours: the shop,
    which knows their orders, names them.
    """
    with one_line_errors():
        desk = Desk(find(context.obj))
        verb = desk.forget_person
        person = Person(user_id=user, order_ids=orders, payment_ids=payments)
        found = verb.found(person)
        if dry_run:
            _show(found, json=json)
            return
        if not is_confirmed(f"Blank {len(found.to_blank)} rows for good?", yes=yes):
            raise OpsError("Nothing was changed.")
        # The ledger keeps who did it for months: the user's name would outlive them there.
        mine = deed(desk.place, f"forgot the user {fingerprint(user)[:16]}", again=again)
        blanked = verb(found, mine)
        done = list(track(blanked, "forgetting …", console=errors, transient=True))
        left = verb.found(person).to_blank
    if json:
        as_json({"id": mine.id, "blanked": done, "left": left})
    else:
        console.print(f"{len(done)} rows are blank, as {mine.id}.")
        _tell_left(left)
    raise typer.Exit(1 if left else 0)


def _show(found: Found, *, json: bool) -> None:
    if json:
        as_json({"to_blank": found.to_blank})
        return
    for name in found.to_blank:
        console.print(name, markup=False)
    console.print(f"{len(found.to_blank)} rows would be blanked; nothing was changed.")


def _tell_left(left: Sequence[str]) -> None:
    if left:
        console.print(f"{len(left)} are on their way to the bus: do it again in a minute.")
