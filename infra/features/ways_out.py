"""Where others hear of changes: subscribed to from outside, so it outlives a release."""

from aws_cdk import RemovalPolicy
from aws_cdk import aws_events as events
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from infra.blocks.checks import accept
from infra.stage import Stage


class WaysOut(Construct):
    """The stage's bus of domain events, and the topics of notices to people.

    Who listens adds rules to the bus, and subscriptions to the topics.
    """

    def __init__(self, scope: Construct, construct_id: str, *, stage: Stage, key: kms.IKey) -> None:
        super().__init__(scope, construct_id)
        self._stage = stage
        # By its ARN: given the key itself, CDK writes a statement of its own into its policy.
        self._key = kms.Key.from_key_arn(self, "Key", key.key_arn)
        self.bus = events.EventBus(
            self,
            "Bus",
            event_bus_name=stage.named("changes"),
            description=f"Paid Once {stage.name}: what happened to payments and all else",
        )
        self.bus.apply_removal_policy(self._removal)
        self.customers = self._topic("Customers", "customer-notices")
        self.back_office = self._topic("BackOffice", "back-office")
        if stage.consumers.back_office_email:
            self.back_office.add_subscription(
                subscriptions.EmailSubscription(stage.consumers.back_office_email)
            )

    @property
    def _removal(self) -> RemovalPolicy:
        return RemovalPolicy.RETAIN if self._stage.keeps_data else RemovalPolicy.DESTROY

    def _topic(self, construct_id: str, name: str) -> sns.Topic:
        topic = sns.Topic(
            self,
            construct_id,
            topic_name=self._stage.named(name),
            master_key=self._key,
            enforce_ssl=self._stage.enforce_ssl,
        )
        topic.apply_removal_policy(self._removal)
        if not self._stage.enforce_ssl:
            accept(topic, "SNS3", "The embedded AWS speaks plain HTTP on 127.0.0.1.")
        return topic
