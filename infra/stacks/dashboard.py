"""One dashboard that tells the story left to right: in, queued, applied, money, trouble, cost."""

from collections.abc import Callable, Sequence
from typing import cast

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.stacks.service import Service
from infra.stacks.storage import Storage
from infra.stacks.watch import FIVE_MINUTES, Metric, counted, lying, oldest
from infra.stage import Stage

# A dashboard is 24 units wide: six columns.
_WIDE, _HIGH = 4, 6
_CALL_STRIPE = ("apply_event", "payments_api", "refunds_api", "run_operation", "reconcile")


class Dashboard(Construct):
    """What CloudWatch shows of a stage; everything on it is also a metric of its own."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        storage: Storage,
        service: Service,
        alarms: Sequence[cloudwatch.IAlarm],
    ) -> None:
        super().__init__(scope, construct_id)
        self._service = service
        self.name = stage.named("story")
        columns = (
            self._in(),
            self._queued(),
            self._applied(),
            self._money(),
            self._trouble(alarms),
            self._cost(storage),
        )
        cloudwatch.Dashboard(
            self,
            "Dashboard",
            dashboard_name=self.name,
            # A column is a widget, though the types that jsii writes say otherwise.
            widgets=[[cast("cloudwatch.IWidget", cloudwatch.Column(*one)) for one in columns]],
        )

    def _in(self) -> list[cloudwatch.IWidget]:
        api, receiver = self._service.way_in.api, self._service.webhooks.receive_webhook.function
        answered = [
            api.metric_count(period=FIVE_MINUTES, label="requests"),
            api.metric_client_error(period=FIVE_MINUTES, label="4xx"),
            api.metric_server_error(period=FIVE_MINUTES, label="5xx"),
        ]
        return [
            _heading("In", "What callers ask and Stripe delivers."),
            _graph("Requests", answered),
            self._ours(
                "Webhooks",
                "receive_webhook",
                "WebhookAccepted",
                "SignatureRefused",
                "WebhookFailed",
            ),
            _graph(
                "How long the receiver takes",
                [
                    receiver.metric_duration(period=FIVE_MINUTES, statistic=one, label=one)
                    for one in ("p50", "p99")
                ],
            ),
        ]

    def _queued(self) -> list[cloudwatch.IWidget]:
        events, operations = self._service.webhooks.events, self._service.operations.operations
        told = self._service.notices.told
        queues = (("events", events), ("operations", operations), ("notices", told))
        waiting = [self._of_queue(lying, one.queue, label) for label, one in queues]
        ages = [self._of_queue(oldest, one.queue, label) for label, one in queues]
        return [
            _heading("Queued", "What is durable and not yet decided."),
            _graph("Messages", waiting),
            _graph("Age of the oldest, s", ages),
            self._ours("Not yet", "apply_event", "EventsWaiting", "EventsFailing"),
        ]

    def _applied(self) -> list[cloudwatch.IWidget]:
        late = self._service.publishing.publish_changes.function.metric(
            "IteratorAge", period=FIVE_MINUTES, statistic="Maximum", label="behind, ms"
        )
        return [
            _heading("Applied", "What was decided, and told."),
            self._ours(
                "Events",
                "apply_event",
                *("EventsApplied", "EventsUnchanged", "EventsIgnored", "EventsForeign"),
                "EventsSuperseded",
            ),
            self._ours("Changes told", "publish_changes", "ChangesPublished", "PublishFailures"),
            _graph("How late they are told", [late]),
        ]

    def _money(self) -> list[cloudwatch.IWidget]:
        unknown = [
            self._labelled(counted("PaymentsOutcomeUnknown", folder, period=FIVE_MINUTES), folder)
            for folder in ("payments_api", "run_operation")
        ]
        return [
            _heading("Money", "How payments end."),
            self._ours("Payments", "publish_changes", "PaymentsPaid", "PaymentsFailed"),
            self._ours("Against us", "apply_event", "DisputesOpened", "FraudWarnings", "PaidTwice"),
            _graph("Outcome not known at once", unknown),
        ]

    def _trouble(self, alarms: Sequence[cloudwatch.IAlarm]) -> list[cloudwatch.IWidget]:
        dead = (
            ("events", self._service.webhooks.events.dead_letters),
            ("operations", self._service.operations.operations.dead_letters),
            ("notices", self._service.notices.told.dead_letters),
            ("fraud warnings", self._service.fraud_warnings.told.dead_letters),
        )
        letters = [self._of_queue(lying, queue, label) for label, queue in dead]
        gauge = counted("DeadRows", "reconcile", period=FIVE_MINUTES, statistic="Maximum")
        found = [
            self._labelled(counted(name, "reconcile", period=FIVE_MINUTES), name)
            for name in ("Drift", "MissingEventsQueued", "StaleEventsQueued")
        ]
        return [
            _heading("Trouble", "Who has to look, and at what."),
            cloudwatch.AlarmStatusWidget(
                title="Now or tomorrow", alarms=list(alarms), width=_WIDE, height=_HIGH
            ),
            _graph("Given up", [*letters, self._labelled(gauge, "rows")]),
            _graph("What reconcile found", found),
        ]

    def _cost(self, storage: Storage) -> list[cloudwatch.IWidget]:
        times = [
            function.function.metric_duration(
                period=FIVE_MINUTES, statistic="Sum", label=function.name
            )
            for function in self._service.functions
        ]
        units = [
            table.metric(name, period=FIVE_MINUTES, statistic="Sum", label=f"{label} {verb}")
            for label, table in (("payments", storage.payments), ("events", storage.events))
            for verb, name in (
                ("read", "ConsumedReadCapacityUnits"),
                ("written", "ConsumedWriteCapacityUnits"),
            )
        ]
        calls = [
            self._labelled(counted("StripeCalls", folder, period=FIVE_MINUTES), folder)
            for folder in _CALL_STRIPE
        ]
        return [
            _heading("Cost", "What AWS bills, and Stripe counts."),
            _graph("Lambda, ms", times),
            _graph("DynamoDB, units", units),
            _graph("Calls of Stripe", calls),
        ]

    def _ours(self, title: str, folder: str, *names: str) -> cloudwatch.GraphWidget:
        """Metrics of one function of ours, beside each other."""
        metrics = [
            self._labelled(counted(name, folder, period=FIVE_MINUTES), name) for name in names
        ]
        return _graph(title, metrics)

    def _of_queue(
        self,
        metric: Callable[[Callable[[Service], sqs.IQueue]], Metric],
        queue: sqs.IQueue,
        label: str,
    ) -> cloudwatch.IMetric:
        return self._labelled(metric(lambda _service: queue), label)

    def _labelled(self, metric: Metric, label: str) -> cloudwatch.IMetric:
        found = metric(self._service)
        return found.with_(label=label) if isinstance(found, cloudwatch.Metric) else found


def _heading(title: str, says: str) -> cloudwatch.TextWidget:
    return cloudwatch.TextWidget(markdown=f"## {title}\n{says}", width=_WIDE, height=2)


def _graph(title: str, metrics: Sequence[cloudwatch.IMetric]) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(
        title=title,
        left=list(metrics),
        left_y_axis=cloudwatch.YAxisProps(min=0, show_units=False),
        legend_position=cloudwatch.LegendPosition.BOTTOM,
        width=_WIDE,
        height=_HIGH,
    )
