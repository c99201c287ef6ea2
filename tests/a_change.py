"""Ledger rows with something to tell."""

from typing import Any

from paidonce.domain.ledger import DomainEvent, LedgerRow, Outcome

from tests.examples import a_payment


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
