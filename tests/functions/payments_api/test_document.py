"""The OpenAPI document tells of every route, and every answer is as it says."""

from typing import Any

import jsonschema_rs
import pytest
from paidonce.domain.errors import (
    KeyRefused,
    NotConfigured,
    OutcomeUnknown,
    StripeRefused,
    TryAgain,
)

from tests.functions.payments_api.a_browser import BODY, Browser, Reply
from tests.use_cases.a_shop import Shop


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    reply = Browser(scopes=None).get("/openapi.json")
    assert reply.status == 200
    found: dict[str, Any] = reply.json
    return found


def test_it_lists_exactly_the_routes(document: dict[str, Any]) -> None:
    routes = {f"{m.upper()} {path}" for path, methods in document["paths"].items() for m in methods}
    assert document["openapi"].startswith("3.1")
    assert routes == {
        "POST /payments",
        "GET /payments",
        "GET /payments/{id}",
        "GET /payments/{id}/client-secret",
        "POST /payments/{id}/capture",
        "POST /payments/{id}/cancel",
        "GET /prices",
        "POST /customers",
        "GET /customers/{id}",
        "POST /portal-sessions",
        "POST /checkout-sessions",
        "POST /subscriptions",
        "GET /subscriptions/{id}",
        "POST /subscriptions/{id}",
        "DELETE /subscriptions/{id}",
        "POST /refunds",
        "GET /refunds/{id}",
        "GET /config",
        "GET /openapi.json",
        "POST /webhooks/stripe",
        "POST /webhooks/stripe/{endpoint}",
    }


def test_every_protected_route_names_its_scopes(document: dict[str, Any]) -> None:
    needed = {
        operation["operationId"]: operation.get("security")
        for methods in document["paths"].values()
        for operation in methods.values()
    }
    assert needed == {
        "take_payment": [{"token": ["payments:write"]}],
        "list_prices": [{"token": ["payments:read"]}],
        "list_payments": [{"token": ["payments:read"]}],
        "show_payment": [{"token": ["payments:read"]}],
        "show_client_secret": [{"token": ["payments:write"]}],
        "capture_payment": [{"token": ["payments:write", "payments:any"]}],
        "cancel_payment": [{"token": ["payments:write"]}],
        "make_customer": [{"token": ["customers:write"]}],
        "show_customer": [{"token": ["customers:read"]}],
        "open_portal": [{"token": ["customers:write"]}],
        "open_checkout": [{"token": ["payments:write"]}],
        "subscribe": [{"token": ["subscriptions:write"]}],
        "show_subscription": [{"token": ["subscriptions:read"]}],
        "change_subscription": [{"token": ["subscriptions:write"]}],
        "end_subscription": [{"token": ["subscriptions:write"]}],
        "refund_payment": [{"token": ["refunds:write"]}],
        "show_refund": [{"token": ["refunds:read"]}],
        "show_config": None,
        "show_openapi": None,
        "receive_webhook": None,
        "receive_webhook_of_endpoint": None,
    }
    assert document["components"]["securitySchemes"]["token"]["scheme"] == "bearer"


def test_every_schema_that_is_named_is_there_and_none_is_left_over(
    document: dict[str, Any],
) -> None:
    def names(found: Any) -> set[str]:
        if isinstance(found, dict):
            own = {found["$ref"].rpartition("/")[2]} if "$ref" in found else set()
            return own.union(*(names(inner) for inner in found.values()))
        return set().union(*map(names, found)) if isinstance(found, list) else set()

    assert names(document) == set(document["components"]["schemas"])
    assert "422" not in str(document["paths"])


def test_the_request_says_what_is_taken(document: dict[str, Any]) -> None:
    shape = document["components"]["schemas"]["NewPayment"]
    assert shape["additionalProperties"] is False
    assert shape["required"] == ["order_id"]
    forms = [form["required"] for form in shape["oneOf"]]
    assert forms == [["items"], ["amount_minor", "currency"]]
    assert "usd" in shape["properties"]["currency"]["anyOf"][0]["enum"]
    parameters = document["paths"]["/payments"]["post"]["parameters"]
    (key,) = [found for found in parameters if found["name"].lower() == "idempotency-key"]
    assert (key["in"], key["required"], key["schema"]["maxLength"]) == ("header", True, 255)


