"""`paidonce why`: what happened to one payment, event, customer or subscription."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any

import typer
from paidonce.use_cases.explain import Chain, Step
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ops.books import Desk
from ops.place import find
from ops.show import AsJson, as_json, console, given, one_line_errors

_STYLES: Mapping[str, tuple[str, str]] = {
    "asked": ("→ Stripe", "cyan"),
    "answered": ("← Stripe", "cyan"),
    "delivered": ("← webhook", "blue"),
    "read": ("looked", "cyan"),
    "waits": ("waits", "yellow"),
    "dead": ("DEAD", "bold red"),
    "told": ("→ bus", "green"),
    "operator": ("operator", "magenta"),
    "rotation": ("secret", "magenta"),
}
# What a person reads first; the rest of the row is in --json.
_SHOWN = (
    "status",
    "amount_minor",
    "currency",
    "amount_captured_minor",
    "amount_refunded_minor",
    "order_id",
    "user_id",
    "entitled",
    "payment_intent_id",
    "charge_id",
    "customer_id",
    "version",
)


def why(
    context: typer.Context,
    asked: Annotated[
        str,
        typer.Argument(
            metavar="ID",
            help="pay_…, pi_…, sub_…, cus_…, evt_…, re_…, operator#…",
            callback=given,
        ),
    ],
    *,
    json: AsJson = False,
) -> None:
    """The whole chain of one id: requests with keys, deliveries, waits, changes, rotations."""
    with one_line_errors():
        chain = Desk(find(context.obj)).explain(asked)
    if json:
        as_json(asdict(chain))
        return
    show(chain, console)


def show(chain: Chain, on: Console) -> None:
    """The chain for a person, on a terminal or a picture of one."""
    _head(chain, on)
    on.print(_steps(chain))
    _foot(chain, on)


def _head(chain: Chain, on: Console) -> None:
    about = chain.about or "no row of ours"
    on.print(Text(f"{chain.asked} → {about}" if chain.asked != about else about, "bold"))
    if chain.state is None:
        return
    known = {name: chain.state[name] for name in _SHOWN if chain.state.get(name) is not None}
    on.print(Text("  ".join(f"{name} {value}" for name, value in known.items())))
    error = chain.state.get("last_error")
    if error:
        on.print(Text(f"last error: {error['code']} {error['decline_code'] or ''}", "red"))
    for name in ("refunds", "disputes"):
        for one in chain.state.get(name, ()):
            on.print(Text(f"{name[:-1]} {one['id']} {one['amount_minor']} {one['status']}"))
    on.print()


def _steps(chain: Chain) -> Table:
    shown = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("when (UTC)", "", "what", "ids"):
        shown.add_column(column, overflow="fold", no_wrap=column not in {"ids", "what"})
    day = ""
    for step in chain.steps:
        sign, style = _STYLES.get(step.kind, (step.kind, ""))
        at = step.at.removesuffix("Z").replace("T", " ")
        # The day once, so that a story within a second can be read.
        moment = at if at[:10] != day else f"{'':11}{at[11:]}"
        day = at[:10]
        shown.add_row(moment, Text(sign, style), Text(step.says), Text(_ids(step), "dim"))
    return shown


def _ids(step: Step) -> str:
    return "  ".join(f"{_short(name)}={value}" for name, value in step.words.items())


def _short(name: str) -> str:
    return name.removesuffix("_id").replace("idempotency_key", "key")


def _foot(chain: Chain, on: Console) -> None:
    for sentence in chain.unseen:
        on.print(Text(f"\n{sentence}", "yellow"))
    waiting = [step for step in chain.steps if step.kind in ("waits", "dead")]
    last: dict[str, Any] = dict(waiting[-1].words) if waiting else {}
    if last:
        on.print(
            Text(f"\nNot decided: {last.get('event_id')}. See docs/runbook.md#dead-events.", "bold")
        )
