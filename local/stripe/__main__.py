"""`python -m local.stripe --port N`: the stand-in alone, on 127.0.0.1."""

from typing import Annotated

import typer

from local.stripe.application import Settings
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
    opened = bound(port)
    schedule = tuple(float(each) for each in retry_seconds.split(",") if each.strip())
    typer.echo(address(opened))
    serve(opened, Settings(key or None, schedule or None, rate_limits))


if __name__ == "__main__":
    typer.run(main)
