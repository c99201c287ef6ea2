"""The signing secret rotates on the local cloud: RotateSecret, its four steps, our function."""

import time
from typing import Any

import pytest
import stripe

from local.cloud import LocalCloud
from local.shop import Shop

PAYLOAD = '{{"id": "evt_probe_{0}", "type": "probe", "created": {0}, "livemode": false}}'


class Rotating:
    """The signing secret of the shared stage."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.secrets = shop.client("secretsmanager")
        self.arn = shop.endpoints["outputs"]["SigningSecretArn"]

    @property
    def document(self) -> dict[str, Any]:
        return self.shop.secret("SigningSecretArn")

    def labels(self) -> dict[str, str]:
        found = self.secrets.describe_secret(SecretId=self.arn)["VersionIdsToStages"]
        return {label: version for version, labels in found.items() for label in labels}

    def rotate(self) -> str:
        """RotateSecret, until its version is current and no label is left."""
        # A deployment lets Secrets Manager try the schedule's function, on a version of its own.
        self.shop.until(lambda: "AWSPENDING" not in self.labels(), what="no rotation is running")
        token: str = self.secrets.rotate_secret(SecretId=self.arn)["VersionId"]
        self.shop.until(
            lambda: (
                (found := self.labels()).get("AWSCURRENT") == token and "AWSPENDING" not in found
            ),
            what="the new version is current",
        )
        return token

    def at_stripe(self) -> dict[str, Any]:
        found = self.shop.stripe.v1.webhook_endpoints.list({"limit": 100}).data
        return {one.id: one for one in found}

    def answers(self, secret: str) -> int:
        """What the receiver answers to something that this secret signed just now."""
        body = PAYLOAD.format(time.time_ns())
        header = stripe.WebhookSignature.generate_signature_header(body, secret)
        return self.shop.deliver(body.encode(), header).status_code


@pytest.fixture
def rotating(cloud: LocalCloud, shop: Shop) -> Rotating:  # noqa: ARG001 - it must run
    return Rotating(shop)


def test_rotate_secret_makes_tests_and_promotes_a_second_endpoint(rotating: Rotating) -> None:
    before = rotating.document["endpoints"]
    token = rotating.rotate()
    new, old = rotating.document["endpoints"][:2]
    assert old["id"] == before[0]["id"]
    assert old["retire_after"]
    assert new["retire_after"] is None
    made = rotating.at_stripe()[new["id"]]
    assert made.status == "enabled"
    assert made.metadata.to_dict()["paidonce_generation"] == token
    assert made.api_version == stripe.api_version
    for one in (new, old):
        assert rotating.answers(one["secret"]) == 200
    assert rotating.document["based_on"] == rotating.labels()["AWSPREVIOUS"]
