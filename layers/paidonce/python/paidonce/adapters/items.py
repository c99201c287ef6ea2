"""Payments, ledger rows, pointers and claims as DynamoDB items (api.md section 2), and back.

Free-form values (the request's parameters, metadata, domain events) are JSON text: exactly what was
given, with no decimals in the way. Items of other schema numbers are read too: what is missing gets
its default, what is unknown stays in the payment and is written back.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

from paidonce.domain.dispute import Dispute, DisputeStatus
from paidonce.domain.fraud_warning import FraudWarning
from paidonce.domain.ledger import DomainEvent, LedgerRow, Outcome
from paidonce.domain.money import Money
from paidonce.domain.payment import INTENTS_PATH, Creation, LastError, Payment, PaymentStatus
from paidonce.domain.price import Item as PricedItem
from paidonce.domain.refund import Refund, RefundStatus
from paidonce.domain.stripe_call import CallState, StripeCall
from paidonce.use_cases.ports import Pointer

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

    Item = dict[str, AttributeValueTypeDef]
else:
    Item = dict

SCHEMA = 1

_to_dynamodb = TypeSerializer().serialize
_from_dynamodb = TypeDeserializer().deserialize

# Attributes of a payment's item; whatever else stands in it was written by a newer release.
_PAYMENT_ATTRIBUTES = frozenset(
    {
        "id",
        "schema",
        "order_id",
        "user_id",
        "amount_minor",
        "currency",
        "created_at",
        "updated_at",
        "attempt",
        "idempotency_key",
        "params",
        "body_hash",
        "content_hash",
        "first_tried_at",
        "last_tried_at",
        "key_is_spent",
        "creation_path",
        "status",
        "capture",
        "description",
        "metadata",
        "payment_intent_id",
        "checkout_session_id",
        "charge_id",
        "amount_captured_minor",
        "customer_id",
        "items",
        "last_error",
        "refunds",
        "disputes",
        "fraud_warnings",
        "calls",
        "cancel_requested",
        "as_of_from",
        "as_of",
        "version",
        "open",
    }
)


def values(**named: object) -> Item:
    """Values of an expression: `values(old=1)` is what `:old` stands for."""
    return {f":{name}": _to_dynamodb(value) for name, value in named.items()}


def key(name: str, value: str) -> Item:
    """A table's key."""
    return {name: {"S": value}}


def open_marker(partition: str) -> str:
    """What an open payment's row carries: its partition of the index over them."""
    return f"open#{partition}"


def _partition_of(item_id: str) -> str:
    """One of sixteen, as the ledger's markers are spread."""
    return hashlib.sha256(item_id.encode()).hexdigest()[0]


def payment_item(payment: Payment) -> Item:
    """The whole row of a payment."""
    creation = payment.creation
    known = {
        "id": payment.id,
        "schema": SCHEMA,
        "order_id": payment.order_id,
        "user_id": payment.user_id,
        "amount_minor": payment.money.minor,
        "currency": payment.money.currency,
        "created_at": payment.created_at,
        "updated_at": payment.updated_at,
        # The creation's attributes stand at the top, where conditions and updates name them.
        "attempt": creation.attempt,
        "idempotency_key": creation.idempotency_key,
        "params": _to_json(creation.params),
        "body_hash": creation.body_hash,
        "content_hash": creation.content_hash,
        "first_tried_at": creation.first_tried_at,
        "last_tried_at": creation.last_tried_at,
        "key_is_spent": creation.is_spent or None,
        "creation_path": None if creation.path == INTENTS_PATH else creation.path,
        "status": payment.status.value,
        "capture": payment.capture,
        "description": payment.description,
        "metadata": _to_json(payment.metadata),
        "payment_intent_id": payment.payment_intent_id,
        "checkout_session_id": payment.checkout_session_id,
        "charge_id": payment.charge_id,
        "amount_captured_minor": payment.amount_captured_minor,
        "customer_id": payment.customer_id,
        "items": _to_json([asdict(i) for i in payment.items]) if payment.items else None,
        "last_error": payment.last_error and asdict(payment.last_error),
        "refunds": _to_json([asdict(r) for r in payment.refunds]) if payment.refunds else None,
        "disputes": _to_json([asdict(d) for d in payment.disputes]) if payment.disputes else None,
        "fraud_warnings": _to_json([asdict(w) for w in payment.fraud_warnings])
        if payment.fraud_warnings
        else None,
        "calls": _to_json([asdict(c) for c in payment.calls]) if payment.calls else None,
        "cancel_requested": payment.cancel_requested or None,
        "as_of_from": payment.as_of_from,
        "as_of": payment.as_of,
        "version": payment.version,
        # Sparse: only while something may still be left to do, the index `open` finds it.
        "open": open_marker(_partition_of(payment.id)) if payment.is_open else None,
    }
    unknown = {name: _to_dynamodb(value) for name, value in payment.unknown.items()}
    return unknown | without_none(known)


