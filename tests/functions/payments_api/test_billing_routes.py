"""Customers, subscriptions and sessions over HTTP events, with what they write on a real table."""

from collections.abc import Iterator
from typing import Any

import pytest
from paidonce.adapters.dynamodb_books import DynamoDbBooks
from paidonce.adapters.dynamodb_requests import DynamoDbRequestBooks
from paidonce.domain.errors import CardDeclined, KeyRefused, NotConfigured, OutcomeUnknown
from paidonce.domain.ownership import Stage
from paidonce.use_cases.carry_out import CarryOut

from tests.adapters.places import on_moto
from tests.functions.payments_api.a_browser import PREFIX, Browser, Reply
from tests.functions.payments_api.test_document import assert_as_documented
from tests.use_cases.a_shop import Shop
from tests.use_cases.test_open_checkout import stock

SCOPES = (
    "payments:write payments:read customers:write customers:read "
    "subscriptions:write subscriptions:read"
)
ANY = f"{SCOPES} customers:any subscriptions:any"
CUSTOMER = {"user_id": "anna", "email": "anna@shop.test", "name": "Anna"}
CHECKOUT = {
    "order_id": "order-1",
    "items": [{"price": "price_a", "quantity": 2}],
    "success_url": "https://shop.test/done?s={CHECKOUT_SESSION_ID}",
    "cancel_url": "http://localhost:5173/cart",
}
CARD = "4242424242424242"


@pytest.fixture(scope="module")
def dynamodb() -> Iterator[Any]:
    yield from on_moto()


@pytest.fixture
def shop(dynamodb: Any) -> Shop:
    """A shop whose requests, customers and subscriptions stand in DynamoDB."""
    shop = Shop()
    stock(shop)
    client, state = dynamodb.client("dynamodb"), dynamodb.table("id")
    shop.requests = DynamoDbRequestBooks(client, payments_table=state)
    shop.books = DynamoDbBooks(
        client,
        payments_table=state,
        events_table=dynamodb.table("event_id"),
        ledger_days=90,
        clock=shop.clock,
    )
    return shop


@pytest.fixture
def anna(shop: Shop) -> Browser:
    return Browser(shop=shop, sub="anna", scopes=SCOPES)


def post(browser: Browser, path: str, body: Any, *, key: str | None = "key-1") -> Reply:
    headers = {"content-type": "application/json"}
    if key is not None:
        headers["idempotency-key"] = key
    return browser.send("POST", path, body=body, headers=headers)


def customer_of(browser: Browser) -> str:
    made = post(browser, "/customers", {"user_id": browser.sub}, key="a-customer")
    assert made.status == 201
    return str(made.json["customer"]["id"])


def subscribed(browser: Browser, **more: Any) -> dict[str, Any]:
    body = {"customer_id": customer_of(browser), "items": [{"price": "price_m", "quantity": 1}]}
    reply = post(browser, "/subscriptions", body | more, key="a-subscription")
    assert reply.status == 201
    found: dict[str, Any] = reply.json["subscription"]
    return found


# --- customers ------------------------------------------------------------------------------------


def test_a_customer_is_made_shown_and_made_only_once(anna: Browser) -> None:
    made = post(anna, "/customers", CUSTOMER)
    assert (made.status, made.headers["cache-control"]) == (201, "no-store")
    shown = made.json["customer"]
    assert set(shown) == {
        *("id", "user_id", "email", "name", "deleted", "version", "created_at", "updated_at")
    }
    assert (shown["user_id"], shown["email"]) == ("anna", "anna@shop.test")
    again = post(anna, "/customers", CUSTOMER)
    assert (again.status, again.json, again.headers["idempotent-replayed"]) == (
        *(201, made.json),
        "true",
    )
    other = post(anna, "/customers", CUSTOMER | {"name": "Anne"}, key="key-2")
    assert (other.status, other.json) == (200, made.json)
    assert "idempotent-replayed" not in other.headers
    assert anna.get(f"/customers/{shown['id']}").json == made.json


