"""Discounts: a coupon given to a customer, a subscription or an invoice."""

from local.stripe.accounts import Account
from local.stripe.billing.intervals import later
from local.stripe.call import found
from local.stripe.identifiers import new_id
from local.stripe.shapes import Json
from local.stripe.spec.skeletons import skeleton

_MONTHLY = {"interval": "month", "interval_count": 1}


def given(account: Account, coupon_id: str, *, code: str | None = None, **owner: str) -> Json:
    """A new discount from a coupon, for its owner (`customer`, `subscription`, …)."""
    present = found(account, "coupon", coupon_id, param="coupon", status=400)
    coupon = account.store.edit("coupon", present["id"])
    coupon["times_redeemed"] += 1
    start = account.now_for(owner.get("customer"))
    months = coupon["duration_in_months"]
    discount = skeleton(
        "discount",
        id=new_id("discount"),
        end=later(start, _MONTHLY, times=months) if months else None,
        promotion_code=code,
        source={"coupon": coupon["id"], "type": "coupon"},
        start=start,
        **owner,
    )
    return account.store.add(discount)


def from_params(account: Account, wanted: list[Json] | str | None, **owner: str) -> list[str]:
    """Ids of the discounts that a `discounts` parameter asks for."""
    ids: list[str] = []
    for each in wanted if isinstance(wanted, list) else []:
        code_id = each.get("promotion_code")
        if each.get("discount"):
            present = found(account, "discount", each["discount"], param="discounts", status=400)
            ids.append(present["id"])
        elif code_id:
            code = found(account, "promotion_code", code_id, param="discounts", status=400)
            coupon_id = code["promotion"]["coupon"]
            account.store.edit("promotion_code", code["id"])["times_redeemed"] += 1
            ids.append(given(account, coupon_id, code=code["id"], **owner)["id"])
        else:
            ids.append(given(account, each.get("coupon", ""), **owner)["id"])
    return ids


def amount_off(account: Account, discount_id: str, subtotal: int, now: int) -> int:
    """What a discount takes off a sum."""
    discount = account.store.find("discount", discount_id)
    if discount is None or (discount["end"] or now + 1) <= now:
        return 0
    coupon = account.store.find("coupon", discount["source"]["coupon"])
    if coupon is None:
        return 0
    if coupon["percent_off"] is not None:
        return min(round(subtotal * float(coupon["percent_off"]) / 100), subtotal)
    return int(min(coupon["amount_off"], subtotal))
