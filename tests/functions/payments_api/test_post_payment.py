"""POST /payments: every way in which it ends."""

import pytest
from paidonce.domain.errors import (
    KeyRefused,
    NotConfigured,
    OutcomeUnknown,
    StripeRefused,
    TryAgain,
)
from paidonce.domain.payment import PaymentStatus

from tests.functions.payments_api.a_browser import BODY, SERVER, Browser
from tests.use_cases.a_shop import Shop, set_row


@pytest.fixture
def browser() -> Browser:
    return Browser()


def test_201_with_the_payment_and_its_secret(browser: Browser) -> None:
    reply = browser.post()
    (intent,) = browser.shop.intents
    assert reply.status == 201
    assert reply.json == {
        "payment": {
            "id": browser.shop.row.id,
            "order_id": "order-1",
            "user_id": "user-1",
            "status": "pending",
            "amount_minor": 1999,
            "currency": "usd",
            "payment_intent_id": intent["id"],
            "charge_id": None,
            "amount_captured_minor": 0,
            "amount_refunded_minor": 0,
            "refunds": [],
            "disputes": [],
            "fraud_warning": None,
            "customer_id": None,
            "last_error": None,
            "version": browser.shop.row.version,
            "created_at": browser.shop.row.created_at,
            "updated_at": browser.shop.row.updated_at,
        },
        "client_secret": intent["client_secret"],
    }
    assert reply.headers["content-type"] == "application/json"
    assert reply.headers["cache-control"] == "no-store"
    assert "idempotent-replayed" not in reply.headers


def test_a_repeat_is_201_and_says_so(browser: Browser) -> None:
    first = browser.post()
    again = browser.post()
    assert (again.status, again.json) == (201, first.json)
    assert again.headers["idempotent-replayed"] == "true"


def test_another_key_of_the_same_order_is_200(browser: Browser) -> None:
    first = browser.post()
    other = browser.post(key="key-2")
    assert (other.status, other.json) == (200, first.json)
    assert "idempotent-replayed" not in other.headers


def test_another_body_with_the_same_key_is_409(browser: Browser) -> None:
    browser.post()
    for change in ({"amount_minor": 2000}, {"order_id": "order-2"}, {"description": "new"}):
        reply = browser.post(BODY | change)
        assert (reply.status, reply.code) == (409, "idempotency_conflict")


def test_another_amount_for_the_same_order_is_409(browser: Browser) -> None:
    browser.post()
    reply = browser.post(BODY | {"amount_minor": 2000}, key="key-2")
    assert (reply.status, reply.code) == (409, "order_in_progress")
    assert "fields" not in reply.json["error"]


def test_202_while_the_outcome_is_not_known(browser: Browser) -> None:
    browser.shop.gateway.faults.plan("create_intent", OutcomeUnknown("away"))
    reply = browser.post()
    assert reply.status == 202
    assert set(reply.json) == {"payment", "message"}
    assert reply.json["payment"]["status"] == "pending"
    assert browser.post().status == 201


def test_a_canceled_payment_has_no_secret_any_more_and_gives_way_to_a_new_one(
    browser: Browser,
) -> None:
    first = browser.post()
    set_row(browser.shop, status=PaymentStatus.CANCELED)
    again = browser.post()
    assert (again.status, again.json) == (201, first.json | {"client_secret": None})
    new = browser.post(key="key-2")
    assert new.status == 201
    assert new.json["payment"]["id"] != again.json["payment"]["id"]


def test_429_for_more_than_a_shopper_does_in_a_minute() -> None:
    browser = Browser(shop=Shop(per_minute=1))
    assert browser.post().status == 201
    reply = browser.post()
    assert (reply.status, reply.code) == (429, "slow_down")
    assert 1 <= int(reply.headers["retry-after"]) <= 60


def test_503_not_configured_leaves_no_trace(browser: Browser) -> None:
    browser.shop.key.faults.plan("read_key", NotConfigured("paidonce/test/stripe/keys/payments"))
    reply = browser.post()
    assert (reply.status, reply.code) == (503, "not_configured")
    assert int(reply.headers["retry-after"]) > 0
    assert not browser.shop.tables.payments
    assert "paidonce/" not in reply.text


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (KeyRefused("the key is expired", http_status=401), 503, "payments_blocked"),
        (KeyRefused("a permission is missing", http_status=403), 503, "payments_blocked"),
        (TryAgain("Secrets Manager did not answer"), 503, "try_again"),
    ],
)
def test_503_says_when_to_come_back_and_not_why(
    browser: Browser, error: Exception, status: int, code: str
) -> None:
    browser.shop.gateway.faults.plan("create_intent", error)
    reply = browser.post()
    assert (reply.status, reply.code) == (status, code)
    assert int(reply.headers["retry-after"]) > 0
    assert str(error) not in reply.text


