"""Items of a subscription: which price, how many, for which period."""

from local.stripe.accounts import Account
from local.stripe.billing.intervals import later
from local.stripe.call import found
from local.stripe.errors import invalid
from local.stripe.identifiers import new_id
from local.stripe.listing import envelope
from local.stripe.payments import money
from local.stripe.shapes import Json, merged_metadata, public
from local.stripe.spec.skeletons import skeleton


def new_item(account: Account, subscription: Json, wanted: Json, place: int) -> Json:
    """An item, kept; its period is set by the caller."""
    item = skeleton(
        "subscription_item",
        id=new_id("subscription_item"),
        created=account.now_for(subscription["customer"]),
        metadata=merged_metadata({}, wanted.get("metadata")),
        price=price_for(account, wanted, f"items[{place}]"),
        quantity=wanted.get("quantity", 1),
        subscription=subscription["id"],
        tax_rates=[],
    )
    item.pop("billed_until", None)
    return account.store.add(item)


def price_for(account: Account, wanted: Json, param: str) -> Json:
    """The whole price of an item, from its id or described on the spot."""
    described = wanted.get("price_data")
    if described:
        price = _described_price(account, described)
    else:
        given = wanted.get("price") or wanted.get("plan")
        if not given:
            raise invalid(
                f"Missing required param: {param}[price].",
                param=f"{param}[price]",
                code="parameter_missing",
            )
        price = found(account, "price", given, param=f"{param}[price]", status=400)
    if price["recurring"] is None:
        raise invalid(
            "The price specified is set to `type=one_time` but this field only accepts prices"
            " with `type=recurring`.",
            param=f"{param}[price]",
        )
    shown: Json = public(price)
    return shown


def of(account: Account, subscription: Json) -> list[Json]:
    """A subscription's items, the oldest first."""
    rows = account.store.oldest("subscription_item")
    return [row for row in rows if row["subscription"] == subscription["id"]]


def show(account: Account, subscription: Json) -> None:
    """Puts the items into the subscription, where Stripe shows them."""
    rows = of(account, subscription)
    subscription["items"] = envelope(
        f"/v1/subscription_items?subscription={subscription['id']}",
        [public(row) for row in rows],
        total_count=len(rows),
    )


def set_period(account: Account, subscription: Json, start: int, end: int | None = None) -> None:
    """Gives every item its period (until the trial's end, or for one interval)."""
    for row in of(account, subscription):
        item = account.store.edit("subscription_item", row["id"])
        recurring = item["price"]["recurring"]
        item["current_period_start"] = start
        item["current_period_end"] = end or later(
            start, recurring, anchor=subscription["billing_cycle_anchor"]
        )
    show(account, subscription)


def period_of(account: Account, subscription: Json) -> Json:
    """The current period: from the earliest start to the earliest end."""
    rows = of(account, subscription)
    return {
        "end": min(row["current_period_end"] for row in rows),
        "start": min(row["current_period_start"] for row in rows),
    }


def amount_of(item: Json) -> int:
    """What one period of an item costs."""
    return int((item["price"]["unit_amount"] or 0) * item.get("quantity", 1))


def _described_price(account: Account, described: Json) -> Json:
    found(account, "product", described["product"], param="price_data[product]", status=400)
    recurring = described.get("recurring")
    amount = described.get("unit_amount")
    price = skeleton(
        "price",
        id=new_id("price"),
        active=False,
        billing_scheme="per_unit",
        created=account.clock.now(),
        currency=money.checked_currency(described["currency"]),
        livemode=account.livemode,
        product=described["product"],
        recurring=None
        if not recurring
        else {
            "interval": recurring["interval"],
            "interval_count": recurring.get("interval_count", 1),
            "meter": None,
            "usage_type": "licensed",
        },
        tax_behavior="unspecified",
        type="recurring" if recurring else "one_time",
        unit_amount=amount,
        unit_amount_decimal=None if amount is None else str(amount),
    )
    return account.store.add(price)