def test_a_body_that_may_be_left_out_is_never_null(document: dict[str, Any]) -> None:
    """`null` is no object, and refused: schemathesis sent it while it was documented."""
    for verb in ("capture", "cancel"):
        body = document["paths"][f"/payments/{{id}}/{verb}"]["post"]["requestBody"]
        shape = body["content"]["application/json"]["schema"]
        assert shape == {"$ref": f"#/components/schemas/{verb.capitalize()}"}
        assert not body.get("required")


def test_items_that_must_differ_are_said_to_be_unique(document: dict[str, Any]) -> None:
    shapes = document["components"]["schemas"]
    assert shapes["NewCheckoutSession"]["properties"]["items"]["uniqueItems"] is True
    assert shapes["NewSubscription"]["properties"]["items"]["uniqueItems"] is True
    assert shapes["SubscriptionChange"]["properties"]["items"]["anyOf"][0]["uniqueItems"] is True


def assert_as_documented(document: dict[str, Any], method: str, path: str, reply: Reply) -> None:
    """The body fits the schema of its status, and nothing is answered that is not documented."""
    responses = document["paths"][path][method]["responses"]
    assert str(reply.status) in responses, f"{method} {path} answers {reply.status}"
    shape = responses[str(reply.status)]["content"]["application/json"]["schema"]
    whole = {"$ref": "#/shape", "shape": shape, "components": document["components"]}
    jsonschema_rs.validate(whole, reply.json)


def test_every_answer_of_a_post_is_as_documented(document: dict[str, Any]) -> None:
    browser = Browser(shop=Shop(per_minute=15))
    faults = browser.shop.gateway.faults
    replies = [browser.post(), browser.post(), browser.post(key="key-2")]
    replies += [browser.post(BODY | {"amount_minor": 5000}, key=key) for key in ("key-1", "key-3")]
    for number, error in enumerate(
        [
            OutcomeUnknown("a"),
            KeyRefused("b", http_status=401),
            StripeRefused("c"),
            NotConfigured("d"),
            TryAgain("e"),
            ZeroDivisionError("f"),
        ]
    ):
        faults.plan("create_intent", error)
        replies.append(browser.post(BODY | {"order_id": f"o-{number}"}, key=f"k-{number}"))
    replies += [browser.post({}), browser.post(key=None), browser.post("x" * 70_000)]
    replies += [Browser(scopes="").post()]
    replies += [browser.post(BODY | {"order_id": f"p-{n}"}, key=f"p-{n}") for n in range(8)]
    for reply in replies:
        assert_as_documented(document, "post", "/payments", reply)
    assert {reply.status for reply in replies} == {
        *(200, 201, 202, 400, 403, 409, 413, 429, 500, 503)
    }


def test_every_answer_of_a_get_is_as_documented(document: dict[str, Any]) -> None:
    browser = Browser()
    payment_id = browser.post().json["payment"]["id"]
    for path, query, template in (
        (f"/payments/{payment_id}", "", "/payments/{id}"),
        ("/payments/pay_unknown", "", "/payments/{id}"),
        (f"/payments/{payment_id}/client-secret", "", "/payments/{id}/client-secret"),
        ("/payments", "order_id=order-1", "/payments"),
        ("/payments", "order_id=order-2", "/payments"),
        ("/payments", "", "/payments"),
        ("/config", "", "/config"),
    ):
        assert_as_documented(document, "get", template, browser.get(path, query))
        nobody = Browser(scopes=None)
        nobody.shop = browser.shop
        assert_as_documented(document, "get", template, nobody.get(path, query))
    browser.shop.gateway.faults.plan("intent", TryAgain("away"))
    away = browser.get(f"/payments/{payment_id}/client-secret")
    assert away.status == 503
    assert_as_documented(document, "get", "/payments/{id}/client-secret", away)


def test_a_method_or_path_that_is_not_there_is_404_in_our_shape() -> None:
    browser = Browser()
    for method, path in (
        ("GET", "/"),
        ("GET", "/payment"),
        ("PUT", "/payments"),
        ("DELETE", "/payments/pay_1"),
        ("POST", "/payments/pay_1/confirm"),
        ("GET", "/payments/pay_1/client-secret/more"),
        ("POST", "/config"),
        ("OPTIONS", "/payments"),
    ):
        reply = browser.send(method, path, body={} if method == "POST" else None)
        assert (reply.status, reply.code) == (404, "not_found")
