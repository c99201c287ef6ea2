"""Secrets as an operator changes them: put a key in, have it judged, hear what came of it."""

import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from botocore.exceptions import ClientError
from paidonce.adapters.aws import code_of
from paidonce.domain.errors import ChangedMeanwhile
from paidonce.domain.moment import iso
from paidonce.domain.rotation import CURRENT, PENDING, PREVIOUS, STAGED

from ops.at_stripe import AtStripe
from ops.errors import OpsError

# How often Secrets Manager is asked whether a rotation is over, and how long the function's own
# words are waited for: CloudWatch takes some seconds to show a line.
_LOOK_SECONDS = 0.5
_WORDS_SECONDS = 20.0


class Outcome(StrEnum):
    """How a rotation ended."""

    IN_USE = "in use"
    REFUSED = "refused"
    RUNNING = "still running"


@dataclass(frozen=True, kw_only=True)
class Ended:
    """`why` is the function's own sentence about a refusal."""

    outcome: Outcome
    why: str = ""


@dataclass(frozen=True)
class Rotations:
    """Rotations of one stage's secrets."""

    there: AtStripe

    def stage_key(self, name: str, key: str) -> None:
        """Put a new key under STAGED, where nobody reads it but the next rotation."""
        document = {"key": key, "created": iso(self.there.clock.now())}
        self.there.versions(name).put(document, version_id=str(uuid.uuid4()), label=STAGED)

    def start(self, name: str) -> str:
        """Have Secrets Manager rotate the secret now; answers the rotation's token."""
        token = str(uuid.uuid4())
        manager = self.there.place.secrets_manager
        try:
            manager.rotate_secret(SecretId=self.there.place.arn(name), ClientRequestToken=token)
        except ClientError as error:
            if code_of(error) != "InvalidRequestException":
                raise
            said = error.response.get("Error", {}).get("Message", "")
            raise OpsError(
                f"Secrets Manager does not rotate {name} now ({said}). What is staged stays so: see"
                f" docs/runbook.md#rotation-failed, then paidonce keys rotate {name}."
            ) from error
        return token

    def ended(self, name: str, token: str, *, seconds: float) -> Ended:
        """How the rotation ended, waited for so long."""
        began = self.there.clock.now()
        secret = self.there.versions(name)
        gone_at: float | None = None
        while (now := self.there.clock.now()) - began < seconds:
            labels = secret.labels()
            if labels.get(CURRENT) == token:
                return Ended(outcome=Outcome.IN_USE)
            # Without AWSPENDING it was refused, or has not begun yet: the function's log tells.
            gone_at = None if labels.get(PENDING) == token else gone_at or now
            why = self._why(token, since=began) if gone_at else ""
            if why or (gone_at and now - gone_at > _WORDS_SECONDS):
                return Ended(outcome=Outcome.REFUSED, why=why)
            self.there.clock.pause(_LOOK_SECONDS)
        return Ended(outcome=Outcome.RUNNING)

    def forget_previous(self, name: str) -> None:
        """Take AWSPREVIOUS off: the key before must not even be a fallback any more."""
        secret = self.there.versions(name)
        previous = secret.labels().get(PREVIOUS)
        if previous is None:
            return
        try:
            secret.move(PREVIOUS, to=None, taken_from=previous)
        except ChangedMeanwhile as error:
            raise OpsError(f"Somebody else rotates {name}: look again.") from error

    def replace_signing(self, endpoint_id: str, secret: str) -> None:
        """The secret of an endpoint that was rolled in Stripe's Dashboard, in place of its old."""
        document = self.there.edit_signing.reading()[1]
        if endpoint_id not in document.ids:
            known = ", ".join(sorted(document.ids)) or "none"
            raise OpsError(f"The stage has no endpoint {endpoint_id}; it has {known}.")
        self.there.edit_signing(lambda now: now.with_secret(endpoint_id, secret))

    def _why(self, token: str, *, since: float) -> str:
        """What rotate_secret wrote about this rotation; empty while CloudWatch does not show it."""
        told = (line["why"] for line in self._lines(token, since) if line.get("why"))
        return str(next(told, ""))

    def _lines(self, token: str, since: float) -> Iterator[Mapping[str, Any]]:
        function = self.there.place.output("RotateSecretFunctionName")
        found = self.there.place.client("logs").filter_log_events(
            logGroupName=f"/aws/lambda/{function}",
            startTime=int((since - 5) * 1000),
            filterPattern=f'"{token}"',
        )
        for event in found["events"]:
            try:
                line = json.loads(event["message"])
            except ValueError:
                continue
            if isinstance(line, dict):
                yield line


def described(there: AtStripe, name: str) -> Mapping[str, Any]:
    """What Secrets Manager knows of a secret: ages, last use, labels."""
    found: Mapping[str, Any] = there.place.secrets_manager.describe_secret(
        SecretId=there.place.arn(name)
    )
    return found
