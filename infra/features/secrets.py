"""The stage's five Stripe secrets, born as placeholders: an operator puts the values in."""

import json

from aws_cdk import RemovalPolicy, SecretValue
from aws_cdk import aws_kms as kms
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra.blocks.checks import accept
from infra.stage import Stage

# What stands in a secret until somebody puts the real value in. CloudFormation writes a secret's
# value again when the template's changes, so these two never may.
NO_ENDPOINTS = json.dumps({"based_on": None, "endpoints": []})
NO_KEY = json.dumps({"key": "", "created": None})


class StripeSecrets(Construct):
    """The signing secrets of the webhook endpoints, and a restricted key for each kind of work."""

    def __init__(self, scope: Construct, construct_id: str, *, stage: Stage, key: kms.IKey) -> None:
        super().__init__(scope, construct_id)
        self._stage = stage
        # By its ARN: given the key itself, CDK writes a broad statement of its own into the policy
        # that infra/blocks/key.py states in full.
        self._key = kms.Key.from_key_arn(self, "Key", key.key_arn)
        self.signing = self._secret("Signing", "signing", NO_ENDPOINTS)
        self.payments = self._secret("Payments", "keys/payments", NO_KEY)
        self.refunds = self._secret("Refunds", "keys/refunds", NO_KEY)
        self.reader = self._secret("Reader", "keys/reader", NO_KEY)
        self.endpoints = self._secret("Endpoints", "keys/endpoints", NO_KEY)

    def _secret(self, construct_id: str, name: str, placeholder: str) -> secretsmanager.Secret:
        keep = self._stage.keeps_data
        secret = secretsmanager.Secret(
            self,
            construct_id,
            secret_name=f"paidonce/{self._stage.name}/stripe/{name}",
            encryption_key=self._key,
            # A placeholder is no secret.
            secret_string_value=SecretValue.unsafe_plain_text(placeholder),
            removal_policy=RemovalPolicy.RETAIN if keep else RemovalPolicy.DESTROY,
        )
        accept(
            secret,
            "SMG4",
            "Stripe makes these values: Secrets Manager cannot invent new ones on its own."
            " docs/deploy.md says how they are replaced.",
        )
        return secret
