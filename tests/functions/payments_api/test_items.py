"""POST /payments with items, and GET /prices: the server's prices are what is charged."""

from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from paidonce.domain.errors import KeyRefused, OutcomeUnknown, StripeRefused, TryAgain
from paidonce.domain.price import ITEMS_MAX, QUANTITY_MAX, Item

from tests.fakes_catalogue import a_price, a_product, every
from tests.functions.payments_api.a_browser import BODY, Browser, Reply
from tests.use_cases.a_shop import Shop

SHOPPER = "payments:read payments:write"
CART: dict[str, Any] = {
    "order_id": "order-1",
    "items": [{"price": "price_tea", "quantity": 2}, {"price": "price_cup", "quantity": 1}],
}


@pytest.fixture
def browser() -> Browser:
    """A shopper who may name no amount, in a shop that sells tea."""
    browser = Browser(scopes=SHOPPER)
    sell(
        browser.shop,
        a_product(),
        a_price("price_tea"),
        a_price("price_cup", unit_amount=1250),
        a_price("price_yen", currency="jpy"),
        a_price("price_old", active=False),
        a_price("price_month", recurring=every("month")),
        a_price("price_gold", unit_amount=99_999_999),
    )
    return browser


def sell(shop: Shop, *found: dict[str, Any]) -> None:
    shop.stripe.objects |= {one["id"]: one for one in found}


def order(*items: tuple[str, int], **more: Any) -> dict[str, Any]:
    lines = [{"price": price, "quantity": quantity} for price, quantity in items]
    return {"order_id": "order-1", "items": lines} | more


def assert_nothing_was_begun(browser: Browser, reply: Reply, status: int = 400) -> None:
    assert reply.status == status, reply.text
    assert not browser.shop.tables.payments
    assert not browser.shop.tables.claims
    assert not browser.shop.intents


def test_the_servers_prices_are_charged_and_written_with_the_record(browser: Browser) -> None:
    reply = browser.post(CART)
    assert reply.status == 201
    assert reply.json["payment"]["amount_minor"] == 2250
    (intent,) = browser.shop.intents
    assert (intent["amount"], intent["currency"]) == (2250, "usd")
    assert browser.shop.row.items == (
        Item(price="price_tea", quantity=2),
        Item(price="price_cup", quantity=1),
    )
    assert "description" not in browser.shop.row.creation.params
    assert not [name for name in intent["metadata"] if "item" in name]


def test_an_amount_still_needs_its_scope(browser: Browser) -> None:
    reply = browser.post(BODY)
    assert reply.code == "forbidden"
    assert_nothing_was_begun(browser, reply, 403)


def test_a_repeat_goes_on_with_the_recorded_amount(browser: Browser) -> None:
    """Also when the first request got no answer, and the price is gone since."""
    browser.shop.gateway.faults.plan("create_intent", OutcomeUnknown("away"))
    assert browser.post(CART).status == 202
    for found in (a_price("price_tea", unit_amount=9900), a_price("price_cup", active=False)):
        sell(browser.shop, found)
    browser.shop.clock.advance(3600)
    again = browser.post(CART)
    assert (again.status, again.json["payment"]["amount_minor"]) == (201, 2250)
    (intent,) = browser.shop.intents
    assert intent["amount"] == 2250
    third = browser.post(CART)
    assert (third.status, third.headers["idempotent-replayed"]) == (201, "true")


def test_a_repeat_asks_for_no_price(browser: Browser) -> None:
    browser.post(CART)
    asked = len(browser.shop.calls.faults.calls)
    browser.shop.clock.advance(3600)
    browser.post(CART)
    assert len(browser.shop.calls.faults.calls) == asked


def test_the_same_key_with_other_items_is_a_conflict(browser: Browser) -> None:
    browser.post(CART)
    for body in (order(("price_tea", 3)), order(("price_unknown", 1))):
        reply = browser.post(body)
        assert (reply.status, reply.code) == (409, "idempotency_conflict")


def test_another_key_goes_on_with_the_same_items_and_not_with_others(browser: Browser) -> None:
    browser.post(CART)
    assert browser.post(CART, key="key-2").status == 200
    # The same sum of other things is another order.
    sell(browser.shop, a_price("price_set", unit_amount=2250))
    other = browser.post(order(("price_set", 1)), key="key-3")
    assert (other.status, other.code) == (409, "order_in_progress")
    sell(browser.shop, a_price("price_tea", unit_amount=600))
    browser.shop.clock.advance(3600)
    dearer = browser.post(CART, key="key-4")
    assert (dearer.status, dearer.code) == (409, "order_in_progress")
    assert len(browser.shop.intents) == 1


@pytest.mark.parametrize(
    ("price", "sentence"),
    [
        ("price_none", "is not a known price"),
        ("price_old", "is not sold any more"),
        ("price_month", "is a price for a subscription"),
        ("price_yen", "is in another currency than the items before it"),
    ],
)
def test_a_wrong_price_is_named_by_its_place(browser: Browser, price: str, sentence: str) -> None:
    reply = browser.post(order(("price_tea", 1), (price, 1)))
    assert_nothing_was_begun(browser, reply)
    assert reply.code == "invalid_request"
    assert reply.fields == {"items.1.price": sentence}
    # An order that was refused is free for the next try.
    assert browser.post(order(("price_tea", 1))).status == 201


