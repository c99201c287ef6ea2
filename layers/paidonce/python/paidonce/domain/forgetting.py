"""What is left of a person's rows once the person is forgotten: money, states and ids.

An order's and a user's claim keep the user id in their keys: they are what stops a second charge,
and once the user is gone from the shop's own tables that id leads to nobody.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from paidonce.domain.customer import Customer
from paidonce.domain.ledger import LedgerRow
from paidonce.domain.payment import Band, Payment
from paidonce.domain.request import Request
from paidonce.domain.stripe_call import CallState, StripeCall

# Of an object's view, as the API and the bus show it: who it is about.
_OF_A_VIEW = ("user_id", "email", "name")
# Of a request to Stripe that was made: the words that a shop may have put a person into.
_OF_A_REQUEST = frozenset({"metadata", "description", "email", "name", "customer_email"})


def why_not_yet(payment: Payment) -> str | None:
    """Why a payment cannot be forgotten now: what is still to be asked of Stripe needs its words.

    None when nothing stands in the way.
    """
    if payment.status.band is not Band.FINAL:
        return f"{payment.id} is {payment.status.value}: cancel it, or wait until it is over"
    calls = [*payment.calls, *(refund.call for refund in payment.refunds if refund.call)]
    if any(call.state is CallState.OPEN for call in calls):
        return f"{payment.id} has a call to Stripe whose outcome is not known: wait for it"
    return None


def forgotten_payment(payment: Payment) -> Payment:
    """Without user, description, metadata, and the words of calls that are over."""
    refunds = (replace(r, call=r.call and _forgotten_call(r.call)) for r in payment.refunds)
    return replace(
        payment,
        user_id=None,
        description=None,
        metadata={},
        # Never sent again: the payment has its intent.
        creation=replace(payment.creation, params={}),
        calls=tuple(_forgotten_call(call) for call in payment.calls),
        refunds=tuple(refunds),
    )


def forgotten_customer(customer: Customer) -> Customer:
    """Of a customer that is deleted at Stripe: no more than that there was one."""
    return replace(customer.gone(), user_id=None)


def forgotten_request(request: Request) -> Request:
    """Of a request that is over: its key and what came of it."""
    return replace(request, user_id=None, call=_forgotten_call(request.call))


def forgotten_row(row: LedgerRow) -> LedgerRow:
    """The same decision; its domain events show nobody."""
    events = (replace(event, object=_forgotten_view(event.object)) for event in row.domain_events)
    return replace(row, domain_events=tuple(events))


def _forgotten_view(view: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: None if name in _OF_A_VIEW else value for name, value in view.items()}


def _forgotten_call(call: StripeCall) -> StripeCall:
    kept = {name: value for name, value in call.params.items() if name not in _OF_A_REQUEST}
    return replace(call, params=kept)
