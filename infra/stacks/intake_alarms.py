"""The alarms about the way in: webhooks, their queue and processor, the API."""

from infra.stacks.watch import (
    FIVE_MINUTES,
    Watch,
    as_before,
    counted,
    errors,
    lying,
    oldest,
    throttles,
)

INTAKE_ALARMS = (
    Watch(
        name="dead-letters",
        pages=True,
        says="An event is in the dead letters: it was given up and nobody will try it again.",
        metric=lying(lambda service: service.webhooks.events.dead_letters),
        when_missing=as_before,
    ),
    Watch(
        name="oldest-message",
        pages=True,
        says="Events wait too long in the queue: the processor is too slow, or does not run.",
        metric=oldest(lambda service: service.webhooks.events.queue),
        when_missing=as_before,
        at_least=lambda stage: stage.alarms.oldest_message_seconds,
    ),
    Watch(
        name="receiver-errors",
        pages=True,
        says="receive_webhook crashes: Stripe is answered 500 and delivers again, for 3 days.",
        metric=errors(lambda service: service.webhooks.receive_webhook),
        at_least=lambda stage: stage.alarms.receiver_errors,
    ),
    # The receiver answers errors itself, so that their text stays out of Lambda's log.
    Watch(
        name="receiver-failed",
        pages=True,
        says="receive_webhook answers 500: a bug or a permission; Stripe delivers again.",
        metric=counted("WebhookFailed", "receive_webhook"),
    ),
    Watch(
        name="webhook-not-queued",
        pages=True,
        says="SQS does not take events: Stripe is answered 503 and delivers again, for 3 days.",
        metric=counted("WebhookNotQueued", "receive_webhook"),
    ),
    Watch(
        name="receiver-slow",
        pages=False,
        says="receive_webhook takes long: Stripe gives up after about 20 s.",
        metric=lambda service: service.webhooks.receive_webhook.function.metric_duration(
            period=FIVE_MINUTES, statistic="p99"
        ),
        at_least=lambda stage: stage.alarms.receiver_p99_ms,
    ),
    Watch(
        name="processor-errors",
        pages=False,
        says="apply_event crashes or is killed: its batch comes back, up to the queue's tries.",
        metric=errors(lambda service: service.webhooks.apply_event),
        at_least=lambda stage: stage.alarms.processor_errors,
    ),
    Watch(
        name="receiver-throttles",
        pages=True,
        says="Lambda does not start receive_webhook: Stripe is answered 5xx and delivers again.",
        metric=throttles(lambda service: service.webhooks.receive_webhook),
        at_least=lambda stage: stage.alarms.throttles,
    ),
    Watch(
        name="processor-throttles",
        pages=False,
        says="Lambda does not start apply_event: events wait for the account's concurrency.",
        metric=throttles(lambda service: service.webhooks.apply_event),
        at_least=lambda stage: stage.alarms.throttles,
    ),
    Watch(
        name="api-5xx",
        pages=True,
        says="The API answers 5xx: callers and Stripe try again, but something is broken.",
        metric=lambda service: service.way_in.api.metric_server_error(
            period=FIVE_MINUTES, statistic="Sum"
        ),
        at_least=lambda stage: stage.alarms.api_5xx,
    ),
    Watch(
        name="api-failed",
        pages=True,
        says="payments_api answers 500: a bug or a permission.",
        metric=counted("InternalErrors", "payments_api"),
    ),
    Watch(
        name="creation-too-old",
        pages=False,
        says="A payment's outcome at Stripe is unknown for longer than its key is remembered.",
        metric=counted("CreationsTooOld", "payments_api"),
    ),
    Watch(
        name="dead-events",
        pages=False,
        says="The ledger holds an event that was given up.",
        metric=counted("DeadEvents", "apply_event"),
    ),
    Watch(
        name="unknown-api-version",
        pages=False,
        says="Stripe sends events in an API version that we do not know: they are read as ours.",
        metric=counted("UnknownApiVersion", "apply_event"),
    ),
    Watch(
        name="signature-refused",
        pages=True,
        says="Webhooks fail verification: a wrong signing secret, or forged traffic.",
        metric=counted("SignatureRefused", "receive_webhook", period=FIVE_MINUTES),
        at_least=lambda stage: stage.alarms.signature_refused,
    ),
)
