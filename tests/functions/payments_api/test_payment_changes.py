"""POST /payments/{id}/capture and …/cancel: every way in which they end."""

from typing import Any

import jsonschema_rs
import pytest
from paidonce.domain.errors import CardDeclined, KeyRefused, OutcomeUnknown, StripeRefused
from paidonce.domain.payment import PaymentStatus

from tests.functions.payments_api.a_browser import BODY, SERVER, SHOPPER, Browser, Reply
from tests.use_cases.a_shop import set_row


@pytest.fixture
def browser() -> Browser:
    """A server whose shopper has confirmed a payment that is captured by hand."""
    browser = Browser(scopes=SERVER)
    assert browser.post(BODY | {"capture": "manual"}).status == 201
    (intent,) = browser.shop.intents
    intent |= {"status": "requires_capture", "latest_charge": "ch_1"}
    set_row(browser.shop, status=PaymentStatus.AUTHORIZED, charge_id="ch_1")
    return browser


def change(
    browser: Browser,
    verb: str,
    body: Any = None,
    *,
    key: str | None = "change-1",
    payment_id: str | None = None,
) -> Reply:
    headers = {} if body is None else {"content-type": "application/json"}
    if key is not None:
        headers["idempotency-key"] = key
    path = f"/payments/{payment_id or browser.shop.row.id}/{verb}"
    return browser.send("POST", path, body=body, headers=headers)


verbs = pytest.mark.parametrize("verb", ["capture", "cancel"])


@verbs
@pytest.mark.parametrize("body", [None, "", {}, "{}"])
def test_200_with_the_payment(browser: Browser, verb: str, body: Any) -> None:
    reply = change(browser, verb, body)
    assert (reply.status, set(reply.json)) == (200, {"payment"}), reply.text
    status = {"capture": "authorized", "cancel": "canceled"}[verb]
    assert reply.json["payment"]["status"] == status
    assert reply.headers["cache-control"] == "no-store"
    assert "idempotent-replayed" not in reply.headers


@verbs
def test_a_repeat_says_so(browser: Browser, verb: str) -> None:
    first, again = change(browser, verb), change(browser, verb, {})
    assert (again.status, again.json) == (200, first.json)
    assert again.headers["idempotent-replayed"] == "true"


def test_a_part_is_captured(browser: Browser) -> None:
    assert change(browser, "capture", {"amount_minor": 500}).status == 200
    assert browser.shop.intents[0]["amount_received"] == 500


def test_a_reason_of_stripes_is_passed_on(browser: Browser) -> None:
    assert change(browser, "cancel", {"reason": "fraudulent"}).status == 200
    assert browser.shop.intents[0]["cancellation_reason"] == "fraudulent"


@pytest.mark.parametrize(
    ("verb", "body", "field"),
    [
        ("capture", {"amount_minor": 0}, "amount_minor"),
        ("capture", {"amount_minor": "5"}, "amount_minor"),
        ("capture", {"amount_minor": 2000}, "amount_minor"),
        ("capture", {"reason": "duplicate"}, "reason"),
        ("cancel", {"reason": "bored"}, "reason"),
        ("cancel", {"amount_minor": 5}, "amount_minor"),
        ("cancel", "[1]", "body"),
    ],
)
def test_400_says_which_field_is_wrong(browser: Browser, verb: str, body: Any, field: str) -> None:
    reply = change(browser, verb, body)
    assert (reply.status, reply.code) == (400, "invalid_request")
    assert set(reply.fields) == {field}
    assert not browser.shop.row.calls


@verbs
def test_a_key_is_needed(browser: Browser, verb: str) -> None:
    reply = change(browser, verb, key=None)
    assert (reply.status, reply.code) == (400, "idempotency_key_missing")


@verbs
def test_202_while_the_outcome_is_not_known(browser: Browser, verb: str) -> None:
    browser.shop.calls.faults.plan("send.after", OutcomeUnknown("away"))
    reply = change(browser, verb)
    assert (reply.status, set(reply.json)) == (202, {"payment", "message"})
    assert len(browser.shop.operations.put_in) == 1
    assert change(browser, verb).status == 200


