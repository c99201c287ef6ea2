"""What cdk-nag finds and we accept, each with its reason, beside the construct that it is about."""

from aws_cdk import Acknowledgment, Validations
from constructs import IConstruct


def accept(construct: IConstruct, rule: str, reason: str) -> None:
    """Acknowledge one finding of AwsSolutionsChecks, as in "IAM5[Resource::*]", on a construct."""
    Validations.of(construct).acknowledge(Acknowledgment(id=f"AwsSolutions-{rule}", reason=reason))
