"""Under whose name, and under which id, something is done to the books."""

import getpass
import uuid
from typing import Annotated

import typer
from botocore.exceptions import BotoCoreError, ClientError
from paidonce.use_cases.dead_letters import PER_SECOND_MAX, Deed

from ops.place import LOCAL, Place

AgainId = Annotated[
    str, typer.Option("--id", help="go on with what was interrupted, by the id that it had, r-…")
]
Pace = Annotated[
    float, typer.Option(help="how many are sent a second", min=0.1, max=PER_SECOND_MAX)
]
# Half of the worker's share of Stripe's rate limit: live traffic needs the other half.
PER_SECOND = 10.0


def deed(place: Place, what: str, *, again: str = "") -> Deed:
    """A new one, or the one of this id once more."""
    return Deed(id=again or f"r-{uuid.uuid4().hex[:12]}", who=_who(place), what=what)


def _who(place: Place) -> str:
    """The person that AWS knows, which nobody can choose; on a laptop the user of the machine."""
    if place.settings.stage == LOCAL:
        return getpass.getuser()
    try:
        return str(place.client("sts").get_caller_identity()["Arn"])
    except (BotoCoreError, ClientError):
        return getpass.getuser()
