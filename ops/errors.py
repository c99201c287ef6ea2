"""What can go wrong for an operator."""

from botocore.exceptions import BotoCoreError, HTTPClientError
from botocore.exceptions import ConnectionError as NotConnected


class OpsError(Exception):
    """The command cannot do what was asked; its text is one sentence that says why."""

    exit_code = 1


class CalledWrongly(OpsError):  # noqa: N818 - errors are facts (house.md section 4)
    """What was typed means nothing here: another word does."""

    exit_code = 2


def what_to_do(error: BotoCoreError) -> str:
    """Where AWS could not even be asked: its endpoint is not reached, or nobody is signed in."""
    if isinstance(error, NotConnected | HTTPClientError):
        return "is the network there? The local cloud is started with `make up`"
    return "sign in, or name a profile: `aws sts get-caller-identity` says who you are"
