"""What somebody must be told: a table of alarms (each a heading in docs/runbook.md), one topic."""

from aws_cdk import Aws
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from infra.blocks.checks import accept
from infra.blocks.stack import HouseStack
from infra.features.strangers import Strangers
from infra.stacks.reconciliation_alarms import RECONCILIATION_ALARMS
from infra.stacks.rotation_alarms import ROTATION_ALARMS
from infra.stacks.service import Service
from infra.stacks.storage import Storage
from infra.stacks.watch import FIVE_MINUTES, MINUTE, Watch, counted, errors
from infra.stage import Stage

RUNBOOK = "docs/runbook.md"

_OF_INTENTS = (
    ("api", "payments_api"),
    ("worker", "apply_event"),
    ("operations", "run_operation"),
)
_OF_STRIPE = (*_OF_INTENTS, ("refunds", "refunds_api"))


def _everywhere(
    name: str, says: str, metric: str, *, folders: tuple[tuple[str, str], ...] = _OF_STRIPE
) -> tuple[Watch, ...]:
    """The same matter for each function that can meet it: `service` tells them apart."""
    return tuple(
        Watch(name=f"{name}-{short}", says=f"{folder}: {says}", metric=counted(metric, folder))
        for short, folder in folders
    )


ALARMS = (
    *ROTATION_ALARMS,
    *RECONCILIATION_ALARMS,
    Watch(
        name="dead-letters",
        says="An event is in the dead letters: it was given up and nobody will try it again.",
        metric=lambda service: (
            service.webhooks.events.dead_letters.metric_approximate_number_of_messages_visible(
                period=MINUTE, statistic="Maximum"
            )
        ),
    ),
    Watch(
        name="oldest-message",
        says="Events wait too long in the queue: the processor is too slow, or does not run.",
        metric=lambda service: (
            service.webhooks.events.queue.metric_approximate_age_of_oldest_message(
                period=MINUTE, statistic="Maximum"
            )
        ),
        at_least=lambda stage: stage.alarms.oldest_message_seconds,
    ),
    Watch(
        name="receiver-errors",
        says="receive_webhook crashes: Stripe is answered 500 and delivers again, for 3 days.",
        metric=errors(lambda service: service.webhooks.receive_webhook),
        at_least=lambda stage: stage.alarms.receiver_errors,
    ),
    # The receiver answers errors itself, so that their text stays out of Lambda's log.
    Watch(
        name="receiver-failed",
        says="receive_webhook answers 500: a bug or a permission; Stripe delivers again.",
        metric=counted("WebhookFailed", "receive_webhook"),
    ),
    Watch(
        name="webhook-not-queued",
        says="SQS does not take events: Stripe is answered 503 and delivers again, for 3 days.",
        metric=counted("WebhookNotQueued", "receive_webhook"),
    ),
    Watch(
        name="receiver-slow",
        says="receive_webhook takes long: Stripe gives up after about 20 s.",
        metric=lambda service: service.webhooks.receive_webhook.function.metric_duration(
            period=FIVE_MINUTES, statistic="p99"
        ),
        at_least=lambda stage: stage.alarms.receiver_p99_ms,
    ),
    Watch(
        name="processor-errors",
        says="apply_event crashes or is killed: its batch comes back, up to the queue's tries.",
        metric=errors(lambda service: service.webhooks.apply_event),
        at_least=lambda stage: stage.alarms.processor_errors,
    ),
    Watch(
        name="api-5xx",
        says="The API answers 5xx: callers and Stripe try again, but something is broken.",
        metric=lambda service: service.way_in.api.metric_server_error(
            period=FIVE_MINUTES, statistic="Sum"
        ),
        at_least=lambda stage: stage.alarms.api_5xx,
    ),
    Watch(
        name="api-failed",
        says="payments_api answers 500: a bug or a permission.",
        metric=counted("InternalErrors", "payments_api"),
    ),
    Watch(
        name="creation-too-old",
        says="A payment's outcome at Stripe is unknown for longer than its key is remembered.",
        metric=counted("CreationsTooOld", "payments_api"),
    ),
    Watch(
        name="dead-events",
        says="The ledger holds an event that was given up.",
        metric=counted("DeadEvents", "apply_event"),
    ),
    Watch(
        name="unknown-api-version",
        says="Stripe sends events in an API version that we do not know: they are read as ours.",
        metric=counted("UnknownApiVersion", "apply_event"),
    ),
    Watch(
        name="operations-dead-letters",
        says="A call to Stripe was given up: what a caller was promised may not be done.",
        metric=lambda service: (
            service.operations.operations.dead_letters.metric_approximate_number_of_messages_visible(
                period=MINUTE, statistic="Maximum"
            )
        ),
    ),
    Watch(
        name="operations-oldest-message",
        says="Operations wait too long in the queue: run_operation is too slow, or does not run.",
        metric=lambda service: (
            service.operations.operations.queue.metric_approximate_age_of_oldest_message(
                period=MINUTE, statistic="Maximum"
            )
        ),
        at_least=lambda stage: stage.alarms.oldest_message_seconds,
    ),
    Watch(
        name="operation-errors",
        says="run_operation crashes or is killed: its operation comes back.",
        metric=errors(lambda service: service.operations.run_operation),
        at_least=lambda stage: stage.alarms.processor_errors,
    ),
    Watch(
        name="dead-operations",
        says="The ledger holds a call that was given up.",
        metric=counted("DeadEvents", "run_operation"),
    ),
    Watch(
        name="publish-failures",
        says="A change was not put on the bus: the stream tries again.",
        metric=counted("PublishFailures", "publish_changes"),
    ),
    Watch(
        name="publish-failures-due",
        says="A change that is long due was not put on the bus: the next run tries again.",
        metric=counted("PublishFailures", "reconcile"),
    ),
    Watch(
        name="publish-errors",
        says="publish_changes crashes or is killed: the stream tries again.",
        metric=errors(lambda service: service.publishing.publish_changes),
        at_least=lambda stage: stage.alarms.processor_errors,
    ),
    Watch(
        name="changes-late",
        says="Changes reach the bus late: publish_changes is too slow, or does not run.",
        metric=lambda service: service.publishing.publish_changes.function.metric(
            "IteratorAge", period=FIVE_MINUTES, statistic="Maximum"
        ),
        at_least=lambda stage: 1000 * stage.publishing.due_after_seconds,
    ),
    Watch(
        name="changes-dead-letters",
        says="The stream gave a change up: reconcile publishes it from the ledger.",
        metric=lambda service: (
            service.publishing.given_up.metric_approximate_number_of_messages_visible(
                period=MINUTE, statistic="Maximum"
            )
        ),
    ),
    Watch(
        name="notices-dead-letters",
        says="A notice was given up: a customer or the back office was not told.",
        metric=lambda service: (
            service.notices.told.dead_letters.metric_approximate_number_of_messages_visible(
                period=MINUTE, statistic="Maximum"
            )
        ),
    ),
    Watch(
        name="notices-oldest-message",
        says="Notices wait too long: notify is too slow, fails, or does not run.",
        metric=lambda service: service.notices.told.queue.metric_approximate_age_of_oldest_message(
            period=MINUTE, statistic="Maximum"
        ),
        at_least=lambda stage: stage.alarms.oldest_message_seconds,
    ),
    Watch(
        name="notify-errors",
        says="notify crashes or is killed: its notices come back.",
        metric=errors(lambda service: service.notices.notify),
        at_least=lambda stage: stage.alarms.processor_errors,
    ),
    Watch(
        name="fraud-warnings-dead-letters",
        says="A fraud warning was given up: nothing was refunded, and nobody told.",
        metric=lambda service: (
            service.fraud_warnings.told.dead_letters.metric_approximate_number_of_messages_visible(
                period=MINUTE, statistic="Maximum"
            )
        ),
    ),
    Watch(
        name="fraud-warnings-oldest-message",
        says="Fraud warnings wait too long: a dispute may come first.",
        metric=lambda service: (
            service.fraud_warnings.told.queue.metric_approximate_age_of_oldest_message(
                period=MINUTE, statistic="Maximum"
            )
        ),
        at_least=lambda stage: stage.alarms.oldest_message_seconds,
    ),
    Watch(
        name="fraud-warning-errors",
        says="answer_fraud_warning crashes or is killed: its warnings come back.",
        metric=errors(lambda service: service.fraud_warnings.answer_fraud_warning),
        at_least=lambda stage: stage.alarms.processor_errors,
    ),
    Watch(
        name="signature-refused",
        says="Webhooks fail verification: a wrong signing secret, or forged traffic.",
        metric=counted("SignatureRefused", "receive_webhook", period=FIVE_MINUTES),
        at_least=lambda stage: stage.alarms.signature_refused,
    ),
    Watch(
        name="intent-mismatch",
        says="Stripe answered with another intent than the payment has.",
        metric=counted("IntentMismatch", "payments_api"),
    ),
    Watch(
        name="dispute-opened",
        says="A shopper disputes a payment with the bank: it must be answered in time, or is lost.",
        metric=counted("DisputesOpened", "apply_event"),
    ),
    Watch(
        name="fraud-warned",
        says="A card network warns that a payment may be fraud: a dispute is likely to follow.",
        metric=counted("FraudWarnings", "apply_event"),
    ),
    *_everywhere(
        "paid-twice",
        "a second intent of one payment succeeded: a customer paid twice.",
        "PaidTwice",
        folders=_OF_INTENTS,
    ),
    *_everywhere(
        "amount-mismatch",
        "Stripe took another amount or currency than we asked.",
        "AmountMismatch",
        folders=_OF_INTENTS,
    ),
    *_everywhere(
        "paid-and-canceled",
        "Stripe calls one payment both paid and canceled.",
        "PaidAndCanceled",
        folders=_OF_INTENTS,
    ),
    *_everywhere(
        "invalid-request",
        "Stripe calls our request invalid: a bug, it never passes.",
        "InvalidRequest",
    ),
    *_everywhere("key-refused", "Stripe does not accept the key (401).", "StripeKeyRefused"),
    *_everywhere(
        "breaker-open", "nothing is asked of Stripe: it refused the key (401).", "BreakerOpen"
    ),
    *_everywhere(
        "permission-denied", "the key lacks a permission (403).", "StripePermissionDenied"
    ),
)