def read_payment(item: Mapping[str, Any]) -> Payment:
    """The payment of an item, whatever its schema number."""
    found = values_of(item)
    error = found.get("last_error")
    return Payment(
        id=found["id"],
        order_id=found["order_id"],
        user_id=found.get("user_id"),
        money=Money(int(found["amount_minor"]), found["currency"]),
        created_at=found["created_at"],
        updated_at=found["updated_at"],
        creation=Creation(
            attempt=int(found["attempt"]),
            idempotency_key=found["idempotency_key"],
            params=_from_json(found.get("params")),
            body_hash=found["body_hash"],
            content_hash=found["content_hash"],
            first_tried_at=_whole(found.get("first_tried_at")),
            last_tried_at=_whole(found.get("last_tried_at")),
            is_spent=bool(found.get("key_is_spent", False)),
            path=found.get("creation_path", INTENTS_PATH),
        ),
        status=PaymentStatus(found["status"]),
        capture=found.get("capture", "automatic"),
        description=found.get("description"),
        metadata=_from_json(found.get("metadata")),
        payment_intent_id=found.get("payment_intent_id"),
        checkout_session_id=found.get("checkout_session_id"),
        charge_id=found.get("charge_id"),
        amount_captured_minor=int(found.get("amount_captured_minor", 0)),
        customer_id=found.get("customer_id"),
        items=tuple(PricedItem(**stored) for stored in json.loads(found.get("items", "[]"))),
        last_error=None
        if error is None
        else LastError(
            code=error.get("code"), decline_code=error.get("decline_code"), message=error["message"]
        ),
        refunds=tuple(_refund(stored) for stored in json.loads(found.get("refunds", "[]"))),
        disputes=tuple(_dispute(stored) for stored in json.loads(found.get("disputes", "[]"))),
        fraud_warnings=tuple(
            FraudWarning(**_fields_of(FraudWarning, stored))
            for stored in json.loads(found.get("fraud_warnings", "[]"))
        ),
        calls=tuple(read_call(stored) for stored in json.loads(found.get("calls", "[]"))),
        cancel_requested=bool(found.get("cancel_requested", False)),
        as_of_from=_whole(found.get("as_of_from")),
        as_of=_whole(found.get("as_of")),
        version=int(found["version"]),
        unknown={k: v for k, v in found.items() if k not in _PAYMENT_ATTRIBUTES},
    )


def _refund(stored: Mapping[str, Any]) -> Refund:
    call = stored.get("call")
    known = _fields_of(Refund, stored)
    return Refund(
        **known | {"status": RefundStatus(stored["status"]), "call": call and read_call(call)}
    )


def _dispute(stored: Mapping[str, Any]) -> Dispute:
    known = _fields_of(Dispute, stored)
    return Dispute(**known | {"status": DisputeStatus(stored["status"])})


def _fields_of(kind: type[Any], stored: Mapping[str, Any]) -> dict[str, Any]:
    """What this release knows of a document; a newer one may have written more into it."""
    return {f.name: stored[f.name] for f in fields(kind) if f.name in stored}


def read_call(stored: Mapping[str, Any]) -> StripeCall:
    """A call as it was stored with `asdict`."""
    known = _fields_of(StripeCall, stored)
    return StripeCall(**known | {"state": CallState(stored["state"])})


