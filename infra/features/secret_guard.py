"""Who may see and change a secret's values: the roles that are listed, and nobody beside them."""

from collections.abc import Sequence

from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra.blocks.function import HouseFunction
from infra.stage import Stage

# To delete this policy is not refused: an administrator must be able to, and CloudTrail tells.
_VALUES = (
    "secretsmanager:GetSecretValue",
    "secretsmanager:PutSecretValue",
    "secretsmanager:UpdateSecretVersionStage",
)


class SecretGuard(Construct):
    """A policy on the secret itself: it outweighs whatever IAM allows anybody else in the account.

    It stands in the functions' stack, which knows their roles.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        secret: secretsmanager.ISecret,
        functions: Sequence[HouseFunction],
    ) -> None:
        super().__init__(scope, construct_id)
        roles = [function.role.role_arn for function in functions]
        secretsmanager.CfnResourcePolicy(
            self,
            "Policy",
            secret_id=secret.secret_arn,
            block_public_policy=True,
            resource_policy={
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Sid": "NobodyElse",
                        "Effect": "Deny",
                        "Principal": "*",
                        "Action": list(_VALUES),
                        "Resource": "*",
                        "Condition": {
                            "ArnNotLike": {"aws:PrincipalArn": [*roles, *stage.access.operators]}
                        },
                    }
                ],
            },
        )
