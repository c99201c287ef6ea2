"""What our functions asked of the stand-in Stripe, as it saw it."""

from typing import Any

from local.shop import Shop


def ours(shop: Shop) -> list[dict[str, Any]]:
    """Every request with a restricted key: a shop's own library calls come with its secret key."""
    seen = shop.control("GET", "requests")
    assert seen["total"] == len(seen["data"]), "more was asked than the stand-in remembers"
    return [asked for asked in seen["data"] if asked["key"] == "rk"]


def misplaced_keys(shop: Shop) -> list[str]:
    """POSTs without an idempotency key, and whatever else had one (design 3.3); none is right."""
    return [
        f"{asked['method']} {asked['path']}: {asked['idempotency_key']}"
        for asked in ours(shop)
        if (asked["method"] == "POST") != bool(asked["idempotency_key"])
    ]
