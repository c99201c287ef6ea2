"""The paused status: why it began, and how it ends."""

from local.stripe.accounts import Account
from local.stripe.shapes import Json


def pause(account: Account, subscription: Json, reason: str) -> None:
    """No service and no invoices until it is resumed."""
    subscription["status"] = "paused"
    subscription["status_details"] = {
        "paused": {
            "subscription": {"type": reason},
            "transitioned_at": account.now_for(subscription["customer"]),
            "type": "subscription",
        }
    }
    account.emit("customer.subscription.paused", subscription)
    account.emit_update("customer.subscription.updated", subscription)


def resume(account: Account, subscription: Json) -> None:
    """Active again."""
    subscription.update(status="active", status_details=None)
    subscription.pop("_resumes_with", None)
    account.emit("customer.subscription.resumed", subscription)