def test_too_much_for_one_payment_is_refused(browser: Browser) -> None:
    reply = browser.post(order(("price_gold", 1), ("price_tea", 1)))
    assert_nothing_was_begun(browser, reply)
    assert set(reply.fields) == {"items"}


ONE = {"price": "price_tea", "quantity": 1}


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({"items": []}, {"items"}),
        ({"items": [ONE] * (ITEMS_MAX + 1)}, {"items"}),
        ({"items": None}, {"amount_minor", "currency"}),
        ({"items": {}}, {"items"}),
        ({"items": ["price_tea"]}, {"items.0"}),
        ({"items": [ONE, {}]}, {"items.1.price", "items.1.quantity"}),
        ({"items": [ONE | {"quantity": 0}]}, {"items.0.quantity"}),
        ({"items": [ONE | {"quantity": QUANTITY_MAX + 1}]}, {"items.0.quantity"}),
        ({"items": [ONE | {"quantity": 1.5}]}, {"items.0.quantity"}),
        ({"items": [ONE | {"quantity": "1"}]}, {"items.0.quantity"}),
        ({"items": [ONE | {"quantity": True}]}, {"items.0.quantity"}),
        ({"items": [ONE | {"price": ""}]}, {"items.0.price"}),
        ({"items": [ONE | {"price": "../v1/events"}]}, {"items.0.price"}),
        ({"items": [ONE | {"price": None}]}, {"items.0.price"}),
        ({"items": [ONE | {"amount_minor": 1}]}, {"items.0.amount_minor"}),
        ({"amount_minor": 100, "currency": "usd"}, {"amount_minor", "currency"}),
        ({"amount_minor": 100}, {"amount_minor"}),
        ({"currency": "usd"}, {"currency"}),
    ],
)
def test_exactly_one_form_and_each_field_of_it(
    browser: Browser, change: dict[str, Any], fields: set[str]
) -> None:
    browser.scopes = f"{SHOPPER} payments:amount"
    reply = browser.post(CART | change)
    assert_nothing_was_begun(browser, reply)
    assert set(reply.fields) == fields
    assert all(text.split()[0] in {"must", "is"} for text in reply.fields.values())


FORMS = st.fixed_dictionaries(
    {"order_id": st.just("order-1")},
    optional={
        "items": st.none()
        | st.lists(st.sampled_from([ONE, ONE | {"quantity": 1000}, {}, "x"]), max_size=3),
        "amount_minor": st.none() | st.sampled_from([1999, 0, "x"]),
        "currency": st.none() | st.sampled_from(["usd", "xxx", 1]),
    },
)
DOCUMENT = Browser(scopes=None).get("/openapi.json").json
SCHEMA = jsonschema_rs.validator_for(
    {"$ref": "#/components/schemas/NewPayment", "components": DOCUMENT["components"]}
)


@given(body=FORMS)
def test_the_document_allows_what_is_taken_and_nothing_else(body: dict[str, Any]) -> None:
    browser = Browser(scopes=f"{SHOPPER} payments:amount")
    sell(browser.shop, a_product(), a_price("price_tea"))
    assert SCHEMA.is_valid(body) is (browser.post(body).status == 201)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (TryAgain("away"), "try_again"),
        (KeyRefused("401", http_status=401), "payments_blocked"),
        (KeyRefused("403", http_status=403), "payments_blocked"),
    ],
)
def test_without_a_price_nothing_is_begun(browser: Browser, error: Exception, code: str) -> None:
    browser.shop.calls.faults.plan("get", error)
    reply = browser.post(CART)
    assert (reply.code, "retry-after" in reply.headers) == (code, True)
    assert_nothing_was_begun(browser, reply, 503)
    browser.shop.clock.advance(60)
    assert browser.post(CART).status == 201


def test_a_refusal_that_is_no_absence_is_our_bug(browser: Browser) -> None:
    browser.shop.calls.faults.plan("get", StripeRefused("x", http_status=400))
    reply = browser.post(CART)
    assert_nothing_was_begun(browser, reply)
    assert not reply.fields


def test_the_prices_are_listed(browser: Browser) -> None:
    reply = browser.get("/prices")
    assert reply.status == 200
    assert {price["id"]: price["interval"] for price in reply.json["prices"]} == {
        "price_tea": None,
        "price_cup": None,
        "price_yen": None,
        "price_month": "month",
        "price_gold": None,
    }
    assert reply.json["prices"][-1] == {
        "id": "price_tea",
        "product": "prod_1",
        "name": "Tea",
        "amount_minor": 500,
        "currency": "usd",
        "interval": None,
    }
    shape = DOCUMENT["paths"]["/prices"]["get"]["responses"]["200"]["content"]
    schema = {
        "$ref": "#/shape",
        "shape": shape["application/json"]["schema"],
        "components": DOCUMENT["components"],
    }
    jsonschema_rs.validate(schema, reply.json)


@pytest.mark.parametrize("scopes", ["payments:write", "", None])
def test_the_list_needs_its_scope(browser: Browser, scopes: str | None) -> None:
    browser.scopes = scopes
    assert browser.get("/prices").code == "forbidden"
