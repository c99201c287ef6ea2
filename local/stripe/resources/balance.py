"""Balance and balance transactions: docs.stripe.com/api/balance_transactions."""

from collections import Counter

from local.stripe.call import Call
from local.stripe.listing import listed, same
from local.stripe.router import route
from local.stripe.shapes import Json

KIND = "balance_transaction"


@route("GET", "/v1/balance")
def retrieve_balance(call: Call) -> Json:
    """What the account holds, by currency; everything is still pending."""
    sums: Counter[str] = Counter()
    for entry in call.store.oldest(KIND):
        sums[entry["currency"]] += entry["net"]
    pending = [
        {"amount": total, "currency": currency, "source_types": {"card": total}}
        for currency, total in sums.items()
    ]
    return {
        "object": "balance",
        "available": [],
        "livemode": call.account.livemode,
        "pending": pending,
    }


@route("GET", "/v1/balance_transactions")
def index(call: Call) -> Json:
    """Balance transactions, newest first."""
    return listed(call, KIND, same(call, "currency", "source", "type"))


@route("GET", "/v1/balance_transactions/{id}")
def retrieve(call: Call) -> Json:
    """One balance transaction."""
    return call.named(KIND, "id")