class Alarms(HouseStack):
    """The alarms of the table, and the topic that tells."""

    def __init__(
        self, scope: Construct, *, stage: Stage, storage: Storage, service: Service
    ) -> None:
        super().__init__(
            scope, "alarms", stage=stage, description="Paid Once: alarms and whom they tell"
        )
        self.topic = self._topic(stage, storage)
        for watch in ALARMS:
            self._alarm(watch, stage, service)
        if stage.access.tells_of_strangers:
            Strangers(
                self,
                "Strangers",
                stage=stage,
                listed=service.may_touch_secrets,
                topic=self.topic,
                runbook=RUNBOOK,
            )
        self.tell({"AlarmTopicArn": self.topic.topic_arn})

    def _alarm(self, watch: Watch, stage: Stage, service: Service) -> None:
        alarm = cloudwatch.Alarm(
            self,
            watch.name,
            alarm_name=stage.named(watch.name),
            alarm_description=f"{watch.says} What to do: {RUNBOOK}#{watch.name}",
            metric=watch.metric(service),
            threshold=watch.at_least(stage),
            evaluation_periods=1,
            comparison_operator=(cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD),
            # No traffic is no trouble.
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        alarm.add_alarm_action(actions.SnsAction(self.topic))
        alarm.add_ok_action(actions.SnsAction(self.topic))

    def _topic(self, stage: Stage, storage: Storage) -> sns.Topic:
        # The account's own key for SNS would silence every alarm: CloudWatch may not use it.
        topic = sns.Topic(
            self,
            "Topic",
            topic_name=stage.named("alarms"),
            display_name=f"Paid Once {stage.name}",
            master_key=storage.key,
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
        if stage.alarms.email:
            topic.add_subscription(subscriptions.EmailSubscription(stage.alarms.email))
        return topic
