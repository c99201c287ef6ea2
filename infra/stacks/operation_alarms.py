"""The alarms about calls to Stripe that are made later: their queue, run_operation."""

from infra.stacks.watch import Watch, as_before, counted, errors, lying, oldest, throttles

OPERATION_ALARMS = (
    Watch(
        name="operations-dead-letters",
        pages=True,
        says="A call to Stripe was given up: what a caller was promised may not be done.",
        metric=lying(lambda service: service.operations.operations.dead_letters),
        when_missing=as_before,
    ),
    Watch(
        name="operations-oldest-message",
        pages=True,
        says="Operations wait too long in the queue: run_operation is too slow, or does not run.",
        metric=oldest(lambda service: service.operations.operations.queue),
        when_missing=as_before,
        at_least=lambda stage: stage.alarms.oldest_message_seconds,
    ),
    Watch(
        name="operation-errors",
        pages=False,
        says="run_operation crashes or is killed: its operation comes back.",
        metric=errors(lambda service: service.operations.run_operation),
        at_least=lambda stage: stage.alarms.processor_errors,
    ),
    Watch(
        name="operation-throttles",
        pages=False,
        says="Lambda does not start run_operation: operations wait for the account's concurrency.",
        metric=throttles(lambda service: service.operations.run_operation),
        at_least=lambda stage: stage.alarms.throttles,
    ),
    Watch(
        name="dead-operations",
        pages=False,
        says="The ledger holds a call that was given up.",
        metric=counted("DeadEvents", "run_operation"),
    ),
)
