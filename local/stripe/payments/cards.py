"""Stripe's test cards (docs.stripe.com/testing), by number, `pm_card_…` and `tok_…`."""

from dataclasses import dataclass

from local.stripe.payments import declines
from local.stripe.payments.declines import Decline


@dataclass(frozen=True, slots=True)
class TestCard:
    """What a test number does.

    `authentication`: `never`, `optional` (on request), `once` (until it was set up), `always`.
    `after`: what follows a successful charge (`dispute_fraudulent`, `early_fraud_warning`, …).
    """

    number: str
    brand: str = "visa"
    country: str = "US"
    funding: str = "credit"
    decline: Decline | None = None
    # The card can be attached to a customer, and is declined only when it is charged.
    declines_late: bool = False
    authentication: str = "never"
    after: str | None = None
    risk: str = "normal"
    cvc_check: str = "pass"
    address_check: str = "pass"

    @property
    def last4(self) -> str:
        """The last four digits."""
        return self.number[-4:]

    @property
    def declined_at_once(self) -> Decline | None:
        """The refusal when this card is to be attached to a customer, before any charge."""
        return None if self.declines_late or self.authentication != "never" else self.decline


_BRANDS = {
    "visa": TestCard("4242424242424242"),
    "visa_debit": TestCard("4000056655665556", funding="debit"),
    "mastercard": TestCard("5555555555554444", brand="mastercard"),
    "mastercard_debit": TestCard("5200828282828210", brand="mastercard", funding="debit"),
    "mastercard_prepaid": TestCard("5105105105105100", brand="mastercard", funding="prepaid"),
    "amex": TestCard("378282246310005", brand="amex"),
    "discover": TestCard("6011111111111117", brand="discover"),
    "diners": TestCard("3056930009020004", brand="diners"),
    "jcb": TestCard("3566002020360505", brand="jcb"),
    "unionpay": TestCard("6200000000000005", brand="unionpay", country="CN"),
    "br": TestCard("4000000760000002", country="BR"),
    "ca": TestCard("4000001240000000", country="CA"),
    "mx": TestCard("4000004840008001", country="MX"),
    "at": TestCard("4000000400000008", country="AT"),
    "de": TestCard("4000002760000016", country="DE"),
    "es": TestCard("4000007240000007", country="ES"),
    "fr": TestCard("4000002500000003", country="FR"),
    "gb": TestCard("4000008260000000", country="GB"),
    "in": TestCard("4000003560000008", country="IN"),
    "jp": TestCard("4000003920000003", brand="jcb", country="JP"),
    "au": TestCard("4000000360000006", country="AU"),
}

_DECLINED = {
    "chargeDeclined": TestCard("4000000000000002", decline=declines.GENERIC),
    "chargeDeclinedInsufficientFunds": TestCard(
        "4000000000009995", decline=declines.INSUFFICIENT_FUNDS
    ),
    "chargeDeclinedLostCard": TestCard("4000000000009987", decline=declines.LOST),
    "chargeDeclinedStolenCard": TestCard("4000000000009979", decline=declines.STOLEN),
    "chargeDeclinedExpiredCard": TestCard("4000000000000069", decline=declines.EXPIRED),
    "chargeDeclinedIncorrectCvc": TestCard(
        "4000000000000127", decline=declines.INCORRECT_CVC, cvc_check="fail"
    ),
    "chargeDeclinedProcessingError": TestCard(
        "4000000000000119", decline=declines.PROCESSING_ERROR
    ),
    "chargeDeclinedVelocityLimitExceeded": TestCard("4000000000006975", decline=declines.VELOCITY),
    "chargeDeclinedFraudulent": TestCard(
        "4100000000000019", decline=declines.FRAUDULENT, risk="highest"
    ),
    "chargeCustomerFail": TestCard(
        "4000000000000341", decline=declines.GENERIC, declines_late=True
    ),
    "radarBlock": TestCard("4000000000004954", decline=declines.FRAUDULENT, risk="highest"),
    "riskLevelElevated": TestCard("4000000000009235", risk="elevated"),
    "cvcCheckFail": TestCard("4000000000000101", cvc_check="fail"),
    "avsFail": TestCard("4000000000000010", address_check="fail"),
    "avsZipFail": TestCard("4000000000000036", decline=declines.INCORRECT_ZIP),
}

_AUTHENTICATED = {
    "authenticationRequiredOnSetup": TestCard("4000002500003155", authentication="once"),
    "authenticationRequired": TestCard("4000002760003184", authentication="always"),
    "authenticationRequiredSetupForOffSession": TestCard(
        "4000003800000446", authentication="setup_done"
    ),
    "authenticationRequiredChargeDeclinedInsufficientFunds": TestCard(
        "4000008260003178", authentication="always", decline=declines.INSUFFICIENT_FUNDS
    ),
    "threeDSecure2Required": TestCard("4000000000003220", authentication="always"),
    "threeDSecureRequired": TestCard("4000000000003063", authentication="always"),
    "threeDSecureRequiredChargeDeclined": TestCard(
        "4000008400001629", authentication="always", decline=declines.GENERIC
    ),
    "threeDSecureOptional": TestCard("4000000000003055", authentication="optional"),
}

_FOLLOWED = {
    "createDispute": TestCard("4000000000000259", after="dispute_fraudulent"),
    "createDisputeProductNotReceived": TestCard(
        "4000000000002685", after="dispute_product_not_received"
    ),
    "createDisputeInquiry": TestCard("4000000000001976", after="inquiry"),
    "createMultipleDisputes": TestCard("4000000404000079", after="disputes"),
    "createIssuerFraudRecord": TestCard("4000000000005423", after="early_fraud_warning"),
    "pendingRefund": TestCard("4000000000007726", after="pending_refund"),
    "refundFail": TestCard("4000000000005126", after="refund_fail"),
    "bypassPending": TestCard("4000000000000077"),
    "bypassPendingInternational": TestCard("4000003720000278"),
}

_ALIASES = {
    "visa_chargeDeclined": "chargeDeclined",
    "visa_chargeDeclinedInsufficientFunds": "chargeDeclinedInsufficientFunds",
    "visa_chargeDeclinedLostCard": "chargeDeclinedLostCard",
    "visa_chargeDeclinedStolenCard": "chargeDeclinedStolenCard",
    "visa_chargeDeclinedFraudulent": "chargeDeclinedFraudulent",
    "us": "visa",
    "disputeInquiry": "createDisputeInquiry",
}

NAMED = {**_BRANDS, **_DECLINED, **_AUTHENTICATED, **_FOLLOWED}
BY_NUMBER = {card.number: card for card in NAMED.values()}


def by_name(name: str, prefix: str) -> TestCard | None:
    """The card behind `pm_card_visa` or `tok_visa`."""
    if not name.startswith(prefix):
        return None
    short = name.removeprefix(prefix)
    return NAMED.get(_ALIASES.get(short, short))


def passes_check_digit(number: str) -> bool:
    """The Luhn check that every card number fulfils."""
    total = 0
    for place, digit in enumerate(reversed(number)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value  # noqa: PLR2004 - Luhn sums the digits
    return total % 10 == 0