def test_a_customer_is_there_for_its_user_and_for_servers(anna: Browser) -> None:
    customer_id = customer_of(anna)
    for scopes, sub, status in (
        (SCOPES, "bert", 404),
        (ANY, "server", 200),
        (f"{PREFIX}customers:read {PREFIX}customers:any", "server", 200),
        ("customers:read payments:any", "bert", 404),
        ("customers:write", "anna", 403),
        (None, "anna", 403),
    ):
        seen = Browser(shop=anna.shop, sub=sub, scopes=scopes).get(f"/customers/{customer_id}")
        assert seen.status == status
    bert = Browser(shop=anna.shop, sub="bert", scopes=SCOPES)
    assert bert.get(f"/customers/{customer_id}").json == bert.get("/customers/cus_none").json
    assert post(bert, "/customers", CUSTOMER).status == 403
    # Nothing else of the table can be named.
    assert anna.get("/customers/user%23anna").status == 404


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"user_id": None}, "user_id"),
        ({"user_id": ""}, "user_id"),
        ({"user_id": "x" * 256}, "user_id"),
        ({"email": "anna"}, "email"),
        ({"email": "anna@localhost"}, "email"),
        ({"email": "a\nb@shop.test"}, "email"),
        ({"name": ""}, "name"),
        ({"name": " "}, "name"),
        ({"name": f"Anna {CARD}"}, "name"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_a_wrong_customer_is_400_and_names_its_field(
    anna: Browser, changes: dict[str, Any], field: str
) -> None:
    reply = post(anna, "/customers", CUSTOMER | changes)
    assert (reply.status, reply.code) == (400, "invalid_request")
    assert list(reply.fields) == [field]
    assert CARD not in reply.text
    assert not anna.shop.billing_gateway.keys


def test_a_key_is_needed_for_every_post(anna: Browser) -> None:
    for path, body in (
        ("/customers", CUSTOMER),
        ("/portal-sessions", {"customer_id": "cus_1", "return_url": "https://shop.test"}),
        ("/checkout-sessions", CHECKOUT),
        (
            "/subscriptions",
            {"customer_id": "cus_1", "items": [{"price": "price_m", "quantity": 1}]},
        ),
        ("/subscriptions/sub_1", {"cancel_at_period_end": True}),
    ):
        assert post(anna, path, body, key=None).code == "idempotency_key_missing"


def test_202_while_the_outcome_is_not_known(anna: Browser) -> None:
    anna.shop.billing_gateway.faults.plan("send.after", OutcomeUnknown("lost"))
    unknown = post(anna, "/customers", CUSTOMER)
    assert (unknown.status, list(unknown.json)) == (202, ["message"])
    assert post(anna, "/customers", CUSTOMER).status == 201
    assert len(anna.shop.billing_gateway.keys) == 2


@pytest.mark.parametrize(
    ("error", "code"),
    [(KeyRefused("401", http_status=401), "payments_blocked"), (NotConfigured("x"), None)],
)
def test_503_says_when_to_come_back(anna: Browser, error: Exception, code: str | None) -> None:
    anna.shop.billing_gateway.faults.plan("send", error)
    reply = post(anna, "/customers", CUSTOMER)
    assert (reply.status, reply.code) == (503, code or "not_configured")
    assert int(reply.headers["retry-after"]) > 0
    assert post(anna, "/customers", CUSTOMER).status == 201


# --- sessions -------------------------------------------------------------------------------------


def test_a_portal_is_opened_for_ones_own_customer(anna: Browser) -> None:
    body = {"customer_id": customer_of(anna), "return_url": "https://shop.test/account"}
    opened = post(anna, "/portal-sessions", body)
    assert (opened.status, set(opened.json)) == (201, {"id", "url"})
    assert opened.headers["cache-control"] == "no-store"
    bert = Browser(shop=anna.shop, sub="bert", scopes=SCOPES)
    assert post(bert, "/portal-sessions", body).status == 404
    told = f"{anna.shop.telemetry.facts} {anna.shop.telemetry.faults}"
    assert opened.json["url"] not in told


@pytest.mark.parametrize(
    "url",
    [
        "",
        "shop.test",
        "http://shop.test/",
        "http://localhost.evil.test/",
        "https://anna:secret@shop.test/",
        "https://shop .test/",
        "https://-shop.test/",
        "javascript:alert(1)",
        "https://shop.test/" + "x" * 2000,
        "//shop.test",
        7,
    ],
)
def test_a_page_leads_back_to_a_plain_address_only(anna: Browser, url: object) -> None:
    body = {"customer_id": "cus_1", "return_url": url}
    reply = post(anna, "/portal-sessions", body)
    assert (reply.status, list(reply.fields)) == (400, ["return_url"])


def test_a_live_stage_leads_back_over_https_only(anna: Browser) -> None:
    shop = anna.shop
    live = Stage(name="test", livemode=True)
    parts = {name: getattr(shop.carry_out, name) for name in CarryOut.__dataclass_fields__}
    shop.__dict__["carry_out"] = CarryOut(**parts | {"stage": live})
    reply = post(anna, "/checkout-sessions", CHECKOUT)
    assert (reply.status, list(reply.fields)) == (400, ["cancel_url"])
    assert not shop.tables.payments


def test_a_checkout_session_is_opened_for_an_order(anna: Browser) -> None:
    # The payment's own books stay in memory here; `test_open_checkout` is about them.
    anna.shop.books = Shop(tables=anna.shop.tables).books
    opened = post(anna, "/checkout-sessions", CHECKOUT)
    assert (opened.status, set(opened.json)) == (201, {"id", "url"})
    again = post(anna, "/checkout-sessions", CHECKOUT)
    assert (again.status, again.json) == (201, opened.json)
    assert again.headers["idempotent-replayed"] == "true"
    other = post(anna, "/checkout-sessions", CHECKOUT, key="key-2")
    assert (other.status, other.json) == (200, opened.json)
    assert anna.shop.row.user_id == "anna"
    payment = anna.get("/payments", "order_id=order-1").json["payments"][0]
    assert (payment["amount_minor"], payment["status"]) == (2000, "pending")
    changed = CHECKOUT | {"items": [{"price": "price_b", "quantity": 1}]}
    assert post(anna, "/checkout-sessions", changed, key="key-3").code == "order_in_progress"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"items": []}, "items"),
        ({"items": [{"price": "price 1", "quantity": 1}]}, "items.0.price"),
        ({"items": [{"price": "price_a", "quantity": 0}]}, "items.0.quantity"),
        ({"items": [{"price": "price_x", "quantity": 1}]}, "items.0.price"),
        ({"order_id": ""}, "order_id"),
        ({"amount_minor": 100}, "amount_minor"),
        ({"success_url": "http://shop.test"}, "success_url"),
    ],
)
def test_a_wrong_checkout_is_400_and_names_its_field(
    anna: Browser, changes: dict[str, Any], field: str
) -> None:
    reply = post(anna, "/checkout-sessions", CHECKOUT | changes)
    assert (reply.status, list(reply.fields)) == (400, [field])
    assert not anna.shop.tables.payments


