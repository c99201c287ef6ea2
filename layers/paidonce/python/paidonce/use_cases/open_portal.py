"""Open the portal where a customer manages cards and subscriptions; its URL is never kept."""

from collections.abc import Callable
from dataclasses import dataclass

from paidonce.domain.caller import Caller
from paidonce.domain.customer import Customer
from paidonce.domain.errors import IdempotencyConflict, OutcomeUnknown, StateConflict
from paidonce.domain.moment import iso
from paidonce.domain.request import Request, request_id
from paidonce.domain.stripe_call import StripeCall
from paidonce.use_cases.carry_out import CarryOut, Ended
from paidonce.use_cases.make_customer import customer_seen_by
from paidonce.use_cases.ports import TimeLeft
from paidonce.use_cases.take_payment import KEY_IS_FRESH_SECONDS

_PATH = "/v1/billing_portal/sessions"
_ROUTE = "POST /portal-sessions"


@dataclass(frozen=True, kw_only=True)
class PortalRequest:
    """One request for a portal session, checked. `return_url` is where its page leads back to."""

    caller: Caller
    idempotency_key: str
    body_hash: str
    customer_id: str
    return_url: str

    def recorded(self, *, user_id: str | None, at: str) -> Request:
        """The request before Stripe is asked (docs.stripe.com/api/customer_portal/sessions)."""
        name = request_id(self.caller, _ROUTE, self.idempotency_key)
        return Request(
            id=name,
            kind="portal",
            user_id=user_id,
            created_at=at,
            updated_at=at,
            call=StripeCall(
                kind="portal",
                idempotency_key=f"{name}_a1",
                path=_PATH,
                # A portal session takes no metadata.
                params={"customer": self.customer_id, "return_url": self.return_url},
                body_hash=self.body_hash,
            ),
        )


@dataclass(frozen=True, kw_only=True)
class Session:
    """A page at Stripe; both None while Stripe's answer is not known."""

    how: Ended
    id: str | None = None
    url: str | None = None


@dataclass(frozen=True, kw_only=True)
class OpenPortal:
    """The verb behind POST /portal-sessions."""

    carry_out: CarryOut
    check_key: Callable[[], object]

    def __call__(
        self, wanted: PortalRequest, *, correlation_id: str, time_left: TimeLeft
    ) -> Session:
        """The session and its URL.

        Raises NotFound, NotConfigured, KeyRefused, IdempotencyConflict, StateConflict,
        StripeRefused, TryAgain.
        """
        do = self.carry_out
        customer = customer_seen_by(wanted.caller, do.requests.get(wanted.customer_id, Customer))
        self.check_key()
        request = do.requests.open(
            wanted.recorded(user_id=customer.user_id, at=iso(do.clock.now()))
        )
        if request.call.body_hash != wanted.body_hash:
            raise IdempotencyConflict("This Idempotency-Key came before with another body.")
        how = Ended.MADE if request.is_open or request.is_refused else Ended.REPEATED
        try:
            return self._opened(
                do.revived(request), how, correlation_id=correlation_id, time_left=time_left
            )
        except OutcomeUnknown as error:
            # Nothing for `run_operation`: a session is worth nothing without its caller.
            do.telemetry.count("RequestsOutcomeUnknown")
            do.telemetry.fault(
                "outcome unknown", error, request=request.id, correlation_id=correlation_id
            )
            return Session(how=Ended.NOT_KNOWN_YET)

    def _opened(
        self, request: Request, how: Ended, *, correlation_id: str, time_left: TimeLeft
    ) -> Session:
        do = self.carry_out
        answer = None
        if request.is_open:
            request, answer = do(request, time_left=time_left)
            if answer is not None:
                request = do.note(request, answer, made=None, correlation_id=correlation_id)
        if answer is None:
            # There is no GET of a portal session: Stripe gives its first answer again.
            if do.clock.now() - (request.call.first_tried_at or 0) >= KEY_IS_FRESH_SECONDS:
                raise StateConflict("This session is over: ask for another with a new key.")
            answer = do.gateway.send(request.call, time_left=time_left)
        found = answer.seen.object
        return Session(how=how, id=found["id"], url=found["url"])
