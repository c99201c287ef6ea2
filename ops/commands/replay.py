"""`paidonce replay`: decide anew what had no effect, from Stripe's list of events."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Annotated, Any

import typer
from paidonce.domain import rulebook
from paidonce.domain.stripe_event import StripeEvent
from paidonce.use_cases.preview_event import Preview
from paidonce.use_cases.replay_events import ReplayEvents
from rich.progress import track

from ops.books import Desk
from ops.deeds import PER_SECOND, AgainId, Pace, deed
from ops.errors import CalledWrongly, OpsError
from ops.moments import since as moment_of
from ops.place import find
from ops.show import AsJson, Yes, as_json, console, errors, is_confirmed, one_line_errors, table

_TIME_SECONDS = 6 * 3600

Since = Annotated[
    str, typer.Option(help="how far back: 90m, 24h, 3d, or a moment (Stripe lists 30 days)")
]
Types = Annotated[list[str], typer.Option("--type", help="a Stripe event type; several allowed")]


def replay(  # noqa: PLR0913 - each is an option of the command line
    context: typer.Context,
    *,
    since: Since,
    types: Types = [],  # noqa: B006 - typer's way to say: none given
    force: Annotated[
        bool, typer.Option("--force", help="also what was applied: by what Stripe shows now")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="show, change nothing")] = False,
    diff: Annotated[bool, typer.Option("--diff", help="show each field that would change")] = False,
    per_second: Pace = PER_SECOND,
    again: AgainId = "",
    yes: Yes = False,
    json: AsJson = False,
) -> None:
    """Send events of Stripe's list through the queue once more.

    Decided anew is what was ignored, foreign, waiting, failing or dead; with --force everything.
    Without --type of every type that has a rule. Look first: --dry-run --diff.
    """
    with one_line_errors():
        desk = Desk(find(context.obj))
        events = _listed(desk, types, since)
        if dry_run:
            previews = [
                desk.preview(StripeEvent.from_document(event), force=force)
                for event in track(events, "deciding …", console=errors, transient=True)
            ]
            _show(previews, diff=diff, json=json)
            return
        if events and not _is_confirmed(events, force=force, yes=yes):
            raise OpsError("Nothing was sent.")
        _send(desk, events, force=force, per_second=per_second, again=again, json=json)


def _listed(desk: Desk, types: Sequence[str], since: str) -> list[Mapping[str, Any]]:
    if unknown := sorted(set(types) - set(rulebook.event_types())):
        raise CalledWrongly(f"No rule decides {', '.join(unknown)}: nothing would come of it.")
    now, end = desk.clock.now(), time.monotonic() + _TIME_SECONDS
    return _replays(desk).listed(
        list(types) or list(rulebook.event_types()),
        since=moment_of(since, now=now),
        until=int(now),
        time_left=lambda: end - time.monotonic(),
    )


def _replays(desk: Desk) -> ReplayEvents:
    return ReplayEvents(gateway=desk.gateway, references=desk.references, clock=desk.clock)


def _is_confirmed(events: Sequence[Mapping[str, Any]], *, force: bool, yes: bool) -> bool:
    how = " and apply also what was applied" if force else ""
    return is_confirmed(f"Send {len(events)} events through the queue again{how}?", yes=yes)


def _send(
    desk: Desk,
    events: Sequence[Mapping[str, Any]],
    *,
    force: bool,
    per_second: float,
    again: str,
    json: bool,
) -> None:
    if not events:
        _tell(None, [], json=json)
        return
    types = sorted({str(event["type"]) for event in events})
    what = f"replay of {len(events)} events ({', '.join(types)}){' forced' if force else ''}"
    mine = deed(desk.place, what, again=again)
    desk.dead_letter_desk("events").note(mine, "operator.replay")
    sent = _replays(desk).send(events, mine, force=force, per_second=per_second)
    done = list(track(sent, "sending …", total=len(events), console=errors, transient=True))
    _tell(mine.id, done, json=json)


def _tell(replay_id: str | None, sent: Sequence[str], *, json: bool) -> None:
    if json:
        as_json({"replay_id": replay_id, "sent": sent})
    elif replay_id is None:
        console.print("Stripe lists no such events of that time: nothing was sent.")
    else:
        console.print(f"{len(sent)} events sent, as replay {replay_id}.")


def _show(previews: Sequence[Preview], *, diff: bool, json: bool) -> None:
    if json:
        as_json([asdict(one) for one in previews])
        return
    shown = [one for one in previews if one.would or one.waits]
    rows = [
        [
            one.event_id,
            one.event_type,
            one.now.value if one.now else "-",
            one.would.value if one.would else f"waits ({one.waits})",
            one.aggregate_id or "-",
            " ".join(one.tells) or "-",
        ]
        for one in shown
    ]
    if rows:
        table(("event", "type", "now", "would be", "of", "tells the bus"), rows)
    if diff:
        for one in shown:
            for name, (now, then) in one.changes.items():
                console.print(
                    f"{one.event_id}  {one.aggregate_id}  {name}: {now!r} → {then!r}", markup=False
                )
    left = len(previews) - len(shown)
    console.print(f"{len(shown)} would be decided anew, {left} would be left alone.")
