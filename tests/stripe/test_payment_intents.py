"""Payment intents through the official library."""

from collections.abc import Callable
from typing import Any

import pytest
import stripe

CARD: Any = {"amount": 2000, "currency": "usd"}
ONCE = {"confirm": True, "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"}}


def types(client: Any) -> list[str]:
    """Event types, the oldest first."""
    return [event.type for event in reversed(client.v1.events.list({"limit": 100}).data)]


def test_a_confirmed_card_payment_succeeds(client: Any) -> None:
    """Create with confirm: succeeded, a captured charge, three events in Stripe's order."""
    intent = client.v1.payment_intents.create(
        {**CARD, **ONCE, "payment_method": "pm_card_visa", "metadata": {"order": "7"}}
    )
    assert intent.status == "succeeded"
    assert intent.amount_received == 2000
    charge = client.v1.charges.retrieve(
        str(intent.latest_charge), {"expand": ["balance_transaction"]}
    )
    assert charge.captured
    assert charge.metadata.to_dict() == {"order": "7"}
    assert charge.balance_transaction.fee == 88
    assert types(client) == [
        "payment_intent.created", "charge.succeeded", "payment_intent.succeeded",
    ]  # fmt: skip


def test_capture_takes_a_part(client: Any) -> None:
    """Manual capture: authorized first, then a part is taken and the rest given back."""
    intent = client.v1.payment_intents.create(
        {**CARD, **ONCE, "payment_method": "pm_card_visa", "capture_method": "manual"}
    )
    assert (intent.status, intent.amount_capturable) == ("requires_capture", 2000)
    with pytest.raises(stripe.InvalidRequestError) as error:
        client.v1.payment_intents.capture(intent.id, {"amount_to_capture": 2001})
    assert error.value.code == "amount_too_large"
    captured = client.v1.payment_intents.capture(intent.id, {"amount_to_capture": 500})
    assert (captured.status, captured.amount_received) == ("succeeded", 500)
    assert "payment_intent.amount_capturable_updated" in types(client)
    with pytest.raises(stripe.InvalidRequestError) as again:
        client.v1.payment_intents.capture(intent.id)
    assert again.value.code == "payment_intent_unexpected_state"
    said: Any = again.value.error
    assert said.payment_intent.id == intent.id


@pytest.mark.parametrize(
    ("number", "code", "decline_code"),
    [
        ("4000000000000002", "card_declined", "generic_decline"),
        ("4000000000009995", "card_declined", "insufficient_funds"),
        ("4000000000009987", "card_declined", "lost_card"),
        ("4000000000009979", "card_declined", "stolen_card"),
        ("4000000000000069", "expired_card", "expired_card"),
        ("4000000000000127", "incorrect_cvc", "incorrect_cvc"),
        ("4000000000000119", "processing_error", "processing_error"),
        ("4000000000006975", "card_declined", "card_velocity_exceeded"),
        ("4100000000000019", "card_declined", "fraudulent"),
        ("4000000000000341", "card_declined", "generic_decline"),
    ],
)
def test_a_declined_card_says_why(client: Any, number: str, code: str, decline_code: str) -> None:
    """402 with code and decline_code; the intent keeps the error and asks for another method."""
    card = {"number": number, "exp_month": 12, "exp_year": 2040, "cvc": "123"}
    with pytest.raises(stripe.CardError) as error:
        client.v1.payment_intents.create(
            {**CARD, **ONCE, "payment_method_data": {"type": "card", "card": card}}
        )
    said: Any = error.value.error
    assert (said.code, said.decline_code) == (code, decline_code)
    intent = client.v1.payment_intents.retrieve(said.payment_intent.id)
    assert intent.status == "requires_payment_method"
    assert intent.last_payment_error is not None
    assert intent.last_payment_error.decline_code == decline_code
    assert types(client) == [
        "payment_intent.created", "charge.failed", "payment_intent.payment_failed",
    ]  # fmt: skip


def test_a_decline_is_not_the_end(client: Any) -> None:
    """After a decline the same intent succeeds with another card."""
    intent = client.v1.payment_intents.create(
        {**CARD, "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"}}
    )
    with pytest.raises(stripe.CardError):
        client.v1.payment_intents.confirm(
            intent.id, {"payment_method": "pm_card_chargeDeclinedInsufficientFunds"}
        )
    paid = client.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"})
    assert (paid.status, paid.last_payment_error) == ("succeeded", None)


