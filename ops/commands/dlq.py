"""`paidonce dlq`: the dead letters of a queue, why they died, and what becomes of them."""

import json as json_module
from dataclasses import asdict
from typing import Annotated, Any

import typer
from paidonce.domain.ledger import LedgerRow, answer_id
from paidonce.domain.operation import Operation
from paidonce.use_cases.dead_letter_port import DeadLetter
from paidonce.use_cases.dead_letters import Wanted
from rich.progress import Progress, TextColumn

from ops.books import QUEUES, Desk
from ops.deeds import PER_SECOND, AgainId, Pace, deed
from ops.errors import CalledWrongly, OpsError
from ops.place import find
from ops.show import (
    AsJson,
    Yes,
    as_json,
    console,
    errors,
    given,
    is_confirmed,
    one_line_errors,
    table,
)

app = typer.Typer(no_args_is_help=True, help="Dead letters: what was given up.")

Queue = Annotated[str, typer.Option(help=" or ".join(QUEUES), autocompletion=lambda: list(QUEUES))]
Only = Annotated[str, typer.Option("--event", help="only the letter of this id")]


@app.command()
def ls(context: typer.Context, *, queue: Queue = "events", json: AsJson = False) -> None:
    """Every dead letter, with the ledger's word for why."""
    with one_line_errors():
        found = _looked_at(_desk(context, queue), queue)
    if json:
        as_json([_shown(letter, row) for letter, row in found])
        return
    if not found:
        console.print("No dead letters.")
        return
    rows = [
        [
            _name(letter) or "-",
            letter.attributes.get("event_type", "-"),
            letter.sent_at,
            letter.attributes.get("reason") or "tries used up",
            _why(row),
        ]
        for letter, row in found
    ]
    table(("id", "type", "first sent", "reason", "the ledger says"), rows)


@app.command()
def show(
    context: typer.Context,
    event: Annotated[
        str, typer.Argument(metavar="ID", help="evt_…, read#…, answer#…", callback=given)
    ],
    *,
    queue: Queue = "events",
    json: AsJson = False,
) -> None:
    """One of them: why it died, and what it carries; never its payload, which names people."""
    with one_line_errors():
        found = [
            pair for pair in _looked_at(_desk(context, queue), queue) if _name(pair[0]) == event
        ]
        if not found:
            raise OpsError(f"{event} is not in the dead letters of {queue}.")
    documents = [_shown(letter, row) for letter, row in found]
    if json:
        as_json(documents)
        return
    for document in documents:
        for name, value in document.items():
            console.print(f"{name:14} {value}", markup=False)
        console.print(f"\nThe chain: paidonce why {event}", markup=False)


@app.command()
def replay(
    context: typer.Context,
    *,
    queue: Queue = "events",
    event: Only = "",
    per_second: Pace = PER_SECOND,
    again: AgainId = "",
    yes: Yes = False,
    json: AsJson = False,
) -> None:
    """Send them back to their queue, once what killed them is mended."""
    with one_line_errors():
        desk = _desk(context, queue)
        if not is_confirmed(f"Send the dead letters of {queue} back?", yes=yes):
            raise OpsError("Nothing was sent.")
        mine = deed(desk.place, f"dead letters of {queue} sent back", again=again)
        sent = desk.dead_letter_desk(queue).send_back(
            mine, wanted=_wanted(event), per_second=per_second
        )
        done = _followed(sent, "sent back")
    _tell(mine.id, done, "sent back", json=json)


@app.command()
def discard(
    context: typer.Context,
    *,
    reason: Annotated[str, typer.Option(help="why nobody needs them; it stands in the ledger")],
    queue: Queue = "events",
    event: Only = "",
    again: AgainId = "",
    yes: Yes = False,
    json: AsJson = False,
) -> None:
    """Give them up for good. Their events can still be replayed from Stripe's list for 30 days."""
    with one_line_errors():
        desk = _desk(context, queue)
        if not is_confirmed(f"Discard the dead letters of {queue}?", yes=yes):
            raise OpsError("Nothing was discarded.")
        mine = deed(desk.place, reason, again=again)
        gone = desk.dead_letter_desk(queue).discard(mine, wanted=_wanted(event))
        done = _followed(gone, "discarded")
    _tell(mine.id, done, "discarded", json=json)


def _desk(context: typer.Context, queue: str) -> Desk:
    if queue not in QUEUES:
        raise CalledWrongly(f"The queues are {' and '.join(QUEUES)}.")
    return Desk(find(context.obj))


def _looked_at(desk: Desk, queue: str) -> list[tuple[DeadLetter, LedgerRow | None]]:
    letters = desk.dead_letters(queue)
    found = list(letters.look())
    letters.show(found)
    return [(letter, _row(desk, letter)) for letter in found]


def _row(desk: Desk, letter: DeadLetter) -> LedgerRow | None:
    name = _name(letter)
    return desk.search.row(name) if name else None


def _name(letter: DeadLetter) -> str | None:
    """As the ledger calls it."""
    operation = Operation.parse(letter.body)
    return answer_id(operation.idempotency_key) if operation else letter.event_id


def _wanted(event: str) -> Wanted:
    return lambda letter: not event or _name(letter) == event


def _why(row: LedgerRow | None) -> str:
    if row is None:
        return "nothing"
    place = f" {row.error_class} at {row.error_place}" if row.error_class else ""
    return f"{row.outcome.value} ({row.reason}){place}, attempt {row.attempts}"


def _shown(letter: DeadLetter, row: LedgerRow | None) -> dict[str, Any]:
    known = asdict(row) if row else {}
    return {
        "id": _name(letter),
        "message_id": letter.message_id,
        "first_sent": letter.sent_at,
        "body_bytes": len(letter.body.encode()),
        **letter.attributes,
        "ledger": _why(row),
        "error": f"{known.get('error_class')} at {known.get('error_place')}",
        "kind": _kind(letter.body),
    }


def _kind(body: str) -> str:
    """Payload or reference; never what is in it."""
    try:
        document = json_module.loads(body)
    except (ValueError, RecursionError):
        return "no JSON"
    kind = document.get("kind") if isinstance(document, dict) else None
    return str(kind) if isinstance(kind, str) else "payload"


def _followed(letters: Any, word: str) -> list[str]:
    done: list[str] = []
    with Progress(TextColumn("{task.description}"), console=errors, transient=True) as bar:
        task = bar.add_task("looking …", total=None)
        for letter in letters:
            done.append(_name(letter) or letter.message_id)
            bar.update(task, description=f"{len(done)} {word}")
    return done


def _tell(replay_id: str, done: list[str], word: str, *, json: bool) -> None:
    if json:
        as_json({"id": replay_id, word.replace(" ", "_"): done})
    else:
        console.print(f"{len(done)} dead letters {word}, as {replay_id}.")
