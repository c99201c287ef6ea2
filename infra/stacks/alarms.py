"""What somebody must be told: tables of alarms (each a heading in docs/runbook.md), two topics."""

from aws_cdk import Aws
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from infra.blocks.checks import accept
from infra.blocks.stack import HouseStack
from infra.features.strangers import Strangers
from infra.stacks.dashboard import Dashboard
from infra.stacks.intake_alarms import INTAKE_ALARMS
from infra.stacks.log_queries import save_queries
from infra.stacks.money_alarms import MONEY_ALARMS
from infra.stacks.operation_alarms import OPERATION_ALARMS
from infra.stacks.reconciliation_alarms import RECONCILIATION_ALARMS
from infra.stacks.rotation_alarms import ROTATION_ALARMS
from infra.stacks.service import Service
from infra.stacks.storage import Storage
from infra.stacks.stripe_alarms import STRIPE_ALARMS
from infra.stacks.telling_alarms import TELLING_ALARMS
from infra.stacks.watch import Watch
from infra.stage import Stage

RUNBOOK = "docs/runbook.md"

ALARMS = (
    *INTAKE_ALARMS,
    *OPERATION_ALARMS,
    *TELLING_ALARMS,
    *ROTATION_ALARMS,
    *RECONCILIATION_ALARMS,
    *MONEY_ALARMS,
    *STRIPE_ALARMS,
)

# Is anything so that somebody has to be awake now; is anything at all.
PAGE, TOMORROW = "page-somebody", "look-tomorrow"


class Alarms(HouseStack):
    """The alarms of the tables, and the topics that tell.

    One topic hears everything, for the record and for tomorrow; the other only what pages. Each
    alarm speaks for itself: a composite that is up already would hide whatever comes next.
    """

    def __init__(
        self, scope: Construct, *, stage: Stage, storage: Storage, service: Service
    ) -> None:
        super().__init__(
            scope,
            "alarms",
            stage=stage,
            description="Paid Once: alarms, whom they tell, and what to look at",
        )
        self.topic = self._topic("Topic", "alarms", key=storage.key, email=stage.alarms.email)
        self.pages = self._topic("Pages", "pages", key=storage.key, email=stage.alarms.pages_email)
        made = {watch: self._alarm(watch, stage, service) for watch in ALARMS}
        now, later = (
            self._composite(name, says, [alarm for w, alarm in made.items() if w.pages is pages])
            for name, says, pages in (
                (PAGE, "Somebody has to look now.", True),
                (TOMORROW, "Something can wait until tomorrow, and not for long.", False),
            )
        )
        dashboard = Dashboard(
            self, "Story", stage=stage, storage=storage, service=service, alarms=[now, later]
        )
        save_queries(self, stage=stage, functions=service.functions)
        if stage.access.tells_of_strangers:
            Strangers(
                self,
                "Strangers",
                stage=stage,
                listed=service.may_touch_secrets,
                topic=self.topic,
                runbook=RUNBOOK,
            )
        self.tell(
            {
                "AlarmTopicArn": self.topic.topic_arn,
                "PagesTopicArn": self.pages.topic_arn,
                "DashboardName": dashboard.name,
            }
        )

    def _alarm(self, watch: Watch, stage: Stage, service: Service) -> cloudwatch.Alarm:
        alarm = cloudwatch.Alarm(
            self,
            watch.name,
            alarm_name=stage.named(watch.name),
            alarm_description=f"{watch.says} What to do: {RUNBOOK}#{watch.name}",
            metric=watch.metric(service),
            threshold=watch.at_least(stage),
            evaluation_periods=1,
            comparison_operator=(cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD),
            treat_missing_data=watch.when_missing(stage),
        )
        for topic in (self.topic, self.pages) if watch.pages else (self.topic,):
            alarm.add_alarm_action(actions.SnsAction(topic))
            alarm.add_ok_action(actions.SnsAction(topic))
        return alarm

    def _composite(
        self, name: str, says: str, alarms: list[cloudwatch.Alarm]
    ) -> cloudwatch.CompositeAlarm:
        """The state of all of them as one: for a dashboard, or for a deployment that asks first."""
        return cloudwatch.CompositeAlarm(
            self,
            name,
            composite_alarm_name=self.stage_settings.named(name),
            alarm_description=f"{says} Which of them, and what to do: {RUNBOOK}",
            alarm_rule=cloudwatch.AlarmRule.any_of(
                *(
                    cloudwatch.AlarmRule.from_alarm(alarm, cloudwatch.AlarmState.ALARM)
                    for alarm in alarms
                )
            ),
        )

    def _topic(self, construct_id: str, name: str, *, key: kms.IKey, email: str) -> sns.Topic:
        stage = self.stage_settings
        # The account's own key for SNS would silence every alarm: CloudWatch may not use it.
        topic = sns.Topic(
            self,
            construct_id,
            topic_name=stage.named(name),
            display_name=f"Paid Once {stage.name}",
            master_key=key,
            enforce_ssl=stage.enforce_ssl,
        )
        if not stage.enforce_ssl:
            accept(topic, "SNS3", "The embedded AWS speaks plain HTTP on 127.0.0.1.")
        # A policy of our own replaces the default one, which let the account's alarms publish.
        topic.add_to_resource_policy(
            iam.PolicyStatement(
                sid="AlarmsPublish",
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                actions=["sns:Publish"],
                resources=[topic.topic_arn],
                conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}},
            )
        )
        if email:
            topic.add_subscription(subscriptions.EmailSubscription(email))
        return topic
