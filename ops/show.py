"""What a command prints: tables for people, JSON for programs, one sentence for an error."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from botocore.exceptions import BotoCoreError, ClientError
from paidonce.domain.errors import PaidOnceError, TryAgain
from rich.console import Console
from rich.table import Table

from ops.errors import OpsError, what_to_do

console = Console(highlight=False)
errors = Console(stderr=True, highlight=False, soft_wrap=True)

AsJson = Annotated[bool, typer.Option("--json", help="print JSON for a program")]
Yes = Annotated[bool, typer.Option("--yes", help="do it, without being asked")]


def given(text: str) -> str:
    """What was typed for an id; a shell's variable that is not set leaves nothing."""
    if not text:
        raise typer.BadParameter("nothing was given: is the variable set?")
    return text


def as_json(document: Any) -> None:
    """Not through rich: it would wrap and colour."""
    typer.echo(json.dumps(document, indent=2))


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table; no cell is taken for rich's markup."""
    shown = Table(*columns, box=None, header_style="bold", pad_edge=False)
    for row in rows:
        shown.add_row(*(cell if cell.startswith("[green]") else _plain(cell) for cell in row))
    console.print(shown)


def _plain(text: str) -> str:
    return text.replace("[", r"\[")


@contextmanager
def one_line_errors() -> Iterator[None]:
    """What cannot be done is a sentence and an exit code, not a traceback."""
    try:
        yield
    except OpsError as error:
        _fail(str(error), error.exit_code)
    except TryAgain as error:
        _fail(f"{error}: `paidonce doctor` shows what is wrong; then do it again.")
    except PaidOnceError as error:
        _fail(str(error))
    except ClientError as error:
        said: Mapping[str, Any] = error.response.get("Error", {})
        _fail(f"AWS refuses {error.operation_name}: {said.get('Code')}: {said.get('Message')}")
    except BotoCoreError as error:
        _fail(f"AWS cannot be asked: {error}: {what_to_do(error)}.")


def is_confirmed(question: str, *, yes: bool) -> bool:
    """What the operator answers; raises OpsError where nobody is there to do so."""
    if yes:
        return True
    try:
        return typer.confirm(question, err=True)
    except typer.Abort:
        if sys.stdin.isatty():
            raise
        errors.print()  # The question's line has no end.
        raise OpsError("Say --yes: there is nobody to ask.") from None


def _fail(sentence: str, exit_code: int = 1) -> None:
    errors.print(sentence, style="red", markup=False)
    sys.exit(exit_code)