def ledger_item(row: LedgerRow, *, ledger_days: int) -> Item:
    """The row of an event; it expires only when it is final and nothing is left to publish."""
    known = {
        "event_id": row.event_id,
        "schema": SCHEMA,
        "event_type": row.event_type,
        "outcome": row.outcome.value,
        "livemode": row.livemode,
        "decided_at": row.decided_at,
        "reason": row.reason,
        "created": row.created,
        "received_at": row.received_at,
        "aggregate_id": row.aggregate_id,
        "attempts": row.attempts,
        "error_class": row.error_class,
        "error_place": row.error_place,
        "request_id": row.request_id,
        "correlation_id": row.correlation_id,
        "api_version": row.api_version,
        "replay_id": row.replay_id,
        "domain_events": _to_json([asdict(event) for event in row.domain_events])
        if row.domain_events
        else None,
    }
    if row.todo:
        known |= {"todo": row.todo, "touched_at": row.decided_at}
    else:
        known |= {"expires_at": seconds_after(row.decided_at, days=ledger_days)}
    return without_none(known)


def read_ledger_row(item: Mapping[str, Any]) -> LedgerRow:
    """The ledger row of an item, whatever its schema number."""
    found = values_of(item)
    domain_events = json.loads(found.get("domain_events", "[]"))
    return LedgerRow(
        event_id=found["event_id"],
        event_type=found["event_type"],
        outcome=Outcome(found["outcome"]),
        livemode=found.get("livemode") is True,
        decided_at=found["decided_at"],
        reason=found.get("reason"),
        created=_whole(found.get("created")),
        received_at=found.get("received_at"),
        aggregate_id=found.get("aggregate_id"),
        attempts=int(found.get("attempts", 1)),
        error_class=found.get("error_class"),
        error_place=found.get("error_place"),
        request_id=found.get("request_id"),
        correlation_id=found.get("correlation_id"),
        api_version=found.get("api_version"),
        replay_id=found.get("replay_id"),
        domain_events=tuple(
            DomainEvent(
                id=event["id"],
                type=event["type"],
                version=event["version"],
                occurred_at=event["occurred_at"],
                object=event["object"],
            )
            for event in domain_events
        ),
        # A final row with domain events loses its marker when they are on the bus.
        is_published=bool(domain_events) and "todo" not in found,
    )


def outcome_of(item: Mapping[str, Any]) -> Outcome:
    """Only the outcome of a ledger item."""
    return Outcome(item["outcome"]["S"])


def pointer_item(pointer: Pointer) -> Item:
    """A pointer; only those to `foreign` expire."""
    return without_none(
        {
            "id": pointer.id,
            "schema": SCHEMA,
            "aggregate_id": pointer.aggregate_id,
            "expires_at": pointer.expires_at,
        }
    )


def read_pointer(item: Mapping[str, Any]) -> Pointer:
    """The pointer of an item."""
    found = values_of(item)
    return Pointer(
        id=found["id"],
        aggregate_id=found["aggregate_id"],
        expires_at=_whole(found.get("expires_at")),
    )


def claim_item(claim_id: str, *, payment_id: str) -> Item:
    """An order's claim."""
    return without_none({"id": claim_id, "schema": SCHEMA, "payment_id": payment_id})


def claim_holder(item: Mapping[str, Any]) -> str:
    """The payment that holds a claim."""
    return str(item["payment_id"]["S"])


def without_none(known: Mapping[str, object]) -> Item:
    """What is not None, as DynamoDB takes it."""
    return {name: _to_dynamodb(value) for name, value in known.items() if value is not None}


def values_of(item: Mapping[str, Any]) -> dict[str, Any]:
    """The reverse of `without_none`; numbers are decimals."""
    return {name: _from_dynamodb(value) for name, value in item.items()}


def _whole(value: Decimal | None) -> int | None:
    return None if value is None else int(value)


def _to_json(document: object) -> str:
    return json.dumps(document, separators=(",", ":"))


def _from_json(text: str | None) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text) if text else {}
    return found


def seconds_after(moment: str, *, days: int) -> int:
    """The time to live of what is kept so many days after a moment (ISO 8601)."""
    return int((datetime.fromisoformat(moment) + timedelta(days=days)).timestamp())
