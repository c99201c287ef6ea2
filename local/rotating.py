"""An operator of one local stage who rotates its secrets, for the drill and for journeys."""

import datetime as dt
import json
import time
from functools import cached_property
from typing import Any

import stripe

from local.shop import NeverHappened, Shop
from local.signing import rotate
from local.stripe_settings import KEY_OF_OUTPUT, key_permissions, restricted_key

_OK, _REFUSED = 200, 400
# The overlap of the local stage is 10 s; then two functions run twice, under load.
_RETIRED_SECONDS = 120.0


class Rotating:
    """The secrets of a running stage; `replaced` are the endpoints that its rotations replaced."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.replaced: list[dict[str, Any]] = []

    @cached_property
    def secrets(self) -> Any:
        """Secrets Manager."""
        return self.shop.client("secretsmanager")

    def arn(self, output: str = "SigningSecretArn") -> str:
        """A secret's ARN by its CloudFormation output."""
        return str(self.shop.endpoints["outputs"][output])

    @property
    def document(self) -> dict[str, Any]:
        """The signing document under AWSCURRENT."""
        return self.shop.secret("SigningSecretArn")

    def labels(self, output: str = "SigningSecretArn") -> dict[str, str]:
        """Which version of a secret has each label."""
        found = self.secrets.describe_secret(SecretId=self.arn(output))["VersionIdsToStages"]
        return {label: version for version, labels in found.items() for label in labels}

    def rotate_signing(self) -> float:
        """A rotation of the signing secret to its end; answers its seconds."""
        began = time.monotonic()
        self.replaced.append(self.document["endpoints"][0])
        rotate(self.secrets, self.arn())
        return time.monotonic() - began

    def rotate_key(self, output: str) -> float:
        """A new restricted key with the same permissions, staged and rotated in; its seconds."""
        began = time.monotonic()
        key = restricted_key(
            self.shop.endpoints["stripe_api_url"],
            self.shop.endpoints["stripe_secret_key"],
            key_permissions(KEY_OF_OUTPUT[output]),
        )
        created = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")
        self.secrets.put_secret_value(
            SecretId=self.arn(output),
            SecretString=json.dumps({"key": key, "created": created}),
            VersionStages=["STAGED"],
        )
        rotate(self.secrets, self.arn(output))
        if self.shop.secret(output)["key"] != key:
            raise NeverHappened(f"{output} rotated, but to another key than the staged one")
        return time.monotonic() - began

    def at_stripe(self) -> dict[str, Any]:
        """Our endpoints at the stand-in by id."""
        found = self.shop.stripe.v1.webhook_endpoints.list({"limit": 100}).data
        return {one.id: one for one in found}

    def call(self, function: str) -> dict[str, Any]:
        """One call of a function's schedule, by the name in its CloudFormation output."""
        name = self.shop.endpoints["outputs"][f"{function}FunctionName"]
        answer = self.shop.client("lambda").invoke(FunctionName=f"{name}:live")
        said: dict[str, Any] = json.loads(answer["Payload"].read())
        if "FunctionError" in answer:
            raise NeverHappened(f"{name} failed: {said}")
        return said

    def retire(self) -> None:
        """Until every endpoint that was replaced is gone, as the two schedules do it.

        `reconcile` has other parts than the sweep, and says so when one of them failed: that is
        told only when the endpoints stay.
        """
        failures = []

        def only_the_newest() -> bool:
            self.call("RetireEndpoints")
            try:
                self.call("Reconcile")
            except NeverHappened as error:
                failures.append(str(error))
            return len(self.document["endpoints"]) == 1

        try:
            self.shop.until(
                only_the_newest, what="the old endpoints are retired", seconds=_RETIRED_SECONDS
            )
        except NeverHappened as error:
            raise NeverHappened(f"{error}; {failures[-1:]}") from error

    def answer_to(self, secret: str) -> int:
        """What the receiver answers to something that this secret signed just now."""
        body = f'{{"id": "evt_probe_{time.time_ns()}", "type": "probe", "created": 1}}'
        signed = stripe.WebhookSignature.generate_signature_header(body, secret)
        return self.shop.deliver(body.encode(), signed).status_code

    def is_refused_soon(self, secret: str) -> bool:
        """Once each container of the receiver has read anew, which is a matter of its cache."""
        return self.shop.until(
            lambda: self.answer_to(secret) == _REFUSED, what="a retired secret is refused"
        )

    def is_accepted(self, secret: str) -> bool:
        """Is what this secret signs a webhook of ours?"""
        return self.answer_to(secret) == _OK
