"""Who may see and change a secret's values: the roles that are listed, and nobody beside them."""

from collections.abc import Sequence

from aws_cdk import Aws, DefaultStackSynthesizer
from aws_cdk import aws_iam as iam
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra.blocks.function import HouseFunction
from infra.stage import Stage

# To delete this policy is not refused: an administrator must be able to, and CloudTrail tells.
TOUCHES = (
    "secretsmanager:GetSecretValue",
    "secretsmanager:PutSecretValue",
    "secretsmanager:UpdateSecretVersionStage",
)
_QUALIFIER = "@aws-cdk/core:bootstrapQualifier"


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
        operators: Sequence[iam.IRole],
    ) -> None:
        super().__init__(scope, construct_id)
        # Whom it lets in.
        self.listed = (
            *(function.role.role_arn for function in functions),
            *(operator.role_arn for operator in operators),
            self._deployer(),
            *stage.access.operators,
        )
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
                        "Action": list(TOUCHES),
                        "Resource": "*",
                        "Condition": {"ArnNotLike": {"aws:PrincipalArn": list(self.listed)}},
                    }
                ],
            },
        )

    def _deployer(self) -> str:
        """CloudFormation's role of CDK's bootstrap: it reads a secret when it changes the stack."""
        qualifier = self.node.try_get_context(_QUALIFIER)
        name = f"cdk-{qualifier or DefaultStackSynthesizer.DEFAULT_QUALIFIER}-cfn-exec-role"
        role = f"{name}-{Aws.ACCOUNT_ID}-{Aws.REGION}"
        return f"arn:{Aws.PARTITION}:iam::{Aws.ACCOUNT_ID}:role/{role}"
