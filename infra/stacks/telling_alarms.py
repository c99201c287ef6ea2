"""The alarms about who is told of changes: the bus, and what listens to it."""

from infra.stacks.watch import FIVE_MINUTES, Watch, as_before, counted, errors, lying, oldest

TELLING_ALARMS = (
    Watch(
        name="publish-failures",
        pages=False,
        says="A change was not put on the bus: the stream tries again.",
        metric=counted("PublishFailures", "publish_changes"),
    ),
    Watch(
        name="publish-failures-due",
        pages=False,
        says="A change that is long due was not put on the bus: the next run tries again.",
        metric=counted("PublishFailures", "reconcile"),
    ),
    Watch(
        name="publish-errors",
        pages=False,
        says="publish_changes crashes or is killed: the stream tries again.",
        metric=errors(lambda service: service.publishing.publish_changes),
        at_least=lambda stage: stage.alarms.processor_errors,
    ),
    Watch(
        name="changes-late",
        pages=False,
        says="Changes reach the bus late: publish_changes is too slow, or does not run.",
        metric=lambda service: service.publishing.publish_changes.function.metric(
            "IteratorAge", period=FIVE_MINUTES, statistic="Maximum"
        ),
        at_least=lambda stage: 1000 * stage.publishing.due_after_seconds,
    ),
    Watch(
        name="changes-dead-letters",
        pages=False,
        says="The stream gave a change up: reconcile publishes it from the ledger.",
        metric=lying(lambda service: service.publishing.given_up),
        when_missing=as_before,
    ),
    Watch(
        name="notices-dead-letters",
        pages=False,
        says="A notice was given up: a customer or the back office was not told.",
        metric=lying(lambda service: service.notices.told.dead_letters),
        when_missing=as_before,
    ),
    Watch(
        name="notices-oldest-message",
        pages=False,
        says="Notices wait too long: notify is too slow, fails, or does not run.",
        metric=oldest(lambda service: service.notices.told.queue),
        when_missing=as_before,
        at_least=lambda stage: stage.alarms.oldest_message_seconds,
    ),
    Watch(
        name="notify-errors",
        pages=False,
        says="notify crashes or is killed: its notices come back.",
        metric=errors(lambda service: service.notices.notify),
        at_least=lambda stage: stage.alarms.processor_errors,
    ),
    Watch(
        name="fraud-warnings-dead-letters",
        pages=False,
        says="A fraud warning was given up: nothing was refunded, and nobody told.",
        metric=lying(lambda service: service.fraud_warnings.told.dead_letters),
        when_missing=as_before,
    ),
    Watch(
        name="fraud-warnings-oldest-message",
        pages=False,
        says="Fraud warnings wait too long: a dispute may come first.",
        metric=oldest(lambda service: service.fraud_warnings.told.queue),
        when_missing=as_before,
        at_least=lambda stage: stage.alarms.oldest_message_seconds,
    ),
    Watch(
        name="fraud-warning-errors",
        pages=False,
        says="answer_fraud_warning crashes or is killed: its warnings come back.",
        metric=errors(lambda service: service.fraud_warnings.answer_fraud_warning),
        at_least=lambda stage: stage.alarms.processor_errors,
    ),
)
