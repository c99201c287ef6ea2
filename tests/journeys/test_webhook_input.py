"""Whatever is posted to the webhook has a clear answer; nothing is lost or wrongly applied."""

import hmac
import json
import secrets
import time
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest
import stripe

from local.shop import Shop

OLD_PAYLOADS = sorted((Path(__file__).parents[1] / "events" / "stripe-old").glob("*.json"))


@pytest.fixture(scope="module")
def signing_secret(shop: Shop) -> str:
    """The endpoint's secret, as the receiver reads it."""
    document = shop.secret("SigningSecretArn")
    return str(document["endpoints"][0]["secret"])


def posted(shop: Shop, secret: str, payload: bytes, *, at: int | None = None) -> httpx.Response:
    """A POST signed by the official library; it signs text, so other bytes are signed by hand."""
    moment = int(time.time()) if at is None else at
    if payload.isascii():
        text = payload.decode()
        header = stripe.WebhookSignature.generate_signature_header(text, secret, moment)
    else:
        signed = f"{moment}.".encode() + payload
        header = f"t={moment},v1={hmac.new(secret.encode(), signed, sha256).hexdigest()}"
    return shop.deliver(payload, header)


def event(**changes: Any) -> dict[str, Any]:
    """A verified event of a type that no rule decides about."""
    values = {
        "id": f"evt_{secrets.token_hex(8)}",
        "object": "event",
        "type": "payout.paid",
        "created": int(time.time()),
        "livemode": False,
        "api_version": "2026-10-28.endive",
        "data": {"object": {"id": "po_1", "object": "payout"}},
        "request": None,
    }
    return values | changes


def test_what_the_official_library_signs_is_accepted(shop: Shop, signing_secret: str) -> None:
    sent = event()
    answer = posted(shop, signing_secret, json.dumps(sent).encode())
    assert (answer.status_code, answer.json()) == (200, {"received": True})
    assert shop.decided(sent["id"])["outcome"] == "ignored"


def test_old_payloads_with_ids_of_their_own_have_a_row_each(
    shop: Shop, signing_secret: str
) -> None:
    assert len(OLD_PAYLOADS) == 88
    sent = {}
    for path in OLD_PAYLOADS:
        payload = json.loads(path.read_text()) | {"id": f"evt_{secrets.token_hex(8)}"}
        assert posted(shop, signing_secret, json.dumps(payload).encode()).status_code == 200
        sent[payload["id"]] = payload["type"]
    rows = [shop.decided(event_id) for event_id in sent]
    assert {row["event_id"]: row["event_type"] for row in rows} == sent
    # Prices and products are nobody's: each makes the catalogue look again.
    others = [row for row in rows if not row["event_type"].startswith(("price.", "product."))]
    assert {row["outcome"] for row in others} <= {"ignored", "foreign"}


def test_old_payloads_with_their_own_ids_are_two_rows(shop: Shop, signing_secret: str) -> None:
    ids = set()
    for path in OLD_PAYLOADS:
        assert posted(shop, signing_secret, path.read_bytes()).status_code == 200
        ids.add(json.loads(path.read_text())["id"])
    assert len(ids) == 2
    assert len([shop.decided(event_id) for event_id in ids]) == 2


def test_a_live_event_in_a_test_stage_changes_nothing(shop: Shop, signing_secret: str) -> None:
    payment = shop.new_payment()
    intent = shop.stripe.v1.payment_intents.retrieve(payment["payment_intent_id"]).to_dict()
    live = event(
        type="payment_intent.succeeded",
        livemode=True,
        data={"object": intent | {"status": "succeeded"}},
    )
    assert posted(shop, signing_secret, json.dumps(live).encode()).status_code == 200
    assert shop.decided(live["id"])["outcome"] == "foreign"
    assert shop.payment(payment["id"])["status"] == "pending"


@pytest.mark.parametrize(
    "header",
    [
        "",
        "t=,v1=",
        "t=abc,v1=00",
        "v1=00",
        "t=1",
        ",,,,",
        "t=1,v1=" + "0" * 64,
        "t=99999999999999999999,v1=" + "0" * 64,
        "t=1;v1=00",
        "x" * 5000,
        ",".join(["v1=" + "0" * 64] * 17),
    ],
)
def test_a_malformed_header_is_400_and_nothing_more(shop: Shop, header: str) -> None:
    answer = shop.deliver(json.dumps(event()).encode(), header)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "signature_invalid"


@pytest.mark.parametrize("seconds", [-3600, -301, 120])
def test_a_signature_too_old_or_of_the_future_is_refused(
    shop: Shop, signing_secret: str, seconds: int
) -> None:
    at = int(time.time()) + seconds
    answer = posted(shop, signing_secret, json.dumps(event()).encode(), at=at)
    assert answer.json()["error"]["code"] == "signature_invalid"


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"not json",
        b"[]",
        b'"evt"',
        b"{}",
        b'{"id": "evt_1"}',
        b"[" * 100_000,
        b'{"id": "evt_\xff\xfe", "type": "a.b", "created": 1}',
        b"\xff\xfe\x00",
    ],
)
def test_a_signed_body_that_is_no_event_is_400(
    shop: Shop, signing_secret: str, payload: bytes
) -> None:
    answer = posted(shop, signing_secret, payload)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "invalid_request"


def test_a_large_event_travels_by_its_id(shop: Shop, signing_secret: str) -> None:
    """900,001 bytes are too much for the queue: the worker fetches the event from Stripe."""
    shop.control("POST", "deliveries", {"drop": 1.0})
    try:
        customer = shop.stripe.v1.customers.create({"description": "large"})
        (made,) = shop.events_about(customer.id)
    finally:
        shop.control("POST", "deliveries", {"drop": 0})
    assert shop.ledger(made.id) is None
    assert posted(shop, signing_secret, padded(made.to_dict(), 900_001)).status_code == 200
    # A customer without our mark, whom this stage does not adopt.
    assert shop.decided(made.id)["outcome"] == "foreign"


def test_a_large_event_that_stripe_does_not_know_stays_in_sight(
    shop: Shop, signing_secret: str
) -> None:
    unknown = event()
    assert posted(shop, signing_secret, padded(unknown, 900_001)).status_code == 200
    row = shop.until(lambda: shop.ledger(unknown["id"]), what="the large event has a row")
    assert row["outcome"] in ("failing", "dead")


def padded(document: dict[str, Any], size: int) -> bytes:
    """The document as JSON of exactly this many bytes."""
    bare = len(json.dumps(document | {"padding": ""}))
    return json.dumps(document | {"padding": "x" * (size - bare)}).encode()


def test_five_megabytes_are_refused_unread(shop: Shop, signing_secret: str) -> None:
    answer = posted(shop, signing_secret, b"x" * 5_000_000)
    assert answer.status_code == 413
    assert answer.json()["error"]["code"] == "too_large"


def test_another_endpoints_route_does_not_take_our_secret(shop: Shop, signing_secret: str) -> None:
    payload = json.dumps(event())
    header = stripe.WebhookSignature.generate_signature_header(payload, signing_secret)
    url = f"{shop.endpoints['webhook_url']}/connect"
    answer = httpx.post(url, content=payload, headers={"Stripe-Signature": header}, timeout=30)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "signature_invalid"
