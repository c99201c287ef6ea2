"""A stack by the rules of the house: name, place, tags, outputs."""

from collections.abc import Mapping

from aws_cdk import CfnOutput, CliCredentialsStackSynthesizer, Environment, Stack, Tags
from constructs import Construct

from infra.stage import Stage

# What a stage consists of, in the order in which it is deployed.
LIFETIMES = ("storage", "service", "alarms")


def _synthesizer(scope: Construct) -> CliCredentialsStackSynthesizer | None:
    """CDK's own, which deploys by the roles of the bootstrap; `-c deploy_as=caller` by none."""
    if scope.node.try_get_context("deploy_as") == "caller":
        return CliCredentialsStackSynthesizer()
    return None


class HouseStack(Stack):
    """A stack of one stage; without an account it is deployed to that of the credentials."""

    def __init__(self, scope: Construct, lifetime: str, *, stage: Stage, description: str) -> None:
        super().__init__(
            scope,
            f"PaidOnce-{stage.name}-{lifetime}",
            env=Environment(account=stage.account or None, region=stage.region),
            description=description,
            termination_protection=stage.keeps_data,
            synthesizer=_synthesizer(scope),
        )
        self.stage_settings = stage
        Tags.of(self).add("paidonce:stage", stage.name)

    def tell(self, outputs: Mapping[str, str]) -> None:
        """Outputs under exactly these names, as operators and tools read them."""
        for name, value in outputs.items():
            CfnOutput(self, name, value=value)
