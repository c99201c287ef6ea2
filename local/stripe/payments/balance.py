"""Balance transactions: what a charge, a refund or a dispute moves, and Stripe's fee."""

from local.stripe.accounts import Account
from local.stripe.identifiers import new_id
from local.stripe.shapes import Json
from local.stripe.spec.skeletons import skeleton

# Stripe's list price for cards in the United States: 2.9 % and 30 cents.
_FEE_PER_MILLE = 29
_FEE_FIXED = 30
_AVAILABLE_SECONDS = 2 * 24 * 3600


def entry(
    account: Account, *, amount: int, currency: str, kind: str, source: str, fee: int = 0
) -> Json:
    """A balance transaction, kept in the account."""
    now = account.clock.now()
    details = []
    if fee:
        details.append(
            {
                "amount": fee,
                "application": None,
                "currency": currency,
                "description": "Stripe processing fees",
                "type": "stripe_fee",
            }
        )
    return account.store.add(
        skeleton(
            "balance_transaction",
            id=new_id("balance_transaction"),
            amount=amount,
            available_on=now + _AVAILABLE_SECONDS,
            balance_type="payments",
            created=now,
            currency=currency,
            fee=fee,
            fee_details=details,
            net=amount - fee,
            reporting_category="dispute" if kind == "adjustment" else kind,
            source=source,
            status="pending",
            type=kind,
        )
    )


def fee_for(amount: int) -> int:
    """Stripe's fee for a card charge."""
    return amount * _FEE_PER_MILLE // 1000 + _FEE_FIXED