@pytest.mark.parametrize(
    ("outcome", "status"), [("succeed", "succeeded"), ("fail", "requires_payment_method")]
)
def test_a_challenge_ends_as_the_payer_ends_it(
    client: Any, control: Callable[..., Any], outcome: str, status: str
) -> None:
    """3184 asks for 3D Secure; completed it succeeds, failed it asks for another method."""
    intent = client.v1.payment_intents.create(
        {
            **CARD,
            "confirm": True,
            "payment_method": "pm_card_authenticationRequired",
            "return_url": "https://shop.example/back",
        }
    )
    assert intent.status == "requires_action"
    assert intent.next_action is not None
    assert intent.next_action.type == "redirect_to_url"
    control("POST", f"authenticate/{intent.id}", outcome=outcome)
    assert client.v1.payment_intents.retrieve(intent.id).status == status
    expected = (
        "payment_intent.succeeded" if outcome == "succeed" else "payment_intent.payment_failed"
    )
    assert types(client)[-1] == expected


def test_off_session_cannot_ask_the_payer(client: Any) -> None:
    """A card that needs authentication is declined off session."""
    with pytest.raises(stripe.CardError) as error:
        client.v1.payment_intents.create(
            {
                **CARD,
                **ONCE,
                "off_session": True,
                "payment_method": "pm_card_authenticationRequired",
            }
        )
    assert error.value.code == "authentication_required"


def test_cancel_ends_an_open_intent_only(client: Any) -> None:
    """Cancel of an open intent says why; a succeeded one stays."""
    intent = client.v1.payment_intents.create(CARD)
    ended = client.v1.payment_intents.cancel(intent.id, {"cancellation_reason": "abandoned"})
    assert (ended.status, ended.cancellation_reason) == ("canceled", "abandoned")
    assert types(client)[-1] == "payment_intent.canceled"
    paid = client.v1.payment_intents.create({**CARD, **ONCE, "payment_method": "pm_card_visa"})
    with pytest.raises(stripe.InvalidRequestError) as error:
        client.v1.payment_intents.cancel(paid.id)
    assert error.value.code == "payment_intent_unexpected_state"
    assert client.v1.payment_intents.retrieve(paid.id).status == "succeeded"


def test_intents_are_listed_by_created(client: Any, control: Callable[..., Any]) -> None:
    """`created` bounds a list; pages go both ways."""
    early = [client.v1.payment_intents.create(CARD).id for _ in range(3)]
    control("POST", "clock/advance", seconds=1000)
    late = client.v1.payment_intents.create(CARD)
    assert late.created >= 1000
    found = client.v1.payment_intents.list({"created": {"gte": late.created - 10}})
    assert [intent.id for intent in found.data] == [late.id]
    listed = client.v1.payment_intents.list({"limit": 2})
    assert listed.has_more
    assert [intent.id for intent in listed.auto_paging_iter()] == [late.id, *reversed(early)]
    newer = client.v1.payment_intents.list({"ending_before": early[0], "limit": 2})
    assert [intent.id for intent in newer.data] == [early[2], early[1]]


def test_an_authorization_expires(client: Any, control: Callable[..., Any]) -> None:
    """What is not captured within seven days is given back."""
    intent = client.v1.payment_intents.create(
        {**CARD, **ONCE, "payment_method": "pm_card_visa", "capture_method": "manual"}
    )
    control("POST", "clock/advance", seconds=7 * 24 * 3600 + 1)
    expired = client.v1.payment_intents.retrieve(intent.id)
    assert (expired.status, expired.cancellation_reason) == ("canceled", "automatic")
    assert types(client)[-3:] == ["charge.expired", "charge.refunded", "payment_intent.canceled"]


def test_a_manual_confirmation_is_done_twice(client: Any, control: Callable[..., Any]) -> None:
    """After the challenge the server confirms once more."""
    intent = client.v1.payment_intents.create(
        {
            **CARD,
            **ONCE,
            "confirmation_method": "manual",
            "payment_method": "pm_card_threeDSecure2Required",
        }
    )
    assert intent.next_action.type == "use_stripe_sdk"
    control("POST", f"authenticate/{intent.id}", outcome="succeed")
    assert client.v1.payment_intents.retrieve(intent.id).status == "requires_confirmation"
    assert client.v1.payment_intents.confirm(intent.id).status == "succeeded"


def test_a_live_key_makes_live_objects(url: str, control: Callable[..., Any], client: Any) -> None:
    """A restricted live key opens the live side of the account, with its own objects."""
    key = control("POST", "keys", permissions=["payment_intent_write"], livemode=True)["key"]
    assert key.startswith("rk_" + "live_")
    live = stripe.StripeClient(key, base_addresses={"api": url})
    intent = live.v1.payment_intents.create(CARD)
    assert intent.livemode
    assert client.v1.payment_intents.list().data == []