def test_what_stripe_calls_wrong_is_400_without_stripes_words(browser: Browser) -> None:
    error = StripeRefused(
        "No such customer: 'cus_x'", stripe_code="resource_missing", param="customer"
    )
    browser.shop.gateway.faults.plan("create_intent", error)
    reply = browser.post()
    assert (reply.status, reply.code) == (400, "invalid_request")
    assert "customer" not in reply.text
    ((message, kind, ids),) = browser.shop.telemetry.faults
    assert (message, kind) == ("stripe refused", "StripeRefused")
    assert (ids["stripe_code"], ids["param"]) == ("resource_missing", "customer")


def test_a_bug_is_500_without_a_word_about_it(browser: Browser) -> None:
    browser.shop.books.faults.plan("commit", ZeroDivisionError("the secret of the bug"))
    reply = browser.post()
    assert (reply.status, reply.code) == (500, "internal")
    assert "secret of the bug" not in reply.text
    ((message, kind, ids),) = browser.shop.telemetry.faults
    assert (message, kind) == ("request failed", "ZeroDivisionError")
    assert browser.shop.telemetry.counts["InternalErrors"] == 1
    assert ids["request_id"] == reply.json["error"]["request_id"] == "JKJaXmPLvHcESHA="
    assert browser.post().status == 201


def test_the_deadline_is_that_of_the_request_and_less_when_lambda_has_less() -> None:
    browser = Browser()
    left: list[float] = []
    make = browser.shop.gateway.create_intent

    def watched(params: object, *, idempotency_key: str, time_left: object) -> object:
        left.append(time_left())  # type: ignore[operator]
        return make(params, idempotency_key=idempotency_key, time_left=time_left)

    browser.shop.gateway.create_intent = watched
    browser.post()
    browser.context.remaining_ms = 9_000
    browser.post(BODY | {"order_id": "order-2"}, key="key-2")
    assert left == [22, 8]


@pytest.mark.parametrize(
    ("given", "noted"),
    [
        ("1-67891233-abcdef012345678912345678", "1-67891233-abcdef012345678912345678"),
        ("a line\nbreak", "JKJaXmPLvHcESHA="),
        ("x" * 129, "JKJaXmPLvHcESHA="),
        ("4242424242424242", "JKJaXmPLvHcESHA="),
        ("", "JKJaXmPLvHcESHA="),
    ],
)
def test_a_sane_correlation_id_is_carried_into_the_ledger(given: str, noted: str) -> None:
    browser = Browser()
    browser.post(headers={"x-correlation-id": given})
    (row,) = browser.shop.tables.rows.values()
    assert row.correlation_id == noted
    (intent,) = browser.shop.intents
    assert intent["metadata"]["paidonce_correlation"] == noted


def test_each_request_ends_in_one_line_whatever_becomes_of_it() -> None:
    browser = Browser()
    browser.post()
    browser.post(b"{")
    browser.get("/nowhere")
    told = [ids for message, ids in browser.shop.telemetry.facts if message == "request answered"]
    assert [ids["status"] for ids in told] == [201, 400, 404]
    assert told[0]["route"] == "POST /payments"


def test_a_server_pays_for_a_user_or_for_nobody() -> None:
    browser = Browser(scopes=SERVER, sub="client-1", claims={"client_id": "client-1"})
    anna = browser.post(BODY | {"user_id": "anna", "customer_id": "cus_1"})
    assert (anna.status, anna.json["payment"]["user_id"]) == (201, "anna")
    nobody = browser.post(BODY | {"order_id": "order-2"}, key="key-2")
    assert (nobody.status, nobody.json["payment"]["user_id"]) == (201, None)
    assert set(browser.shop.tables.claims) == {"order#anna#order-1", "order#client-1#order-2"}


@pytest.mark.parametrize("field", [{"user_id": "user-1"}, {"customer_id": "cus_1"}])
def test_a_shopper_may_not_name_a_user_or_a_customer(
    browser: Browser, field: dict[str, str]
) -> None:
    reply = browser.post(BODY | field)
    assert (reply.status, reply.code) == (403, "forbidden")
    assert "payments:any" in reply.json["error"]["message"]
    assert not browser.shop.tables.payments


def test_no_log_line_holds_a_secret_or_a_note(browser: Browser) -> None:
    body = BODY | {"description": "for Grete", "metadata": {"address": "Berlin"}}
    browser.post(body)
    browser.post(body | {"currency": "xxx"}, key="key-2")
    told = f"{browser.shop.telemetry.facts} {browser.shop.telemetry.faults}"
    assert "_secret" not in told
    assert "Grete" not in told
    assert "Berlin" not in told
