"""A stack by the rules of the house: name, place, tags, outputs."""

from collections.abc import Mapping

from aws_cdk import CfnOutput, Environment, Stack, Tags
from constructs import Construct

from infra.stage import Stage


class HouseStack(Stack):
    """A stack of one stage; without an account it is deployed to that of the credentials."""

    def __init__(self, scope: Construct, lifetime: str, *, stage: Stage, description: str) -> None:
        super().__init__(
            scope,
            f"PaidOnce-{stage.name}-{lifetime}",
            env=Environment(account=stage.account or None, region=stage.region),
            description=description,
            termination_protection=stage.keeps_data,
        )
        self.stage_settings = stage
        Tags.of(self).add("paidonce:stage", stage.name)

    def tell(self, outputs: Mapping[str, str]) -> None:
        """Outputs under exactly these names, as operators and tools read them."""
        for name, value in outputs.items():
            CfnOutput(self, name, value=value)
