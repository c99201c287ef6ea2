"""What a caller asks for when they ask for a payment, and the names that follow from it.

Every name is made from the request alone, so a repeat after any crash finds what was begun.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from paidonce.domain.caller import Caller
from paidonce.domain.fingerprint import fingerprint
from paidonce.domain.money import Money
from paidonce.domain.ownership import (
    ATTEMPT_MARK,
    CORRELATION_MARK,
    ORDER_MARK,
    PAYMENT_MARK,
    STAGE_MARK,
    USER_MARK,
)
from paidonce.domain.payment import Creation, Payment
from paidonce.domain.price import Item

_ROUTE = "POST /payments"


@dataclass(frozen=True, kw_only=True)
class PaymentRequest:
    """One request for a payment, checked. `user_id` is whom it is for, None for nobody of ours.

    `body_hash` names the body as it was sent. `capture` is `automatic` or `manual`. `money` is None
    while it is to be computed from `items`, which are empty where the caller named an amount.
    """

    caller: Caller
    idempotency_key: str
    body_hash: str
    order_id: str
    money: Money | None
    items: tuple[Item, ...] = ()
    user_id: str | None = None
    customer_id: str | None = None
    capture: str = "automatic"
    description: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)

    @property
    def payment_id(self) -> str:
        """Ours, the same for every repeat: 128 bits of the caller, the route and their key."""
        caller = self.caller
        name = fingerprint(caller.issuer, caller.subject, _ROUTE, self.idempotency_key)
        return f"pay_{name[:32]}"

    @property
    def claim_id(self) -> str:
        """The item that only one payment of the order can hold: the user's, or the caller's own."""
        owner = self.caller.subject if self.user_id is None else self.user_id
        return order_claim(owner=owner, order_id=self.order_id)

    def priced(self, money: Money) -> "PaymentRequest":
        """The same request, once it is known what its items come to."""
        return replace(self, money=money)

    @property
    def amount(self) -> Money:
        """What is charged; raises ValueError while the items were not added up."""
        if self.money is None:
            raise ValueError("it is not known yet what the items come to")
        return self.money

    @property
    def content_hash(self) -> str:
        """What is charged, to whom and how; notes (description, metadata) change no order."""
        items = [asdict(item) for item in self.items]
        return fingerprint(
            self.order_id,
            self.amount.minor,
            self.amount.currency,
            self.user_id,
            self.customer_id,
            self.capture,
            # A release before prices wrote no items: a hash without them stays the same.
            *([items] if items else []),
        )

    def recorded(self, *, stage: str, at: str, correlation_id: str) -> Payment:
        """The payment as it is written before Stripe is asked, with the exact request to come."""
        payment_id, attempt = self.payment_id, 1
        return Payment(
            id=payment_id,
            order_id=self.order_id,
            user_id=self.user_id,
            money=self.amount,
            items=self.items,
            created_at=at,
            updated_at=at,
            capture=self.capture,
            description=self.description,
            metadata=dict(self.metadata),
            customer_id=self.customer_id,
            creation=Creation(
                attempt=attempt,
                idempotency_key=f"{payment_id}_a{attempt}",
                params=self._params(stage=stage, attempt=attempt, correlation_id=correlation_id),
                body_hash=self.body_hash,
                content_hash=self.content_hash,
            ),
        )

    def _params(self, *, stage: str, attempt: int, correlation_id: str) -> dict[str, Any]:
        """https://docs.stripe.com/api/payment_intents/create, with our marks (design 2.2)."""
        optional = {
            "capture_method": "manual" if self.capture == "manual" else None,
            "customer": self.customer_id,
            "description": self.description,
        }
        return {
            "amount": self.amount.minor,
            "currency": self.amount.currency,
            "automatic_payment_methods": {"enabled": True},
            "metadata": {
                **self.metadata,
                STAGE_MARK: stage,
                PAYMENT_MARK: self.payment_id,
                ORDER_MARK: self.order_id,
                ATTEMPT_MARK: str(attempt),
                CORRELATION_MARK: correlation_id,
                **({USER_MARK: self.user_id} if self.user_id else {}),
            },
            **{name: value for name, value in optional.items() if value is not None},
        }


def order_claim(*, owner: str, order_id: str) -> str:
    """`order#<user id>#<order id>`; a `#` inside either is escaped, so no two orders share one."""
    return f"order#{_escaped(owner)}#{_escaped(order_id)}"


def _escaped(word: str) -> str:
    return word.replace("%", "%25").replace("#", "%23")
