"""`python -m local up | down | token`: the local cloud from a terminal."""

import contextlib
import sys
from collections.abc import Iterator
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from local import processes
from local.cloud import DIRECTORY, OPERATOR, LocalCloud
from local.endpoints import SCOPES
from local.errors import CommandFailedError, LocalCloudError

app = typer.Typer(
    add_completion=False, no_args_is_help=True, help="The local cloud, kept in .local/."
)
console = Console(highlight=False, soft_wrap=True)
errors = Console(stderr=True, highlight=False, soft_wrap=True)


@contextlib.contextmanager
def one_line_errors() -> Iterator[None]:
    """What went wrong as a sentence, after the end of what the failed command said."""
    try:
        yield
    except LocalCloudError as error:
        if isinstance(error, CommandFailedError) and error.tail:
            errors.print(error.tail, style="dim", markup=False)
        errors.print(f"[red]✗[/] {escape(str(error))}")
        sys.exit(1)


@app.command()
def up() -> None:
    """Start the local cloud and deploy; on a running one, deploy what changed."""
    processes.let_sigterm_unwind()
    with one_line_errors():
        cloud = LocalCloud(console=console)
        if not cloud.start():
            console.print("[green]✓[/] the local cloud runs already")
        endpoints = cloud.deploy()
    console.print(f"\nAPI       {endpoints['api_url']}")
    console.print(f"Webhooks  {endpoints['webhook_url']}")
    console.print(f"Stripe    {endpoints['stripe_api_url']}")
    console.print(f"AWS       {endpoints['aws_endpoint_url']}")
    console.print(f"\nAll of it, with keys and a token: {DIRECTORY / 'endpoints.json'}")
    console.print("Stop it with 'make down'.")


@app.command()
def down() -> None:
    """Stop the local cloud; its logs stay."""
    with one_line_errors():
        stopped = LocalCloud().stop()
    console.print("The local cloud is stopped." if stopped else "No local cloud was running.")


@app.command()
def token(
    scopes: Annotated[str, typer.Option(help="separated by spaces; all, when none are named")] = "",
    sub: Annotated[str, typer.Option(help="whom the token is for")] = "",
    seconds: Annotated[int, typer.Option(help="for how long; below 0 it has expired")] = 3600,
) -> None:
    """Print a JWT that the deployed API accepts."""
    with one_line_errors():
        made = LocalCloud().token(
            scopes.split() or SCOPES, sub or OPERATOR, expires_in_seconds=seconds
        )
    # Not through rich: a token is for a program, and must not be wrapped or coloured.
    typer.echo(made)


if __name__ == "__main__":
    app()