# --- subscriptions --------------------------------------------------------------------------------


def test_a_subscription_is_begun_changed_and_ended(anna: Browser) -> None:
    found = subscribed(anna)
    assert set(found) == {
        *("id", "customer_id", "user_id", "status", "entitled", "items", "current_period_end"),
        "entitled_until",
        *("cancel_at_period_end", "trial_end", "latest_invoice", "last_error", "version"),
        *("created_at", "updated_at"),
    }
    assert (found["status"], found["entitled"]) == ("incomplete", False)
    path = f"/subscriptions/{found['id']}"
    body = {"items": [{"price": "price_n", "quantity": 3}]}
    changed = post(anna, path, body)
    assert changed.json["subscription"]["items"] == body["items"]
    assert post(anna, path, body).headers["idempotent-replayed"] == "true"
    assert post(anna, path, {"cancel_at_period_end": True}).code == "idempotency_conflict"
    ending = anna.send("DELETE", path, query="at_period_end=true")
    assert ending.json["subscription"]["cancel_at_period_end"] is True
    resumed = post(anna, path, {"cancel_at_period_end": False}, key="key-2")
    assert resumed.json["subscription"]["cancel_at_period_end"] is False
    ended = anna.send("DELETE", path)
    assert (ended.status, ended.json["subscription"]["status"]) == (200, "canceled")
    assert anna.send("DELETE", path).json == ended.json == anna.get(path).json
    assert post(anna, path, body, key="key-3").code == "state_conflict"


def test_a_subscription_is_there_for_its_user_and_for_servers(anna: Browser) -> None:
    path = f"/subscriptions/{subscribed(anna)['id']}"
    bert = Browser(shop=anna.shop, sub="bert", scopes=SCOPES)
    assert bert.get(path).status == bert.send("DELETE", path).status == 404
    assert post(bert, path, {"cancel_at_period_end": True}).status == 404
    server = Browser(shop=anna.shop, sub="server", scopes=ANY)
    assert server.get(path).status == 200
    reader = Browser(shop=anna.shop, sub="anna", scopes="subscriptions:read")
    assert (reader.get(path).status, reader.send("DELETE", path).status) == (200, 403)


