"""Begin a subscription: record first, call Stripe second, note the answer third."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from paidonce.domain.caller import ANY_SUBSCRIPTION, Caller
from paidonce.domain.customer import Customer
from paidonce.domain.errors import (
    CardDeclined,
    IdempotencyConflict,
    KeyRefused,
    NotConfigured,
    OutcomeUnknown,
    TryAgain,
)
from paidonce.domain.moment import iso
from paidonce.domain.ownership import ATTEMPT_MARK, REQUEST_MARK, STAGE_MARK, USER_MARK
from paidonce.domain.request import Request, request_id
from paidonce.domain.stripe_call import StripeCall
from paidonce.domain.subscription import Subscription, begun, client_secret_of
from paidonce.use_cases.carry_out import CarryOut, Ended, Made
from paidonce.use_cases.make_customer import customer_seen_by
from paidonce.use_cases.ports import TimeLeft
from paidonce.use_cases.stripe_ports import Answer

SUBSCRIPTIONS_PATH = "/v1/subscriptions"
_ROUTE = "POST /subscriptions"
# What an answer must show whole: the invoice's state and what a browser confirms it with (since
# 2025-03-31.basil), and the card's set-up where a trial comes first.
EXPANDED = ("latest_invoice.confirmation_secret", "pending_setup_intent")


@dataclass(frozen=True, kw_only=True)
class SubscriptionRequest:
    """One request for a subscription, checked. `lines`: (price id, quantity)."""

    caller: Caller
    idempotency_key: str
    body_hash: str
    customer_id: str
    lines: Sequence[tuple[str, int]]
    trial_days: int | None = None

    def recorded(self, customer: Customer, *, stage: str, at: str) -> Request:
        """The request before Stripe is asked (docs.stripe.com/api/subscriptions/create)."""
        name = request_id(self.caller, _ROUTE, self.idempotency_key)
        trial = {} if self.trial_days is None else {"trial_period_days": self.trial_days}
        marks = {
            STAGE_MARK: stage,
            REQUEST_MARK: name,
            ATTEMPT_MARK: "1",
            **({USER_MARK: customer.user_id} if customer.user_id else {}),
        }
        return Request(
            id=name,
            kind="subscription",
            user_id=customer.user_id,
            created_at=at,
            updated_at=at,
            call=StripeCall(
                kind="subscription",
                idempotency_key=f"{name}_a1",
                path=SUBSCRIPTIONS_PATH,
                params={
                    "customer": customer.id,
                    "items": [{"price": p, "quantity": q} for p, q in self.lines],
                    # The first payment is the browser's to confirm; nothing is charged before.
                    "payment_behavior": "default_incomplete",
                    "payment_settings": {"save_default_payment_method": "on_subscription"},
                    "expand": list(EXPANDED),
                    "metadata": marks,
                    **trial,
                },
                body_hash=self.body_hash,
            ),
        )


@dataclass(frozen=True, kw_only=True)
class Subscribed:
    """The subscription as its row stands; None while Stripe's answer is not known.

    The secret is there only while there is something to confirm.
    """

    how: Ended
    subscription: Subscription | None = None
    client_secret: str | None = None


@dataclass(frozen=True, kw_only=True)
class Subscribe:
    """The verb behind POST /subscriptions."""

    carry_out: CarryOut
    check_key: Callable[[], object]

    def __call__(
        self, wanted: SubscriptionRequest, *, correlation_id: str, time_left: TimeLeft
    ) -> Subscribed:
        """The subscription of this request.

        Raises NotFound, NotConfigured, KeyRefused, IdempotencyConflict, CardDeclined,
        StripeRefused, TryAgain.
        """
        do = self.carry_out
        found = do.requests.get(wanted.customer_id, Customer)
        customer = customer_seen_by(wanted.caller, found, of_any=ANY_SUBSCRIPTION)
        self.check_key()
        at = iso(do.clock.now())
        request = do.requests.open(wanted.recorded(customer, stage=do.stage.name, at=at))
        if request.call.body_hash != wanted.body_hash:
            raise IdempotencyConflict("This Idempotency-Key came before with another body.")
        if declined := request.declined:
            raise CardDeclined(
                declined.message, stripe_code=declined.code, decline_code=declined.decline_code
            )
        how = Ended.MADE if request.is_open or request.is_refused else Ended.REPEATED
        request = do.revived(request)
        try:
            return self._subscribed(
                request, how, correlation_id=correlation_id, time_left=time_left
            )
        except (OutcomeUnknown, KeyRefused, NotConfigured) as error:
            key = request.call.idempotency_key
            do.left(request, key, error, correlation_id=correlation_id)
            return Subscribed(how=Ended.NOT_KNOWN_YET)

    def _subscribed(
        self, request: Request, how: Ended, *, correlation_id: str, time_left: TimeLeft
    ) -> Subscribed:
        do = self.carry_out
        seen: Answer | None = None
        if request.is_open:
            request, seen = self.made(request, correlation_id=correlation_id, time_left=time_left)
        row = request.made_id and do.requests.get(request.made_id, Subscription)
        if not row:
            raise OutcomeUnknown(f"{request.id} has not led to a subscription yet")
        if seen is None and not row.is_ended:
            seen = self._read(row.id, time_left)
        secret = client_secret_of(seen.seen.object) if seen else None
        return Subscribed(how=how, subscription=row, client_secret=secret)

    def made(
        self, request: Request, *, correlation_id: str, time_left: TimeLeft
    ) -> tuple[Request, Answer | None]:
        """An open request once it has ended, as `CarryOut` ends it; for `run_operation` too."""
        do = self.carry_out
        request, seen = do(request, time_left=time_left)
        if seen is None:
            return request, None
        # A stored answer shows the state of the first call: much may have happened since.
        seen = self._read(seen.seen.object["id"], time_left) if seen.replayed else seen
        at = iso(do.clock.now())
        nothing = replace(begun(seen.seen.object, at), user_id=request.user_id)
        shown = nothing.shown(seen.seen.object).known_until(seen.seen)
        made = Made(before=nothing, after=shown.written(at=at))
        return do.note(request, seen, made=made, correlation_id=correlation_id), seen

    def _read(self, subscription_id: str, time_left: TimeLeft) -> Answer:
        """What is made but cannot be shown whole is one to ask for again, too."""
        try:
            return self.carry_out.gateway.get(
                "subscription", subscription_id, time_left=time_left, expand=EXPANDED
            )
        except (KeyRefused, NotConfigured, OutcomeUnknown):
            raise
        except TryAgain as error:
            raise OutcomeUnknown(f"{subscription_id} cannot be read now") from error
