"""`paidonce`: which stage, and the commands.

Exit codes: 0 all is well, 1 something is wrong (the output says what), 2 it was used wrongly,
3 our books and Stripe's differ (`verify`).
"""

from pathlib import Path
from typing import Annotated

import typer

from ops.commands import cost, dlq, doctor, events, forget, keys, reconcile, replay, verify, why
from ops.place import ENDPOINTS_FILE, Which

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)


@app.callback()
def paidonce(
    context: typer.Context,
    stage: Annotated[str, typer.Option(help="a stage of stages.toml")] = "local",
    endpoints: Annotated[
        Path, typer.Option(help="for the stage local: where its cloud described itself")
    ] = ENDPOINTS_FILE,
) -> None:
    """Operate a stage of Paid Once: the local cloud, or one in the account of your credentials.

    Exit codes: 0 all is well, 1 something is wrong (the output says what), 2 it was called wrongly,
    3 our books and Stripe's differ (verify). docs/operate.md tells when to use what.
    """
    context.obj = Which(stage=stage, endpoints_file=endpoints)


app.command(name="doctor")(doctor.doctor)
app.add_typer(keys.app, name="keys")
app.add_typer(events.app, name="events")
app.command(name="why")(why.why)
app.add_typer(dlq.app, name="dlq")
app.command(name="replay")(replay.replay)
app.command(name="reconcile")(reconcile.reconcile)
app.command(name="verify")(verify.verify)
app.command(name="forget")(forget.forget)
app.command(name="cost")(cost.cost)
