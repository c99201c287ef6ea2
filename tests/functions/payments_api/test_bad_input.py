"""Whatever is sent: a clear 4xx, nothing written, nobody called, and no value said back."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from payments_api.body import BODY_BYTES_MAX, FIELDS_MAX
from payments_api.shapes import NewPayment

from tests.functions.payments_api.a_browser import BODY, Browser, Reply
from tests.use_cases.a_shop import Shop

CARD = "4242424242424242"


@pytest.fixture
def browser() -> Browser:
    return Browser()


def assert_refused(browser: Browser, reply: Reply, *, status: int = 400) -> None:
    """A 4xx in our shape, and the world as it was."""
    assert reply.status == status, reply.text
    assert set(reply.json) == {"error"}
    assert set(reply.json["error"]) <= {"code", "message", "request_id", "fields"}
    assert not browser.shop.tables.payments
    assert not browser.shop.tables.rows
    assert not browser.shop.gateway.faults.calls
    told = f"{reply.text} {browser.shop.telemetry.facts} {browser.shop.telemetry.faults}"
    assert CARD not in told


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"amount_minor": 0}, "amount_minor"),
        ({"amount_minor": -1}, "amount_minor"),
        ({"amount_minor": 19.99}, "amount_minor"),
        ({"amount_minor": 1999.0}, "amount_minor"),
        ({"amount_minor": "1999"}, "amount_minor"),
        ({"amount_minor": True}, "amount_minor"),
        ({"amount_minor": None}, "amount_minor"),
        ({"amount_minor": [1999]}, "amount_minor"),
        ({"amount_minor": 49}, "amount_minor"),
        ({"amount_minor": 100_000_000}, "amount_minor"),
        ({"amount_minor": 10**30}, "amount_minor"),
        ({"currency": "xxx"}, "currency"),
        ({"currency": "USD"}, "currency"),
        ({"currency": "usd "}, "currency"),
        ({"currency": "usd\n"}, "currency"),
        ({"currency": ""}, "currency"),
        ({"currency": 840}, "currency"),
        ({"order_id": ""}, "order_id"),
        ({"order_id": "two words"}, "order_id"),
        ({"order_id": "line\n"}, "order_id"),
        ({"order_id": "o" * 201}, "order_id"),
        ({"order_id": "\u00f6"}, "order_id"),
        ({"order_id": 17}, "order_id"),
        ({"order_id": {"id": "x"}}, "order_id"),
        ({"user_id": ""}, "user_id"),
        ({"customer_id": "cus_"}, "customer_id"),
        ({"customer_id": "../v1/events"}, "customer_id"),
        ({"capture": "later"}, "capture"),
        ({"capture": None}, "capture"),
        ({"description": ""}, "description"),
        ({"description": "x" * 1001}, "description"),
        ({"description": "line\nbreak"}, "description"),
        ({"metadata": None}, "metadata"),
        ({"metadata": []}, "metadata"),
        ({"metadata": {str(n): "x" for n in range(47)}}, "metadata"),
        ({"metadata": {"k" * 41: "x"}}, "metadata.?"),
        ({"metadata": {"": "x"}}, "metadata.?"),
        ({"metadata": {"a[b]": "x"}}, "metadata.?"),
        ({"metadata": {"paidonce_stage": "x"}}, "metadata.paidonce_stage"),
        ({"metadata": {"paidonce_": "x"}}, "metadata.paidonce_"),
        ({"metadata": {"colour": ""}}, "metadata.colour"),
        ({"metadata": {"colour": "x" * 501}}, "metadata.colour"),
        ({"metadata": {"colour": 1}}, "metadata.colour"),
        ({"metadata": {"colour": {"a": "b"}}}, "metadata.colour"),
        ({"surprise": 1}, "surprise"),
        ({"a value in a name? <script>": 1}, "?"),
        ({"Order_id": "x"}, "Order_id"),
    ],
)
def test_a_wrong_field_is_named_with_a_sentence(
    browser: Browser, change: dict[str, Any], field: str
) -> None:
    reply = browser.post(BODY | change)
    assert_refused(browser, reply)
    assert reply.code == "invalid_request"
    assert set(reply.fields) == {field}
    assert all(
        sentence.split()[0] in {"must", "is", "prices"} for sentence in reply.fields.values()
    )


@pytest.mark.parametrize("field", ["order_id", "amount_minor", "currency"])
def test_a_missing_field_is_named(browser: Browser, field: str) -> None:
    reply = browser.post({name: value for name, value in BODY.items() if name != field})
    assert_refused(browser, reply)
    assert reply.fields == {field: "is required"}


def test_all_that_is_wrong_is_said_at_once(browser: Browser) -> None:
    reply = browser.post({"order_id": "", "amount_minor": "x", "extra": 1})
    assert set(reply.fields) == {"order_id", "amount_minor", "currency", "extra"}


@pytest.mark.parametrize(
    "change",
    [
        {"order_id": CARD},
        {"description": f"card {CARD}"},
        {"description": "4242 4242 4242 4242"},
        {"description": "4242-4242-4242-4242"},
        {"metadata": {"note": "pay with 4242.4242.4242.4242"}},
        {"metadata": {CARD: "x"}},
        {"amount_minor": int(CARD)},
        {"amount_minor": float(CARD)},
        {"user_id": CARD},
        {"customer_id": f"cus_{CARD}"},
        {CARD: 1},
        {"number": CARD},
        {"number": "1"},
        {"cvc": "123"},
        {"metadata": {"cvv": "123"}},
        {"payment_method": {"card": {"number": CARD, "cvc": "123"}}},
        {"unknown": [[{"deep": [CARD]}]]},
    ],
)
def test_card_data_in_any_field_is_refused_and_not_repeated(
    browser: Browser, change: dict[str, Any]
) -> None:
    reply = browser.post(BODY | change)
    assert_refused(browser, reply)
    assert reply.code == "invalid_request"
    assert "looks like card data" in next(iter(reply.fields.values()))
    assert "4242" not in reply.text


def deep(levels: int) -> str:
    return "[" * levels + "]" * levels


@pytest.mark.parametrize(
    "body",
    [
        "",
        " ",
        "{",
        "[]",
        "null",
        "1",
        '"text"',
        json.dumps([BODY]),
        json.dumps([BODY, BODY]),
        "order_id=order-1&amount_minor=1999&currency=usd",
        '{"order_id": NaN}',
        '{"amount_minor": Infinity}',
        '{"a": 1, "a": 1}',
        '{"order_id": "\\ud800"}',
        '{"amount_minor": ' + "9" * 5000 + "}",
        '{"order_id": "\ufffd"}',
        f'{{"order_id": {deep(30)}}}',
        f'{{"order_id": {deep(20_000)}}}',
        deep(32_000),
        "{" * 60_000,
        "\x00",
        b"\xff\xfe",
        b'{"order_id": "\xc3\x28"}',
        "\ufeff{}",
    ],
)
def test_what_is_no_json_object_is_400(browser: Browser, body: str | bytes) -> None:
    reply = browser.post(body)
    assert_refused(browser, reply)
    assert reply.code == "invalid_request"
    assert reply.fields


@pytest.mark.parametrize("inner", [deep(8), '{"a":' * 8 + "1" + "}" * 8])
def test_a_body_that_is_nested_too_deeply_is_told_so(browser: Browser, inner: str) -> None:
    reply = browser.post(f'{{"order_id": {inner}}}')
    assert_refused(browser, reply)
    assert reply.fields == {"body": "is nested too deeply"}


@pytest.mark.parametrize("value", ["x", CARD])
def test_an_answer_does_not_grow_with_what_is_wrong(browser: Browser, value: str) -> None:
    reply = browser.post({f"field{number}": value for number in range(2000)})
    assert_refused(browser, reply)
    assert len(reply.fields) == FIELDS_MAX


def test_base64_that_is_none_is_400(browser: Browser) -> None:
    event = browser.event("POST", "/payments", headers={"idempotency-key": "k"})
    for body in ("***", "YQ", "\u00e4"):
        reply = browser.call(event | {"body": body, "isBase64Encoded": True})
        assert_refused(browser, reply)


def test_a_body_in_base64_is_read(browser: Browser) -> None:
    assert browser.post(json.dumps(BODY).encode()).status == 201


@pytest.mark.parametrize("as_bytes", [False, True], ids=["text", "base64"])
def test_a_body_above_64_kib_is_413_and_one_of_64_kib_is_read(
    browser: Browser,
    as_bytes: bool,  # noqa: FBT001 - pytest gives it by name
) -> None:
    whole = json.dumps(BODY)
    for size, status in ((BODY_BYTES_MAX + 1, 413), (5_000_000, 413), (BODY_BYTES_MAX, 201)):
        text = whole + " " * (size - len(whole))
        reply = browser.post(text.encode() if as_bytes else text)
        assert reply.status == status
        if status == 413:
            assert reply.code == "too_large"
            assert_refused(browser, reply, status=413)


@pytest.mark.parametrize(
    "kind",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "x"],
)
def test_another_content_type_is_refused(browser: Browser, kind: str) -> None:
    reply = browser.post(headers={"content-type": kind})
    assert_refused(browser, reply)
    assert set(reply.fields) == {"content-type"}


@pytest.mark.parametrize("kind", ["text/plain", "multipart/form-data", "x"])
def test_no_body_of_another_content_type_is_no_body(browser: Browser, kind: str) -> None:
    reply = browser.post("", headers={"content-type": kind})
    assert_refused(browser, reply)
    assert reply.fields == {"body": "is required"}


@pytest.mark.parametrize(
    "kind", ["application/json; charset=utf-8", "Application/JSON", "application/json"]
)
def test_json_by_any_of_its_names_is_read(browser: Browser, kind: str) -> None:
    assert browser.post(headers={"content-type": kind}).status == 201


@pytest.mark.parametrize("key", [None, "", " ", "k" * 256, "two\nlines", "\u00e4", " padded"])
def test_without_a_usable_idempotency_key_it_is_400(browser: Browser, key: str | None) -> None:
    reply = browser.post(key=key)
    assert_refused(browser, reply)
    assert reply.code == "idempotency_key_missing"


@pytest.mark.parametrize(
    "key", ["k", "k" * 255, "a b", "a,b", '"quoted"', "550e8400-e29b-41d4-a716"]
)
def test_any_key_of_1_to_255_characters_is_taken(browser: Browser, key: str) -> None:
    assert browser.post(key=key).status == 201
    assert browser.post(key=key).headers["idempotent-replayed"] == "true"


def test_the_case_of_header_names_does_not_matter(browser: Browser) -> None:
    event = browser.event("POST", "/payments", body=BODY, headers={"Idempotency-KEY": "k"})
    assert browser.call(event).status == 201


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("", "order_id"),
        ("order_id=", "order_id"),
        ("order_id=" + "o" * 201, "order_id"),
        ("order_id=two words", "order_id"),
        (f"order_id={CARD}", "order_id"),
        ("order_id=o&user_id=", "user_id"),
    ],
)
def test_a_wrong_query_is_named(browser: Browser, query: str, field: str) -> None:
    reply = browser.get("/payments", query)
    assert_refused(browser, reply)
    assert set(reply.fields) == {field}


def test_two_order_ids_in_one_query_are_refused(browser: Browser) -> None:
    event = browser.event("GET", "/payments", query="order_id=a")
    event |= {
        "rawQueryString": "order_id=a&order_id=b",
        "queryStringParameters": {"order_id": "a,b"},
    }
    assert_refused(browser, browser.call(event))


# --- anything at all ------------------------------------------------------------------------------

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.sampled_from(["usd", "order-1", "cus_1", "automatic", "manual", CARD]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)
NAMES = st.sampled_from([*NewPayment.model_fields, "items", "number"]) | st.text(max_size=8)
BODIES = st.dictionaries(NAMES, VALUES, max_size=6) | st.dictionaries(
    NAMES, VALUES, max_size=2
).map(lambda changes: BODY | changes)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(BODIES)
def test_any_body_is_taken_or_refused_and_nothing_in_between(body: dict[str, Any]) -> None:
    """Never a 5xx; after a 4xx nobody was called and nothing is written."""
    browser = Browser(shop=Shop())
    reply = browser.post(body)
    assert reply.status in (201, 400, 403)
    if reply.status == 201:
        assert len(browser.shop.intents) == 1
    else:
        assert_refused(browser, reply, status=reply.status)


@settings(max_examples=150, deadline=None)
@given(st.text() | st.binary())
def test_any_text_or_bytes_are_refused(body: str | bytes) -> None:
    browser = Browser(shop=Shop())
    assert_refused(browser, browser.post(body))


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"]),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20).map(lambda text: f"/{text}"),
)
def test_any_route_is_answered(method: str, path: str) -> None:
    reply = Browser(shop=Shop()).send(method, path)
    assert (reply.status, reply.code) == (404, "not_found")
