"""Ledger rows with something to tell, and how a consumer hears of it."""

import json
from typing import Any

from paidonce.domain.announcement import Announcement, announcements_of
from paidonce.domain.ledger import DomainEvent, LedgerRow, Outcome
from paidonce.domain.payment import Payment

from tests.examples import STAGE, a_payment


def a_domain_event(event_type: str = "payment.paid", **changes: Any) -> DomainEvent:
    """The third version of pay_1 was told."""
    values: dict[str, Any] = {
        "id": f"pay_1.3.{event_type}",
        "type": event_type,
        "version": 3,
        "occurred_at": "2026-09-21T14:13:20.000Z",
        "object": a_payment(version=3).view(),
    }
    return DomainEvent(**(values | changes))


def a_told_row(*events: DomainEvent, **changes: Any) -> LedgerRow:
    """A row that was decided with these domain events; without any, the one above."""
    values: dict[str, Any] = {
        "event_id": "evt_1",
        "event_type": "payment_intent.succeeded",
        "outcome": Outcome.APPLIED,
        "livemode": False,
        "decided_at": "2026-09-21T14:13:21.000Z",
        "aggregate_id": "pay_1",
        "correlation_id": "cor-1",
        "domain_events": events or (a_domain_event(),),
    }
    return LedgerRow(**(values | changes))


def a_warning(payment: Payment, **changes: Any) -> Announcement:
    """`fraud.warned` of this payment, as its rule tells it."""
    warning = {"id": "issfr_1", "fraud_type": "made_with_stolen_card", "actionable": True}
    warning |= {"charge": payment.charge_id} | changes
    event = a_domain_event(
        "fraud.warned",
        id=f"{payment.id}.{payment.version}.fraud.warned.{warning['id']}",
        version=payment.version,
        object=payment.view() | {"fraud_warning": warning},
    )
    return announcements_of(a_told_row(event), STAGE)[0]


def an_envelope(told: Announcement) -> str:
    """A domain event as EventBridge gives it to a rule's target."""
    return json.dumps(
        {
            "version": "0",
            "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
            "detail-type": told.type,
            "source": told.source,
            "account": "123456789012",
            "time": "2026-09-21T14:13:22Z",
            "region": "us-east-1",
            "resources": [],
            "detail": json.loads(told.detail),
        }
    )
