"""The first answer again: HTTP API events through the function, with Powertools' table on moto."""

import json
from collections.abc import Iterator
from threading import Event, Thread
from typing import Any
from uuid import uuid4

import boto3
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from moto import mock_aws
from paidonce.adapters.api.idempotent import StoredAnswers
from paidonce.domain.errors import (
    CardDeclined,
    KeyRefused,
    NotConfigured,
    NotFound,
    OutcomeUnknown,
    SlowDown,
    StateConflict,
    StripeRefused,
    TryAgain,
)
from paidonce.domain.payment import PaymentStatus

from tests.functions.payments_api.a_browser import BODY, SERVER, SHOPPER, Browser, Reply
from tests.use_cases.a_shop import Shop, set_row
from tests.use_cases.test_open_checkout import stock

REPLAYED = "idempotent-replayed"


@pytest.fixture(scope="module")
def dynamodb() -> Iterator[Any]:
    with mock_aws():
        yield boto3.client(
            "dynamodb",
            region_name="us-east-1",
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )


@pytest.fixture
def table(dynamodb: Any) -> str:
    name = f"answers-{uuid4().hex[:8]}"
    dynamodb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return name


@pytest.fixture
def browser(dynamodb: Any, table: str) -> Browser:
    return a_browser(dynamodb, table)


def a_browser(dynamodb: Any, table: str, **more: Any) -> Browser:
    stored = StoredAnswers.in_table(dynamodb, idempotency_table=table, kept_seconds=60)
    return Browser(stored_answers=stored, **more)


def records(dynamodb: Any, table: str) -> list[dict[str, Any]]:
    return list(dynamodb.scan(TableName=table)["Items"])


def post(browser: Browser, path: str, body: Any, key: str = "key-1") -> Reply:
    headers = {"content-type": "application/json", "idempotency-key": key}
    return browser.send("POST", path, body=body, headers=headers)


def test_after_the_state_moved_on_it_is_the_first_answer_but_for_the_secret(
    browser: Browser,
) -> None:
    first = browser.post()
    set_row(browser.shop, status=PaymentStatus.REQUIRES_ACTION)
    intent = browser.shop.stripe.objects[first.json["payment"]["payment_intent_id"]]
    intent["client_secret"] = "pi_another_sec" + "ret"
    again = browser.post()
    assert again.status == 201
    assert again.json == first.json | {"client_secret": intent["client_secret"]}
    assert (again.headers[REPLAYED], again.headers["cache-control"]) == ("true", "no-store")
    assert again.headers["content-type"] == first.headers["content-type"]
    assert REPLAYED not in first.headers
    assert ("answer given again", {"route": "POST /payments"}) in [
        (message, {"route": ids.get("route")}) for message, ids in browser.shop.telemetry.facts
    ]
    set_row(browser.shop, status=PaymentStatus.PAID)
    assert browser.post().json == first.json | {"client_secret": None}


def test_nothing_is_at_rest_that_is_for_the_callers_eyes(
    browser: Browser, dynamodb: Any, table: str
) -> None:
    browser.post()
    (record,) = records(dynamodb, table)
    kept = json.loads(record["data"]["S"])
    assert kept["left_out"] == ["client_secret"]
    assert set(kept["body"]) == {"payment"}
    assert "_secret_" not in str(record)


def test_a_secret_that_cannot_be_read_now_is_one_to_ask_for_again(browser: Browser) -> None:
    first = browser.post()
    browser.shop.gateway.faults.plan("intent", TryAgain("away"))
    away = browser.post()
    assert (away.status, set(away.json)) == (202, {"payment", "message"})
    browser.shop.gateway.faults.plan("intent", KeyRefused("expired", http_status=401))
    assert (browser.post().status, browser.post().json) == (503, first.json)


def test_other_bodies_and_queries_are_a_conflict_and_equal_ones_are_not(browser: Browser) -> None:
    first = browser.post()
    for change in ({"amount_minor": 2000}, {"order_id": "order-2"}, {"metadata": {"a": "b"}}):
        reply = browser.post(BODY | change)
        assert (reply.status, reply.code) == (409, "idempotency_conflict")
    backwards = json.dumps(dict(reversed(BODY.items())), indent=2)
    for same in (backwards, backwards.encode()):
        assert browser.post(same).json == first.json


