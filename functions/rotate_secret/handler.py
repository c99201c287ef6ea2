"""The entrance of rotate_secret: one of Secrets Manager's four steps for one of our secrets."""

from collections.abc import Mapping
from typing import Any

from paidonce.domain.errors import RotationRefused
from paidonce.domain.rotation import Step

from rotate_secret import wiring

# What the last note of a step takes; the rest of Lambda's time is its calls'.
_LAST_SECONDS = 2.0


class RotationFailed(Exception):  # noqa: N818 - errors are facts
    """What Secrets Manager is told: it ends this rotation, and asks again later on its own."""


def handle(event: Mapping[str, Any], context: Any) -> None:
    """Lambda's handler; returns when the step is done, raises for Secrets Manager when it is not.

    https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html
    """
    step, secret = Step(event["Step"]), str(event["SecretId"])
    token = str(event["ClientRequestToken"])
    # An operator finds a rotation's lines by its token.
    about = {"step": step, "secret": wiring.name_of(secret), "rotation": token}
    with wiring.telemetry.invocation(request_id=context.aws_request_id):
        try:
            wiring.rotation_of(secret)(
                step,
                token,
                time_left=lambda: context.get_remaining_time_in_millis() / 1000 - _LAST_SECONDS,
            )
        except Exception as error:  # noqa: BLE001 - the edge: an error that left here would be logged with its text
            wiring.telemetry.count("RotationFailed")
            raise RotationFailed(_told(error, about)) from None
        wiring.telemetry.fact("rotation step done", **about)


def _told(error: Exception, about: Mapping[str, str]) -> str:
    """One line in our log, and a sentence for Lambda's that repeats only texts of our own."""
    if isinstance(error, RotationRefused):
        wiring.telemetry.fact("rotation refused", why=str(error), **about)
        return f"{about['step']}: {error}"
    wiring.telemetry.fault("rotation step failed", error, **about)
    return f"{about['step']}: {type(error).__name__}"
