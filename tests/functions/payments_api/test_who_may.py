"""Scopes and ownership: what a token opens, and that the rest is not there."""

import pytest
from paidonce.domain.payment import PaymentStatus

from tests.functions.payments_api.a_browser import BODY, PREFIX, SERVER, SHOPPER, Browser
from tests.use_cases.a_shop import Shop, set_row


@pytest.fixture
def shop() -> Shop:
    """Anna has paid for an order."""
    shop = Shop()
    assert Browser(shop=shop, sub="anna").post().status == 201
    return shop


@pytest.mark.parametrize(
    ("sub", "scopes", "status"),
    [
        ("anna", SHOPPER, 200),
        ("anna", "payments:read", 200),
        ("bert", SHOPPER, 404),
        ("bert", "payments:read payments:any", 200),
        ("bert", f"{PREFIX}payments:read {PREFIX}payments:any", 200),
        ("anna", f"{PREFIX}payments:read", 200),
        ("anna", "other-stage/payments:read", 403),
        ("anna", "payments:write payments:any", 403),
        ("anna", "", 403),
        ("anna", None, 403),
    ],
)
def test_a_payment_is_shown_to_its_user_and_to_servers(
    shop: Shop, sub: str, scopes: str | None, status: int
) -> None:
    browser = Browser(shop=shop, sub=sub, scopes=scopes)
    reply = browser.get(f"/payments/{shop.row.id}")
    assert reply.status == status
    by_order = browser.get("/payments", "order_id=order-1")
    assert by_order.status == (403 if status == 403 else 200)
    if status == 404:
        unknown = browser.get("/payments/pay_unknown")
        assert reply.json == unknown.json
        assert by_order.json == {"payments": [], "next": None}
    if status == 403:
        assert reply.code == by_order.code == "forbidden"


@pytest.mark.parametrize(
    ("sub", "scopes", "status"),
    [
        ("anna", SHOPPER, 200),
        ("anna", "payments:write", 200),
        ("anna", "payments:read", 403),
        ("bert", SHOPPER, 404),
        ("bert", "payments:write payments:any", 200),
    ],
)
def test_a_secret_is_given_to_its_user_and_to_servers(
    shop: Shop, sub: str, scopes: str, status: int
) -> None:
    reply = Browser(shop=shop, sub=sub, scopes=scopes).get(f"/payments/{shop.row.id}/client-secret")
    assert reply.status == status
    if status == 200:
        assert reply.json == {"client_secret": shop.intents[0]["client_secret"]}
        assert reply.headers["cache-control"] == "no-store"
    else:
        assert "_secret_" not in reply.text


@pytest.mark.parametrize(
    ("scopes", "status"),
    [
        (SHOPPER, 201),
        (f"{PREFIX}payments:write {PREFIX}payments:amount", 201),
        ("payments:write", 403),
        ("payments:amount", 403),
        ("payments:read payments:any", 403),
        ("payments:write payments:any", 403),
        ("", 403),
        (None, 403),
    ],
)
def test_an_amount_of_ones_own_needs_its_scope(scopes: str | None, status: int) -> None:
    browser = Browser(scopes=scopes)
    reply = browser.post()
    assert reply.status == status
    assert len(browser.shop.intents) == (1 if status == 201 else 0)


def test_the_same_key_and_order_of_another_caller_are_another_payment(shop: Shop) -> None:
    reply = Browser(shop=shop, sub="bert").post()
    assert reply.status == 201
    assert reply.json["payment"]["user_id"] == "bert"
    assert len(shop.tables.payments) == 2


def test_a_server_finds_a_users_order_by_naming_the_user(shop: Shop) -> None:
    server = Browser(shop=shop, sub="server", scopes=SERVER)
    assert server.get("/payments", "order_id=order-1").json["payments"] == []
    found = server.get("/payments", "order_id=order-1&user_id=anna").json["payments"]
    assert [payment["id"] for payment in found] == [shop.row.id]
    bert = Browser(shop=shop, sub="bert").get("/payments", "order_id=order-1&user_id=anna")
    assert (bert.status, bert.code) == (403, "forbidden")


def test_the_user_is_what_the_stages_claim_says() -> None:
    browser = Browser(user_claim="email", claims={"email": "anna@shop.test"})
    assert browser.post().json["payment"]["user_id"] == "anna@shop.test"
    assert browser.get("/payments", "order_id=order-1").json["payments"]


def test_a_program_without_a_user_pays_for_nobody_and_sees_nothing_of_it() -> None:
    """Two programs must not see each other's payments because both belong to nobody."""
    browser = Browser(user_claim="email")
    reply = browser.post()
    assert (reply.status, reply.json["payment"]["user_id"]) == (201, None)
    assert browser.post().status == 201
    assert browser.get(f"/payments/{reply.json['payment']['id']}").status == 404
    assert browser.get("/payments", "order_id=order-1").json["payments"] == []


@pytest.mark.parametrize(
    "jwt",
    [
        None,
        {},
        {"claims": None, "scopes": None},
        {"claims": {"iss": "https://issuer.test"}, "scopes": ["payments:read"]},
        {"claims": {"sub": "anna"}, "scopes": ["payments:read"]},
        {"claims": {"iss": "", "sub": ""}, "scopes": ["payments:read"]},
    ],
)
def test_a_request_without_a_named_caller_is_forbidden(shop: Shop, jwt: object) -> None:
    browser = Browser(shop=shop)
    event = browser.event("GET", f"/payments/{shop.row.id}")
    event["requestContext"]["authorizer"] = {"jwt": jwt}
    assert browser.call(event).status == 403


@pytest.mark.parametrize(
    "jwt",
    [
        {"scopes": ["payments:read"]},
        {"scopes": None, "scope": "openid payments:read"},
        {"scopes": None, "scp": "[openid payments:read]"},
        {"scopes": None, "scope": f"{PREFIX}payments:read"},
    ],
)
def test_scopes_are_read_where_issuers_put_them(shop: Shop, jwt: dict[str, object]) -> None:
    browser = Browser(shop=shop)
    event = browser.event("GET", f"/payments/{shop.row.id}")
    claims = {name: value for name, value in jwt.items() if name != "scopes"}
    event["requestContext"]["authorizer"] = {
        "jwt": {
            "claims": {"iss": "https://issuer.test", "sub": "anna"} | claims,
            "scopes": jwt["scopes"],
        }
    }
    assert browser.call(event).status == 200


def test_config_needs_no_token() -> None:
    reply = Browser(scopes=None).get("/config")
    assert reply.status == 200
    assert reply.json == {"publishable_key": "pk_test_of_the_stage", "stage": "test"}


def test_a_payment_that_is_over_has_no_secret(shop: Shop) -> None:
    set_row(shop, status=PaymentStatus.PAID)
    reply = Browser(shop=shop, sub="anna").get(f"/payments/{shop.row.id}/client-secret")
    assert (reply.status, reply.code) == (409, "state_conflict")


def test_another_body_does_not_show_that_a_key_is_taken_by_somebody_else(shop: Shop) -> None:
    reply = Browser(shop=shop, sub="bert").post(BODY | {"amount_minor": 5000})
    assert reply.status == 201