def test_the_same_key_elsewhere_is_another_request(browser: Browser) -> None:
    """By path, and by method."""
    payment = browser.post().json["payment"]
    canceled = post(browser, f"/payments/{payment['id']}/cancel", {})
    assert (canceled.status, canceled.json["payment"]["status"]) == (200, "canceled")
    for same in (None, {}, {"reason": None}):
        again = post(browser, f"/payments/{payment['id']}/cancel", same)
        assert (again.json, again.headers[REPLAYED]) == (canceled.json, "true")


@pytest.mark.parametrize("other", [{"sub": "user-2"}, {"claims": {"iss": "https://other.test"}}])
def test_keys_of_different_callers_never_meet(
    dynamodb: Any, table: str, browser: Browser, other: dict[str, Any]
) -> None:
    first = browser.post()
    stranger = a_browser(dynamodb, table, shop=browser.shop, scopes=SERVER, **other)
    reply = stranger.post(BODY | {"amount_minor": 77, "order_id": "order-2"})
    assert (reply.status, reply.json["payment"]["amount_minor"]) == (201, 77)
    assert REPLAYED not in reply.headers
    assert reply.json["payment"]["id"] != first.json["payment"]["id"]
    assert len(records(dynamodb, table)) == 2


NAMES = st.text(st.characters(codec="ascii", categories=["L", "N", "P"]), min_size=1, max_size=4)


@given(callers=st.lists(st.tuples(NAMES, NAMES, NAMES), min_size=2, max_size=5, unique=True))
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_no_two_triples_of_issuer_subject_and_key_share_an_answer(
    dynamodb: Any, table: str, callers: list[tuple[str, str, str]]
) -> None:
    shop, seen = Shop(), set()
    for number, (issuer, subject, key) in enumerate(callers):
        browser = a_browser(
            dynamodb, table, shop=shop, sub=subject, claims={"iss": f"{uuid4().hex}{issuer}"}
        )
        reply = browser.post(BODY | {"order_id": f"order-{number}"}, key=key)
        assert (reply.status, REPLAYED in reply.headers) == (201, False)
        seen.add(reply.json["payment"]["id"])
    assert len(seen) == len(callers)


def test_a_scope_that_was_lost_closes_what_was_stored(
    dynamodb: Any, table: str, browser: Browser
) -> None:
    browser.post()
    reader = a_browser(dynamodb, table, shop=browser.shop, scopes="payments:read")
    reply = reader.post()
    assert (reply.status, reply.code) == (403, "forbidden")


def test_the_second_while_the_first_is_under_way(browser: Browser) -> None:
    """The first hangs at Stripe: the second is told to come back, and then gets the answer."""
    asked, goes_on = Event(), Event()
    replies: list[Reply] = []

    def hang() -> None:
        asked.set()
        assert goes_on.wait(10)

    browser.shop.gateway.faults.before("create_intent", hang)
    first = Thread(target=lambda: replies.append(browser.post()))
    first.start()
    assert asked.wait(10)
    second = browser.post()
    assert (second.status, second.code) == (409, "idempotency_in_progress")
    assert int(second.headers["retry-after"]) >= 1
    assert "under way" in second.json["error"]["message"]
    goes_on.set()
    first.join(10)
    assert replies[0].status == 201
    again = browser.post()
    assert (again.json, again.headers[REPLAYED]) == (replies[0].json, "true")
    assert len(browser.shop.intents) == 1


def test_a_202_is_not_stored_and_the_same_request_later_gets_the_201(
    browser: Browser, dynamodb: Any, table: str
) -> None:
    browser.shop.gateway.faults.plan("create_intent", OutcomeUnknown("away"))
    assert browser.post().status == 202
    assert records(dynamodb, table) == []
    made = browser.post()
    assert (made.status, REPLAYED in made.headers) == (201, False)
    again = browser.post()
    assert (again.json, again.headers[REPLAYED]) == (made.json, "true")


PASSING = [
    (KeyRefused("expired", http_status=401), 503),
    (NotConfigured("placeholder"), 503),
    (TryAgain("throttled"), 503),
    (ZeroDivisionError("a bug"), 500),
    (StripeRefused("wrong"), 400),
    (SlowDown("too often", retry_after_seconds=3), 429),
]


@pytest.mark.parametrize(("error", "status"), PASSING)
def test_what_is_not_final_is_not_stored(
    browser: Browser, dynamodb: Any, table: str, error: Exception, status: int
) -> None:
    browser.shop.key.faults.plan("read_key", error)
    assert browser.post().status == status
    assert records(dynamodb, table) == []
    assert browser.post().status == 201


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (NotFound("There is no such thing."), 404),
        (CardDeclined("Your card was declined."), 402),
        (StateConflict("It is over."), 409),
    ],
)
def test_a_final_refusal_is_told_again_word_by_word(
    browser: Browser, error: Exception, status: int
) -> None:
    browser.shop.key.faults.plan("read_key", error)
    first, again = browser.post(), browser.post()
    assert first.status == again.status == status
    assert again.json == first.json
    assert (REPLAYED in first.headers, again.headers[REPLAYED]) == (False, "true")
    assert browser.shop.intents == []


