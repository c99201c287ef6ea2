"""`paidonce doctor`: is this stage set up right, and what to do where it is not."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Annotated

import typer
from paidonce.domain import permissions
from rich.progress import Progress, TextColumn

from ops.at_stripe import AtStripe
from ops.checks import endpoints, keys, stage, stores, watch
from ops.checks.finding import Finding, Grade
from ops.errors import CalledWrongly
from ops.place import find
from ops.show import AsJson, as_json, console, errors, one_line_errors

_SIGNS = {Grade.OK: "[green]✓[/]", Grade.WARN: "[yellow]![/]", Grade.FAIL: "[red]✗[/]"}


def doctor(
    context: typer.Context,
    *,
    fix: Annotated[
        bool,
        typer.Option(
            "--fix",
            help="make the first webhook endpoint at Stripe; have it sent the events with a rule",
        ),
    ] = False,
    only: Annotated[
        str,
        typer.Option(
            help="one kind of check: keys, queues, endpoints, alarms, …",
            autocompletion=lambda: list(_NAMES),
        ),
    ] = "",
    json: AsJson = False,
) -> None:
    """Is this stage set up right, and does anything ring? Each failure says what to do about it.

    Credentials, stacks, tables, queues, the clock, Stripe's account, keys, breakers, rotations,
    webhook endpoints, who hears of alarms, the alarms. Exit code 1 when something fails.
    """
    with one_line_errors():
        if only and only not in _NAMES:
            raise CalledWrongly(f"There is no check {only}; there are {', '.join(_NAMES)}.")
        there = AtStripe(find(context.obj))
        done = list(endpoints.fix(there)) if fix else []
        found = _look(there, only)
    if json:
        as_json({"fixed": done, "findings": [one.shown for one in found]})
    else:
        _show(done, found)
    raise typer.Exit(1 if any(one.grade is Grade.FAIL for one in found) else 0)


Look = Callable[[AtStripe], Iterable[Finding]]

# Every check, in the order in which one would mend what they find.
CHECKS: Sequence[tuple[str, Look]] = (
    ("credentials", stage.credentials),
    ("deployment", stage.deployment),
    ("versions", stage.api_version),
    ("tables", stores.tables),
    ("queues", stores.queues),
    ("clock", watch.clock),
    ("account", stage.account),
    *(("keys", partial(keys.of_key, name)) for name in permissions.KEYS),
    ("breakers", keys.breakers),
    ("rotations", keys.labels),
    ("endpoints", endpoints.endpoints),
    ("subscriptions", watch.subscriptions),
    ("trail", watch.trail),
    ("alarms", watch.alarms),
)
_NAMES = tuple(dict.fromkeys(name for name, _ in CHECKS))


def _look(there: AtStripe, only: str) -> list[Finding]:
    found: list[Finding] = []
    # Twenty calls to Stripe for each key take a while at a stage's share of its rate limit.
    with Progress(TextColumn("{task.description}"), console=errors, transient=True) as bar:
        task = bar.add_task("looking …", total=None)
        for name, look in CHECKS:
            if only in ("", name):
                bar.update(task, description=f"looking at {name} …")
                found += look(there)
    return found


def _show(done: Sequence[str], found: Sequence[Finding]) -> None:
    for sentence in done:
        console.print(f"[green]+[/] {sentence}")
    for one in found:
        console.print(_SIGNS[one.grade], end=" ")
        console.print(f"{one.check}: {one.says}", markup=False, soft_wrap=True)
        if one.do:
            console.print(f"  → {one.do}", style="bold", markup=False, soft_wrap=True)
    failed = sum(one.grade is Grade.FAIL for one in found)
    console.print(f"\n{failed or 'None'} of {len(found)} checks failed.", markup=False)
