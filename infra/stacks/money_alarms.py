"""The alarms about money that went another way than it should."""

from aws_cdk import aws_cloudwatch as cloudwatch

from infra.stacks.service import Service
from infra.stacks.watch import (
    HOUR,
    OF_INTENTS,
    QUARTER_HOUR,
    Watch,
    counted,
    everywhere,
)


def _failure_percent(service: Service) -> cloudwatch.IMetric:
    """Of the payments that ended, how many failed; 0 while there are too few to say.

    Each change is told once, so that is where they are counted, whoever made it.
    """
    floor = service.stage_settings.alarms.payments_floor
    return cloudwatch.MathExpression(
        expression=(
            f"IF(FILL(failed, 0) + FILL(paid, 0) >= {floor},"
            " 100 * FILL(failed, 0) / (FILL(failed, 0) + FILL(paid, 0)), 0)"
        ),
        using_metrics={
            "paid": counted("PaymentsPaid", "publish_changes", period=QUARTER_HOUR)(service),
            "failed": counted("PaymentsFailed", "publish_changes", period=QUARTER_HOUR)(service),
        },
        period=QUARTER_HOUR,
        label="payments that failed, %",
    )


MONEY_ALARMS = (
    Watch(
        name="payment-failures",
        pages=True,
        says="Most payments fail: the checkout, the payment methods, or somebody who tests cards.",
        metric=_failure_percent,
        at_least=lambda stage: stage.alarms.payment_failures_percent,
    ),
    Watch(
        name="foreign-events",
        pages=False,
        says="Many events are about nothing of this stage: who else uses the account at Stripe?",
        metric=counted("EventsForeign", "apply_event", period=HOUR),
        at_least=lambda stage: stage.alarms.foreign_events,
    ),
    Watch(
        name="intent-mismatch",
        pages=True,
        says="Stripe answered with another intent than the payment has.",
        metric=counted("IntentMismatch", "payments_api"),
    ),
    Watch(
        name="dispute-opened",
        pages=False,
        says="A shopper disputes a payment with the bank: it must be answered in time, or is lost.",
        metric=counted("DisputesOpened", "apply_event"),
    ),
    Watch(
        name="fraud-warned",
        pages=False,
        says="A card network warns that a payment may be fraud: a dispute is likely to follow.",
        metric=counted("FraudWarnings", "apply_event"),
    ),
    *everywhere(
        "paid-twice",
        "a second intent of one payment succeeded: a customer paid twice.",
        "PaidTwice",
        folders=OF_INTENTS,
        pages=True,
    ),
    *everywhere(
        "amount-mismatch",
        "Stripe took another amount or currency than we asked.",
        "AmountMismatch",
        folders=OF_INTENTS,
        pages=True,
    ),
    *everywhere(
        "paid-and-canceled",
        "Stripe calls one payment both paid and canceled.",
        "PaidAndCanceled",
        folders=OF_INTENTS,
        pages=True,
    ),
)
