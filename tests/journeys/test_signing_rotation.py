"""The signing secret rotates on the local cloud: RotateSecret, its four steps, our function."""

import json
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

    def call(self, function: str) -> dict[str, Any]:
        """One call of a function's schedule, by its name's CloudFormation output."""
        name = self.shop.endpoints["outputs"][f"{function}FunctionName"]
        answer = self.shop.client("lambda").invoke(FunctionName=f"{name}:live")
        said: dict[str, Any] = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, said
        return said

    def retired(self) -> None:
        """Until every endpoint that was replaced is gone, as its schedules do it."""

        def only_the_newest() -> bool:
            self.call("RetireEndpoints")
            self.call("Reconcile")
            return len(self.document["endpoints"]) == 1

        self.shop.until(only_the_newest, what="the replaced endpoints are retired")

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


def test_a_replaced_endpoint_goes_after_its_overlap_and_its_secret_is_refused(
    rotating: Rotating,
) -> None:
    """Swept, disabled and deleted at Stripe, forgotten; AWSCURRENT was moved and never put."""
    rotating.rotate()
    new, old = rotating.document["endpoints"][:2]
    rotating.retired()
    assert [one["id"] for one in rotating.document["endpoints"]] == [new["id"]]
    assert new["id"] in rotating.at_stripe()
    assert old["id"] not in rotating.at_stripe()
    # Containers of the receiver keep what they read for receiver.secret_cache_seconds.
    rotating.shop.until(lambda: rotating.answers(old["secret"]) == 400, what="it is refused")
    assert rotating.answers(new["secret"]) == 200
    assert set(rotating.labels()) == {"AWSCURRENT", "AWSPREVIOUS"}


def test_a_secret_rolled_in_the_dashboard_goes_on_during_its_overlap(rotating: Rotating) -> None:
    """Stripe signs with both; the document's one fits until the overlap ends."""
    shop = rotating.shop
    endpoint = rotating.document["endpoints"][0]
    shop.control("POST", f"endpoints/{endpoint['id']}/roll", {"overlap_seconds": 60})
    intent = shop.stripe.v1.payment_intents.create({"amount": 500, "currency": "usd"})
    (event,) = shop.events_about(intent.id)
    assert shop.decided(event.id)["outcome"] == "foreign"
    rotating.rotate()
    rotating.retired()
