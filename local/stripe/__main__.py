"""`python -m local.stripe --port N`: the stand-in alone, on 127.0.0.1."""

from typing import Annotated

import typer

from local.stripe.application import Settings
from local.stripe.keys import parse
from local.stripe.server import address, bound, serve


def main(
    port: Annotated[int, typer.Option(help="0 takes a free one")] = 12111,
    retry_seconds: Annotated[
        str, typer.Option(help="seconds between delivery attempts, as in 1,2,5")
    ] = "",
    key: Annotated[str, typer.Option(help="the secret key whose account /_test means")] = "",
    *,
    rate_limits: Annotated[bool, typer.Option(help="answer 429 as Stripe would")] = False,
) -> None:
    """Serves the stand-in Stripe until it is stopped; prints its address."""
    if key and parse(key) is None:
        raise typer.BadParameter(
            "sk_test_ or sk_live_ and at least 16 letters.", param_hint="--key"
        )
    try:
        schedule = tuple(float(each) for each in retry_seconds.split(",") if each.strip())
        opened = bound(port)
    except ValueError as error:
        raise typer.BadParameter("seconds, as in 1,2,5", param_hint="--retry-seconds") from error
    except OSError as error:
        raise typer.BadParameter(f"{port} cannot be used: {error}", param_hint="--port") from error
    typer.echo(address(opened))
    serve(opened, Settings(key or None, schedule or None, rate_limits))


if __name__ == "__main__":
    typer.run(main)