def test_a_declined_card_is_402_with_a_sentence_for_the_shopper(anna: Browser) -> None:
    sentence = "Your card has insufficient funds. Please try a different payment method."
    body = {"customer_id": customer_of(anna), "items": [{"price": "price_m", "quantity": 1}]}
    anna.shop.billing_gateway.faults.plan("send", CardDeclined(sentence, stripe_code="x"))
    for _ in range(2):
        reply = post(anna, "/subscriptions", body)
        assert (reply.status, reply.code) == (402, "card_declined")
        assert reply.json["error"]["message"] == sentence


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"items": None}, "items"),
        ({"items": [{"price": "price_m", "quantity": 1}] * 2}, "items"),
        ({"items": [{"price": f"price_{n}", "quantity": 1} for n in range(21)]}, "items"),
        ({"trial_days": 0}, "trial_days"),
        ({"trial_days": 731}, "trial_days"),
        ({"trial_days": "7"}, "trial_days"),
        ({"customer_id": "anna"}, "customer_id"),
        ({"coupon": "x"}, "coupon"),
    ],
)
def test_a_wrong_subscription_is_400_and_names_its_field(
    anna: Browser, changes: dict[str, Any], field: str
) -> None:
    body = {"customer_id": "cus_1", "items": [{"price": "price_m", "quantity": 1}]}
    reply = post(anna, "/subscriptions", body | changes)
    assert (reply.status, list(reply.fields)) == (400, [field])


def test_a_change_of_nothing_is_400(anna: Browser) -> None:
    assert post(anna, "/subscriptions/sub_1", {}).status == 400
    assert anna.send("DELETE", "/subscriptions/sub_1", query="at_period_end=maybe").status == 400


# --- the document ---------------------------------------------------------------------------------


def test_every_answer_is_as_documented(anna: Browser) -> None:
    document = Browser(scopes=None).get("/openapi.json").json
    customer = "/customers/{id}"
    subscription = "/subscriptions/{id}"
    nobody = Browser(shop=anna.shop, scopes=None)
    found = subscribed(anna)
    body = {"customer_id": found["customer_id"], "return_url": "https://shop.test"}
    for path, content in (("/customers", CUSTOMER), ("/portal-sessions", body)):
        for browser, key in ((anna, "d-1"), (anna, "d-1"), (anna, "d-2"), (nobody, "d-3")):
            reply = post(browser, path, content, key=key)
            assert_as_documented(document, "post", path, reply)
        assert_as_documented(document, "post", path, post(anna, path, {}))
    for template, own in ((customer, found["customer_id"]), (subscription, found["id"])):
        for browser in (anna, nobody, Browser(shop=anna.shop, sub="bert", scopes=SCOPES)):
            reply = browser.get(template.replace("{id}", own))
            assert_as_documented(document, "get", template, reply)
    path = f"/subscriptions/{found['id']}"
    anna.shop.billing_gateway.faults.plan("send", OutcomeUnknown("a"), OutcomeUnknown("b"))
    for content in ({"cancel_at_period_end": True},) * 2 + ({},):
        assert_as_documented(document, "post", subscription, post(anna, path, content))
    assert_as_documented(document, "delete", subscription, anna.send("DELETE", path))


@pytest.mark.parametrize(
    ("price", "said"),
    [("price_x", "is not a known price"), ("price_a", "is a price that is paid once")],
)
def test_a_price_that_no_subscription_can_have_is_told_and_never_sent(
    anna: Browser, price: str, said: str
) -> None:
    """At Stripe it would be an invalid request, and page somebody (found by schemathesis)."""
    items = [{"price": "price_m", "quantity": 1}]
    customer = customer_of(anna)
    made = post(anna, "/subscriptions", {"customer_id": customer, "items": items})
    path = f"/subscriptions/{made.json['subscription']['id']}"
    sent = len(anna.shop.billing_gateway.keys)
    wrong = [*items, {"price": price, "quantity": 1}]
    for reply in (
        post(anna, "/subscriptions", {"customer_id": customer, "items": wrong}, key="key-2"),
        post(anna, path, {"items": wrong}, key="key-3"),
    ):
        assert (reply.status, reply.code) == (400, "invalid_request")
        assert reply.fields == {"items.1.price": said}
    assert len(anna.shop.billing_gateway.keys) == sent
