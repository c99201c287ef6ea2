"""Where others hear of changes: the bus. Subscribed to from outside, so it outlives a release."""

from aws_cdk import RemovalPolicy
from aws_cdk import aws_events as events
from constructs import Construct

from infra.stage import Stage


class WaysOut(Construct):
    """The stage's bus of domain events; who listens adds rules to it."""

    def __init__(self, scope: Construct, construct_id: str, *, stage: Stage) -> None:
        super().__init__(scope, construct_id)
        self.bus = events.EventBus(
            self,
            "Bus",
            event_bus_name=stage.named("changes"),
            description=f"Paid Once {stage.name}: what happened to payments and all else",
        )
        self.bus.apply_removal_policy(
            RemovalPolicy.RETAIN if stage.keeps_data else RemovalPolicy.DESTROY
        )