@verbs
def test_503_when_not_even_the_queue_is_sure(browser: Browser, verb: str) -> None:
    browser.shop.calls.faults.plan("send", OutcomeUnknown("away"))
    browser.shop.operations.faults.plan("put", RuntimeError("no queue"))
    reply = change(browser, verb)
    assert (reply.status, reply.code) == (503, "outcome_unknown")
    assert int(reply.headers["retry-after"]) > 0


def test_409_for_what_the_state_does_not_allow(browser: Browser) -> None:
    browser.shop.intents[0]["status"] = "canceled"
    for replayed in (None, "true"):
        reply = change(browser, "capture")
        assert (reply.status, reply.code) == (409, "state_conflict")
        assert reply.headers.get("idempotent-replayed") == replayed
    assert change(browser, "cancel", key="change-2").status == 200


@verbs
def test_409_for_the_same_key_with_another_body(browser: Browser, verb: str) -> None:
    change(browser, verb)
    other = {"capture": {"amount_minor": 5}, "cancel": {"reason": "duplicate"}}[verb]
    reply = change(browser, verb, other)
    assert (reply.status, reply.code) == (409, "idempotency_conflict")


def test_a_key_means_another_thing_at_each_path(browser: Browser) -> None:
    assert change(browser, "capture").status == 200
    assert change(browser, "cancel").code == "state_conflict"


def test_402_for_a_declined_capture_with_words_for_the_shopper(browser: Browser) -> None:
    declined = CardDeclined("x", stripe_code="card_declined", decline_code="insufficient_funds")
    browser.shop.calls.faults.plan("send", declined)
    reply = change(browser, "capture")
    assert (reply.status, reply.code) == (402, "card_declined")
    assert "insufficient funds" in reply.json["error"]["message"]


@verbs
def test_what_is_not_there_is_404(browser: Browser, verb: str) -> None:
    for payment_id in ("pay_unknown", "pi_1", "order%231"):
        assert change(browser, verb, payment_id=payment_id).code == "not_found"


@pytest.mark.parametrize(
    ("sub", "scopes", "capture", "cancel"),
    [
        ("user-1", SERVER, 200, 409),
        ("user-1", SHOPPER, 403, 200),
        ("user-1", "payments:write", 403, 200),
        ("user-2", SHOPPER, 403, 404),
        ("user-2", "payments:write payments:any", 200, 409),
        ("user-1", "payments:read payments:any", 403, 403),
        ("user-1", None, 403, 403),
    ],
)
def test_who_may(browser: Browser, sub: str, scopes: str | None, capture: int, cancel: int) -> None:
    other = Browser(shop=browser.shop, sub=sub, scopes=scopes)
    assert change(other, "capture").status == capture
    assert change(other, "cancel").status == cancel


@verbs
def test_every_answer_is_as_documented(browser: Browser, verb: str) -> None:
    document = Browser(scopes=None).get("/openapi.json").json
    faults = browser.shop.calls.faults
    errors = [
        OutcomeUnknown("a"),
        KeyRefused("b", http_status=401),
        StripeRefused("c"),
        ZeroDivisionError("d"),
    ]
    if verb == "capture":
        errors.append(CardDeclined("e", decline_code="do_not_honor"))
    replies = []
    for number, error in enumerate(errors):
        faults.plan("send", error)
        replies.append(change(browser, verb, key=f"k-{number}"))
    replies += [change(browser, verb), change(browser, verb), change(browser, verb, "x" * 70_000)]
    replies += [change(browser, verb, payment_id="pay_x"), change(browser, verb, {"x": 1})]
    set_row(browser.shop, status=PaymentStatus.PAID)
    replies += [change(browser, verb, key="late")]
    replies += [change(Browser(shop=browser.shop, scopes=""), verb)]
    responses = document["paths"][f"/payments/{{id}}/{verb}"]["post"]["responses"]
    for reply in replies:
        shape = responses[str(reply.status)]["content"]["application/json"]["schema"]
        whole = {"$ref": "#/shape", "shape": shape, "components": document["components"]}
        jsonschema_rs.validate(whole, reply.json)
    declined = {402} if verb == "capture" else set()
    assert {r.status for r in replies} == {200, 202, 400, 403, 404, 409, 413, 500, 503} | declined
