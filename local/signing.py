"""A local stage's signing secret: made as a real stage's is, by a rotation."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import stripe
from mypy_boto3_secretsmanager import SecretsManagerClient
from paidonce import rules
from paidonce.domain import rulebook
from tenacity import RetryError, Retrying, retry_if_result, stop_after_delay, wait_fixed

from local.deployment import output
from local.errors import LocalCloudError

# Four cold starts on a busy laptop, and the receiver's own.
_ROTATION_SECONDS = 90.0


def event_types() -> Sequence[str]:
    """Every event type that has a rule: what a rotation subscribes an endpoint to."""
    rulebook.load(rules)
    return rulebook.event_types()


def rotate(secrets: SecretsManagerClient, arn: str) -> str:
    """RotateSecret, until its version is current; answers its id, raises LocalCloudError."""

    def labels() -> dict[str, str]:
        found = secrets.describe_secret(SecretId=arn)["VersionIdsToStages"]
        return {label: version for version, named in found.items() for label in named}

    def is_promoted() -> bool:
        return labels().get("AWSCURRENT") == token and "AWSPENDING" not in labels()

    # A deployment lets Secrets Manager try the schedule's function, on a version of its own.
    _until(lambda: "AWSPENDING" not in labels(), f"an earlier rotation of {arn} has not ended")
    token = secrets.rotate_secret(SecretId=arn)["VersionId"]
    _until(is_promoted, f"the rotation of {arn} did not end well")
    return token


def _until(condition: Callable[[], bool], otherwise: str) -> None:
    retrying = Retrying(
        stop=stop_after_delay(_ROTATION_SECONDS),
        wait=wait_fixed(0.1),
        retry=retry_if_result(lambda found: not found),
    )
    try:
        retrying(condition)
    except RetryError:
        raise LocalCloudError(
            f"A secret is not set: {otherwise}. What rotate_secret said is in its log group,"
            " /aws/lambda/…-rotate-secret."
        ) from None


class Signing:
    """The secret `signing` of one local cloud, and its endpoints at the stand-in."""

    def __init__(
        self,
        secrets: SecretsManagerClient,
        outputs: Mapping[str, str],
        client: stripe.StripeClient,
    ) -> None:
        self._secrets = secrets
        self._arn = output(outputs, "SigningSecretArn")
        self._stripe = client

    def set_up(self, *, enabled_events: Sequence[str]) -> None:
        """One endpoint stands, and is sent these events; raises LocalCloudError."""
        standing = self._standing()
        if standing is None:
            rotate(self._secrets, self._arn)
            standing = self._standing()
        if standing is None:
            raise LocalCloudError("The rotation left no endpoint at the stand-in Stripe.")
        if sorted(standing.enabled_events) != sorted(enabled_events):
            wanted: Any = list(enabled_events)
            self._stripe.v1.webhook_endpoints.update(standing.id, {"enabled_events": wanted})

    def document(self) -> dict[str, Any]:
        """What AWSCURRENT holds."""
        text = self._secrets.get_secret_value(SecretId=self._arn)["SecretString"]
        found: dict[str, Any] = json.loads(text)
        return found

    def _standing(self) -> Any:
        """The newest endpoint of the document, as the stand-in shows it; None when it is gone."""
        at_stripe = {
            one.id: one for one in self._stripe.v1.webhook_endpoints.list({"limit": 100}).data
        }
        entries = self.document()["endpoints"]
        return at_stripe.get(entries[0]["id"]) if entries else None
