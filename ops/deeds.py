"""Under whose name, and under which id, something is done to the books."""

import getpass
import uuid
from typing import Annotated

import typer
from botocore.exceptions import BotoCoreError, ClientError
from paidonce.use_cases.dead_letters import Deed

from ops.place import LOCAL, Place

AgainId = Annotated[
    str, typer.Option("--id", help="go on with a replay that was interrupted, by its id")
]


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