@given(st.lists(st.sampled_from([*PASSING, None]), max_size=6))
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_whatever_came_before_there_is_one_payment_and_then_only_its_answer(
    dynamodb: Any, table: str, course: list[tuple[Exception, int] | None]
) -> None:
    browser = a_browser(dynamodb, table, sub=uuid4().hex)
    made: Reply | None = None
    for step in course:
        if step is not None and made is None:
            browser.shop.key.faults.plan("read_key", step[0])
        reply = browser.post()
        if made is not None:
            assert (reply.json, reply.headers[REPLAYED]) == (made.json, "true")
        elif step is not None:
            assert reply.status == step[1]
        else:
            made = reply
            assert (made.status, REPLAYED in made.headers) == (201, False)
    assert len(browser.shop.intents) == (made is not None)


def test_wrong_requests_never_come_to_the_table(
    browser: Browser, dynamodb: Any, table: str
) -> None:
    for body, key in (({}, "key-1"), (BODY, None), ("x" * 70_000, "key-1"), ("[]", "key-1")):
        assert browser.post(body, key=key).status in (400, 413)
    assert a_browser(dynamodb, table, scopes=None).post().status == 403
    assert a_browser(dynamodb, table, scopes=SHOPPER.replace("write", "x")).post().status == 403
    assert records(dynamodb, table) == []
    assert browser.post().status == 201


def test_without_the_table_it_is_503_and_nothing_is_done(dynamodb: Any, table: str) -> None:
    class Away:
        def __getattr__(self, name: str) -> Any:
            from botocore.exceptions import EndpointConnectionError  # noqa: PLC0415

            if name == "put_item":
                raise EndpointConnectionError(endpoint_url="dynamodb")
            return getattr(dynamodb, name)

    browser = a_browser(Away(), table)
    reply = browser.post()
    assert (reply.status, reply.code) == (503, "try_again")
    assert int(reply.headers["retry-after"]) >= 1
    assert not browser.shop.tables.payments
    assert browser.shop.intents == []
    assert browser.get("/payments", "order_id=order-1").status == 200


def test_a_row_of_the_same_key_answers_when_the_stored_answer_is_gone(
    browser: Browser, dynamodb: Any, table: str
) -> None:
    first = browser.post()
    (record,) = records(dynamodb, table)
    dynamodb.delete_item(TableName=table, Key={"id": record["id"]})
    again = browser.post()
    assert (again.status, again.json, again.headers[REPLAYED]) == (201, first.json, "true")
    reply = browser.post(BODY | {"amount_minor": 5})
    assert (reply.status, reply.code) == (409, "idempotency_conflict")


def test_a_delete_may_have_a_key_and_need_not(browser: Browser, dynamodb: Any, table: str) -> None:
    browser.scopes = f"{SERVER} customers:write customers:any subscriptions:write subscriptions:any"
    customer = post(browser, "/customers", {"user_id": "user-1"}).json["customer"]["id"]
    stock(browser.shop)
    wanted = {"customer_id": customer, "items": [{"price": "price_m", "quantity": 1}]}
    made = post(browser, "/subscriptions", wanted)
    assert made.status == 201
    path = f"/subscriptions/{made.json['subscription']['id']}"
    before = len(records(dynamodb, table))
    keyed = {"idempotency-key": "key-1"}
    first = browser.send("DELETE", path, query="at_period_end=true", headers=keyed)
    assert (first.status, len(records(dynamodb, table))) == (200, before + 1)
    again = browser.send("DELETE", path, query="at_period_end=true", headers=keyed)
    assert (again.json, again.headers[REPLAYED]) == (first.json, "true")
    other = browser.send("DELETE", path, headers=keyed)
    assert (other.status, other.code) == (409, "idempotency_conflict")
    ended = browser.send("DELETE", path)
    assert (ended.status, ended.json["subscription"]["status"]) == (200, "canceled")
    assert len(records(dynamodb, table)) == before + 1
    wrong = browser.send("DELETE", path, headers={"idempotency-key": "x" * 256})
    assert (wrong.status, wrong.code) == (400, "idempotency_key_missing")
