"""A subscription that takes no money yet still wants a card: its pending setup intent."""

from local.stripe.accounts import Account
from local.stripe.identifiers import new_id, random_letters
from local.stripe.payments import setups
from local.stripe.shapes import Json
from local.stripe.spec.skeletons import skeleton

KIND = "setup_intent"


def begin(account: Account, subscription: Json) -> None:
    """A trial without a card gets one to set it up with; what is billed by mail needs none."""
    customer = account.store.get("customer", subscription["customer"])
    has_card = (
        subscription["default_payment_method"]
        or customer["invoice_settings"]["default_payment_method"]
        or customer.get("default_source")
    )
    by_mail = subscription["collection_method"] == "send_invoice"
    if subscription["status"] != "trialing" or has_card or by_mail:
        return
    setup_id = new_id(KIND)
    setup = skeleton(
        KIND,
        id=setup_id,
        client_secret=f"{setup_id}_secret_{random_letters(27)}",
        created=account.now_for(customer["id"]),
        customer=customer["id"],
        livemode=account.livemode,
        metadata={},
        payment_method_options={
            "card": {
                "mandate_options": None,
                "network": None,
                "request_three_d_secure": "automatic",
            }
        },
        payment_method_types=["card"],
        status="requires_payment_method",
        usage="off_session",
    )
    account.store.add(setup)
    account.emit("setup_intent.created", setup)
    subscription["pending_setup_intent"] = setup_id


def ended(account: Account, setup: Json) -> None:
    """The card that was set up is the subscription's from then on."""
    for known in account.store.oldest("subscription"):
        if known["pending_setup_intent"] == setup["id"]:
            subscription = account.store.edit("subscription", known["id"])
            subscription["default_payment_method"] = setup["payment_method"]
            subscription["pending_setup_intent"] = None
            account.emit_update("customer.subscription.updated", subscription)


setups.AFTER_SETUP.append(ended)
