"""`paidonce keys`: how old the keys are, give a new one, rotate."""

import sys
from datetime import datetime
from typing import Annotated, Any

import typer
from paidonce.domain.moment import days_since
from paidonce.domain.rotation import CURRENT, PENDING, STAGED
from paidonce.use_cases.rotate_key import key_in

from ops.at_stripe import AtStripe
from ops.errors import CalledWrongly, OpsError
from ops.place import SECRETS, SIGNING, find
from ops.rotation import Ended, Outcome, Rotations, described
from ops.show import AsJson, Yes, as_json, console, errors, is_confirmed, one_line_errors, table

app = typer.Typer(no_args_is_help=True, help="Stripe's keys and signing secrets of a stage.")

Name = Annotated[str, typer.Argument(help=", ".join(SECRETS), autocompletion=lambda: list(SECRETS))]
Seconds = Annotated[int, typer.Option(help="how long to wait for the rotation to end")]
_WAIT_SECONDS = 180


@app.command()
def ls(context: typer.Context, *, json: AsJson = False) -> None:
    """Every secret: how old it is, when it was last read, what is staged."""
    with one_line_errors():
        there = AtStripe(find(context.obj))
        found = [_row(there, name) for name in SECRETS]
    if json:
        as_json(found)
        return
    columns = ("secret", "state", "age", "limit", "last read", "next rotation")
    rows = [[_cell(row[column.replace(" ", "_")]) for column in columns] for row in found]
    table(columns, rows)


@app.command()
def stage(
    context: typer.Context,
    name: Name,
    *,
    endpoint: Annotated[
        str, typer.Option(help="with `signing`: the endpoint whose secret was rolled, we_…")
    ] = "",
    seconds: Seconds = _WAIT_SECONDS,
    json: AsJson = False,
) -> None:
    """Give a new key, from a prompt or standard input; it is judged, and then put in use.

    With `signing --endpoint ID`: the secret of an endpoint that was rolled in Stripe's Dashboard.
    """
    with one_line_errors():
        _check(name)
        rotations = Rotations(AtStripe(find(context.obj)))
        if name == SIGNING:
            if not endpoint:
                raise OpsError(
                    "The signing secret rotates by itself: paidonce keys rotate signing. For one"
                    " that was rolled in the Dashboard name its --endpoint."
                )
            rotations.replace_signing(endpoint, _secret("signing secret (whsec_…)"))
            ended = Ended(outcome=Outcome.IN_USE)
        else:
            rotations.stage_key(name, _secret(f"restricted key for {name} (rk_…)"))
            ended = rotations.ended(name, rotations.start(name), seconds=seconds)
    _tell(name, ended, json=json)


@app.command()
def rotate(
    context: typer.Context,
    name: Name,
    *,
    now: Annotated[
        bool, typer.Option("--now", help="after a leak: the key before is not used any more")
    ] = False,
    yes: Yes = False,
    seconds: Seconds = _WAIT_SECONDS,
    json: AsJson = False,
) -> None:
    """Rotate now: judge the staged key, or the one in use; `signing` gets new endpoints.

    --now is for a key that leaked: it asks for the new one unless one is staged, and takes the
    leaked one away from the functions' fallback.
    """
    with one_line_errors():
        _check(name)
        rotations = Rotations(AtStripe(find(context.obj)))
        if now and name == SIGNING:
            raise OpsError("For a leaked signing secret see docs/operate.md: roll it at Stripe.")
        what = f"Rotate {name}" + (", and forget the key before" if now else "")
        if not is_confirmed(f"{what}?", yes=yes):
            raise OpsError("Nothing was done.")
        if now and STAGED not in rotations.there.versions(name).labels():
            rotations.stage_key(name, _secret(f"new restricted key for {name} (rk_…)"))
        ended = rotations.ended(name, rotations.start(name), seconds=seconds)
        if now and ended.outcome is Outcome.IN_USE:
            rotations.forget_previous(name)
    _tell(name, ended, json=json)
    if now and not json:
        console.print("Expire the leaked key in Stripe's Dashboard now: Developers, API keys.")


def _row(there: AtStripe, name: str) -> dict[str, Any]:
    said = described(there, name)
    labels = {label: v for v, held in said["VersionIdsToStages"].items() for label in held}
    document = there.versions(name).read(labels[CURRENT]) or {}
    entries = document.get("endpoints") or []
    created = entries[0]["created"] if entries else document.get("created")
    is_empty = not entries if name == SIGNING else not key_in(document)
    state = "placeholder" if is_empty else "in use"
    if labels.get(PENDING) not in {None, labels[CURRENT]}:
        state += ", rotation running"
    elif STAGED in labels:
        state += ", another is staged"
    limit = there.place.settings["rotation.key_age_max_days"]
    age = days_since(str(created or ""), now=there.clock.now())
    return {
        "secret": name,
        "state": state,
        "age": age,
        "limit": None if name == SIGNING else limit,
        "last_read": _day(said.get("LastAccessedDate")),
        "last_rotated": _day(said.get("LastRotatedDate")),
        "next_rotation": _day(said.get("NextRotationDate")),
    }


def _day(moment: datetime | None) -> str | None:
    return moment.date().isoformat() if moment else None


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value} days" if isinstance(value, int) else str(value)


def _check(name: str) -> None:
    if name not in SECRETS:
        raise CalledWrongly(f"There is no secret {name}; there are {', '.join(SECRETS)}.")


def _secret(what: str) -> str:
    """From a prompt that does not show it, or from standard input; never from an argument."""
    given = (
        typer.prompt(what, hide_input=True, err=True) if sys.stdin.isatty() else sys.stdin.read()
    )
    text = str(given).strip()
    if not text:
        raise OpsError("Nothing was given.")
    return text


def _tell(name: str, ended: Ended, *, json: bool) -> None:
    if json:
        as_json({"secret": name, "outcome": ended.outcome, "why": ended.why})
    elif ended.outcome is Outcome.IN_USE:
        console.print(f"[green]✓[/] {name}: in use")
    else:
        why = ended.why or "the log of rotate_secret says why"
        errors.print(f"{name}: {ended.outcome}: {why}", style="red", markup=False)
    if ended.outcome is not Outcome.IN_USE:
        raise typer.Exit(1)
