"""Every error that Paid Once raises on purpose, in two branches by what the caller should do.

PaidOnceError
├── Rejected                    asking again cannot help
│   ├── InvalidRequest          invalid_request (with `fields`)
│   ├── SignatureInvalid        signature_invalid
│   ├── IdempotencyKeyMissing   idempotency_key_missing
│   ├── TooLarge                too_large
│   ├── Forbidden               forbidden
│   ├── NotFound                not_found
│   ├── IdempotencyConflict     idempotency_conflict
│   ├── OrderInProgress         order_in_progress
│   ├── StateConflict           state_conflict
│   ├── CardDeclined            card_declined: the sentence is for the shopper
│   ├── RotationRefused         rotation_refused: a secret stays as it is, an operator must act
│   └── StripeRefused           Stripe says that our request is wrong: our bug, never retried
└── TryAgain                    asking again can help
    ├── NotYetKnown             our row of the object is not there yet
    ├── ChangedMeanwhile        somebody else wrote the row between our read and our write
    ├── OutcomeUnknown          Stripe may or may not have done what we asked
    │   └── FailureStored       and will answer the same failure to every repeat of the key
    ├── KeyRefused              Stripe refuses our key (401) or its permissions (403)
    ├── NotConfigured           not_configured: a secret still holds its placeholder
    ├── IdempotencyInProgress   idempotency_in_progress
    └── SlowDown                slow_down

Anything else is a bug and crashes.
"""

from collections.abc import Mapping


class PaidOnceError(Exception):
    """Base of the tree; `code` is the stable word that callers may rely on."""

    code = "internal"


class Rejected(PaidOnceError):  # noqa: N818 - errors are facts (house.md section 4)
    """Asking again cannot help. `is_repeat`: the same request was answered the same before."""

    code = "invalid_request"
    is_repeat = False


class InvalidRequest(Rejected):
    """The request itself is wrong; `fields` says where, without repeating any value."""

    code = "invalid_request"

    def __init__(self, message: str, *, fields: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.fields = dict(fields or {})


class SignatureInvalid(Rejected):
    """The webhook was not signed by Stripe with a secret of this endpoint, or too long ago."""

    code = "signature_invalid"


class IdempotencyKeyMissing(Rejected):
    """A POST came without an Idempotency-Key of 1 to 255 characters."""

    code = "idempotency_key_missing"


class TooLarge(Rejected):
    """The body is over the limit and was not read."""

    code = "too_large"


class Forbidden(Rejected):
    """The token lacks a scope that this request needs."""

    code = "forbidden"


class NotFound(Rejected):
    """There is no such object, or it is not the caller's: the answer is the same."""

    code = "not_found"


class IdempotencyConflict(Rejected):
    """The same Idempotency-Key came before with another body."""

    code = "idempotency_conflict"


class OrderInProgress(Rejected):
    """The order has a payment with other content that is not canceled."""

    code = "order_in_progress"


class StateConflict(Rejected):
    """The object's state does not allow this."""

    code = "state_conflict"


class CardDeclined(Rejected):
    """The card was declined (402): a normal event, nobody is paged. The text is for the shopper."""

    code = "card_declined"

    def __init__(
        self, message: str, *, stripe_code: str | None = None, decline_code: str | None = None
    ) -> None:
        super().__init__(message)
        self.stripe_code = stripe_code
        self.decline_code = decline_code


class RotationRefused(Rejected):
    """A secret is not rotated: the sentence tells an operator why. AWSCURRENT is untouched."""

    code = "rotation_refused"


class StripeRefused(Rejected):
    """Stripe called our request invalid (400, 404): a bug of ours, worth an alarm at once.

    `stripe_code` and `param` are Stripe's words for what is wrong; values are never kept.
    """

    code = "invalid_request"

    def __init__(
        self,
        message: str,
        *,
        stripe_code: str | None = None,
        param: str | None = None,
        http_status: int | None = None,
    ) -> None:
        super().__init__(message)
        self.stripe_code = stripe_code
        self.param = param
        self.http_status = http_status


class TryAgain(PaidOnceError):  # noqa: N818 - errors are facts
    """Asking again can help: something outside is slow, full, contended or away."""

    code = "try_again"


class NotYetKnown(TryAgain):
    """The event is ours by its marker, but our row is not there yet."""

    code = "not_yet_known"


class ChangedMeanwhile(TryAgain):
    """A row changed between our read and our write; read again, decide again."""

    code = "changed_meanwhile"


class OutcomeUnknown(TryAgain):
    """The call to Stripe ended without an answer that can be trusted: it may have been done."""

    code = "outcome_unknown"


class FailureStored(OutcomeUnknown):
    """Stripe has stored a failure under our idempotency key: sending it again is no use."""


class KeyRefused(TryAgain):
    """Stripe refuses our key (401) or the key lacks a permission (403): an operator must act.

    `retry_after_seconds` is known while the key's breaker is open.
    """

    code = "payments_blocked"

    def __init__(
        self, message: str, *, http_status: int, retry_after_seconds: int | None = None
    ) -> None:
        super().__init__(message)
        self.http_status = http_status
        self.retry_after_seconds = retry_after_seconds


class NotConfigured(TryAgain):
    """A secret still holds the placeholder that the first deploy wrote."""

    code = "not_configured"


class IdempotencyInProgress(TryAgain):
    """The first request with this Idempotency-Key has not been answered yet."""

    code = "idempotency_in_progress"


class SlowDown(TryAgain):
    """The caller asks more often than a shopper can."""

    code = "slow_down"

    def __init__(self, message: str, *, retry_after_seconds: int) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds
