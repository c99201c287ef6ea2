"""Rotation: a function for Secrets Manager's four steps, and one that ends what was replaced."""

from collections.abc import Sequence

from aws_cdk import Aws
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra.blocks.function import HouseFunction, Size
from infra.blocks.schedule import HouseSchedule
from infra.stacks.storage import Storage
from infra.stage import Stage

# The schedule says the hour; Secrets Manager may begin within so long of it.
_WINDOW = "4h"


class KeyRotation(Construct):
    """rotate_secret with the secrets that it rotates, and retire_endpoints.

    The schedules stand here and not beside their secrets: those are in another stack, and CDK's own
    way (`add_rotation_schedule`) ties the two stacks into a cycle when a customer key is between.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        storage: Storage,
        layers: Sequence[lambda_.ILayerVersion],
        webhook_url: str,
    ) -> None:
        super().__init__(scope, construct_id)
        rotation = stage.rotation
        at_stripe = {
            "SIGNING_SECRET_ARN": storage.secrets.signing.secret_arn,
            "ENDPOINTS_KEY_ARN": storage.secrets.endpoints.secret_arn,
            "SECRET_CACHE_SECONDS": str(stage.worker.secret_cache_seconds),
            "STRIPE_API_URL": stage.stripe.api_url,
            "STRIPE_API_VERSION": stage.stripe.api_version,
            "WEBHOOK_URL": webhook_url,
            "CALL_TIMEOUT_SECONDS": str(rotation.call_timeout_seconds),
            "RETIRE_AFTER_SECONDS": str(rotation.retire_after_seconds),
        }
        self.rotate_secret = HouseFunction(
            self,
            "rotate_secret",
            stage=stage,
            layers=layers,
            description="Rotate a secret in Secrets Manager's four steps",
            size=Size(timeout_seconds=rotation.timeout_seconds, memory_mb=rotation.memory_mb),
            environment=at_stripe
            | {f"{name}_KEY_ARN": key.secret_arn for name, key in _keys(storage).items()}
            | {
                "STRIPE_ACCOUNT": stage.stripe.account,
                "PROBE_BUDGET_PER_SECOND": str(stage.budgets.probe_per_second),
                "KEY_AGE_MAX_DAYS": str(rotation.key_age_max_days),
            },
        )
        self.retire_endpoints = HouseFunction(
            self,
            "retire_endpoints",
            stage=stage,
            layers=layers,
            description="End webhook endpoints whose time is over",
            size=Size(timeout_seconds=rotation.timeout_seconds, memory_mb=rotation.memory_mb),
            environment=at_stripe
            | {
                "PAYMENTS_TABLE": storage.payments.table_name,
                "OVERDUE_AFTER_SECONDS": str(rotation.overdue_after_seconds),
                "LATE_AFTER_SECONDS": str(rotation.late_after_seconds),
            },
        )
        HouseSchedule(
            self, "WhenRetire", calls=self.retire_endpoints, expression=rotation.retire_schedule
        )
        self._rotates("Signing", storage.secrets.signing, schedule=rotation.signing_schedule)
        for name, key in _keys(storage).items():
            self._rotates(name.capitalize(), key, schedule=rotation.keys_schedule)

    def _rotates(self, name: str, secret: secretsmanager.ISecret, *, schedule: str) -> None:
        """Let Secrets Manager call the function for this secret, and say when it shall."""
        self.rotate_secret.live.add_permission(
            f"Rotates{name}",
            principal=iam.ServicePrincipal("secretsmanager.amazonaws.com"),
            source_account=Aws.ACCOUNT_ID,
            source_arn=secret.secret_arn,
        )
        made = secretsmanager.CfnRotationSchedule(
            self,
            f"{name}Schedule",
            secret_id=secret.secret_arn,
            rotation_lambda_arn=self.rotate_secret.live.function_arn,
            rotation_rules=secretsmanager.CfnRotationSchedule.RotationRulesProperty(
                schedule_expression=schedule, duration=_WINDOW
            ),
            # A deployment changes no secret.
            rotate_immediately_on_update=False,
        )
        # Before it takes a schedule, Secrets Manager calls the function's testSecret.
        made.node.add_dependency(self.rotate_secret)


def _keys(storage: Storage) -> dict[str, secretsmanager.Secret]:
    """The restricted keys: a rotation judges what an operator staged, or the key in use again."""
    secrets = storage.secrets
    return {
        "PAYMENTS": secrets.payments,
        "REFUNDS": secrets.refunds,
        "READER": secrets.reader,
        "ENDPOINTS": secrets.endpoints,
    }
