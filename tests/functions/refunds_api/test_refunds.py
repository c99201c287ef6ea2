"""The refunds routes: what is asked, what is answered, and who may."""

from typing import Any

import pytest
from paidonce.domain.errors import KeyRefused, NotConfigured, OutcomeUnknown, StripeRefused

from tests.functions.refunds_api.a_counter import SERVER, SHOPPER, Counter
from tests.use_cases.a_refund_desk import RefundDesk

ALL = {"payment_id": "pay_1"}
PART = ALL | {"amount_minor": 300, "reason": "requested_by_customer"}


def test_a_refund_is_made_and_shown() -> None:
    counter = Counter()
    made = counter.post(PART)
    assert made.status == 201
    refund = made.json["refund"]
    assert refund == {
        "id": refund["id"],
        "payment_id": "pay_1",
        "stripe_refund_id": "re_fake000001",
        "amount_minor": 300,
        "currency": "usd",
        "status": "succeeded",
        "reason": "requested_by_customer",
    }
    assert refund["id"].startswith("ref_")
    assert made.json["payment"]["amount_refunded_minor"] == 300
    assert made.json["payment"]["refunds"] == [
        {k: refund[k] for k in ("id", "amount_minor", "status", "reason")}
    ]
    assert made.headers["cache-control"] == "no-store"
    shown = counter.get(refund["id"])
    assert (shown.status, shown.json) == (200, {"refund": refund})
    assert counter.get("re_fake000001").json == {"refund": refund}


def test_a_repeat_is_told_to_be_one_with_stored_answers_and_without() -> None:
    desk = RefundDesk()
    counter = Counter(desk=desk)
    first = counter.post(PART)
    for again in (counter.post(PART), Counter(desk=desk).post(PART)):
        assert again.status == 201
        assert again.headers["idempotent-replayed"] == "true"
        assert again.json == first.json
    assert "idempotent-replayed" not in first.headers
    assert desk.gateway.keys == ["ch_1_r1"]


def test_a_refund_that_fails_after_success_is_shown_as_not_refunded() -> None:
    counter = Counter()
    refund = counter.post(ALL).json["refund"]
    made = counter.desk.made[0]
    made["status"] = "failed"
    counter.desk.shows(made)
    assert counter.get(refund["id"]).json["refund"]["status"] == "failed"
    assert counter.desk.row.view()["amount_refunded_minor"] == 0
    assert counter.post(ALL, key="key-2").status == 201


def test_an_unknown_outcome_is_202_and_the_same_request_later_201() -> None:
    counter = Counter()
    counter.desk.gateway.faults.plan("send.after", OutcomeUnknown("lost"))
    first = counter.post(PART)
    assert first.status == 202
    assert first.json["refund"]["status"] == "pending"
    assert first.json["refund"]["stripe_refund_id"] is None
    assert "again" in first.json["message"]
    again = counter.post(PART)
    assert (again.status, again.json["refund"]["status"]) == (201, "succeeded")
    assert len(counter.desk.made) == 1


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (KeyRefused("no", http_status=401), "payments_blocked"),
        (NotConfigured("placeholder"), "not_configured"),
    ],
)
def test_without_a_key_that_works_it_is_503_with_nothing_recorded(
    error: Exception, code: str
) -> None:
    counter = Counter()
    counter.desk.key.faults.plan("read_key", error)
    refused = counter.post(ALL)
    assert (refused.status, refused.code) == (503, code)
    assert "retry-after" in refused.headers
    assert counter.desk.row.refunds == ()
    assert counter.post(ALL).status == 201


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"payment_id"}),
        ({"payment_id": ""}, {"payment_id"}),
        ({"payment_id": 1}, {"payment_id"}),
        (ALL | {"amount_minor": 0}, {"amount_minor"}),
        (ALL | {"amount_minor": -1}, {"amount_minor"}),
        (ALL | {"amount_minor": "300"}, {"amount_minor"}),
        (ALL | {"amount_minor": 1.5}, {"amount_minor"}),
        (ALL | {"reason": "because"}, {"reason"}),
        (ALL | {"reason": "4242424242424242"}, {"reason"}),
        (ALL | {"charge": "ch_1"}, {"charge"}),
    ],
)
def test_a_wrong_body_is_400_and_says_where(body: dict[str, Any], fields: set[str]) -> None:
    counter = Counter()
    refused = counter.post(body)
    assert (refused.status, refused.code) == (400, "invalid_request")
    assert set(refused.fields) == fields
    assert counter.desk.gateway.keys == []


def test_a_key_is_needed() -> None:
    assert Counter().post(ALL, key=None).code == "idempotency_key_missing"


def test_more_than_is_left_and_what_stripe_refuses_are_409_with_a_sentence() -> None:
    counter = Counter()
    refused = counter.post(ALL | {"amount_minor": 1001})
    assert (refused.status, refused.code) == (409, "state_conflict")
    assert "Only 1000 minor units of usd" in refused.json["error"]["message"]
    desk = counter.desk
    desk.gateway.faults.plan("send", StripeRefused("raw", stripe_code="charge_disputed"))
    refused = counter.post(ALL, key="key-2")
    assert (refused.status, refused.code) == (409, "state_conflict")
    assert "disputed" in refused.json["error"]["message"]
    for again in (counter.post(ALL, key="key-2"), Counter(desk=desk).post(ALL, key="key-2")):
        assert (again.status, again.code) == (409, "state_conflict")
        assert again.headers["idempotent-replayed"] == "true"
        assert again.json["error"]["message"] == refused.json["error"]["message"]


def test_a_request_that_stripe_calls_wrong_says_nothing_of_stripe_s() -> None:
    counter = Counter()
    counter.desk.gateway.faults.plan("send", StripeRefused("raw text", stripe_code="secret_word"))
    refused = counter.post(ALL)
    assert (refused.status, refused.code) == (400, "invalid_request")
    assert "raw text" not in refused.text
    assert "secret_word" not in refused.text


def test_the_same_key_with_another_body_is_409() -> None:
    desk = RefundDesk()
    counter = Counter(desk=desk)
    counter.post(PART)
    # From the stored answer, and from the row once that is gone.
    for other in (counter, Counter(desk=desk)):
        assert other.post(ALL).code == "idempotency_conflict"


@pytest.mark.parametrize(("scopes", "status"), [(None, 403), ("payments:any", 403), (SERVER, 201)])
def test_the_scope_is_checked_by_the_function_too(scopes: str | None, status: int) -> None:
    assert Counter(scopes=scopes).post(ALL).status == status


def test_what_is_another_s_is_404_like_what_does_not_exist() -> None:
    desk = RefundDesk()
    refund_id = Counter(desk=desk).post(PART).json["refund"]["id"]
    stranger = Counter(desk=desk, sub="user-2", scopes=SHOPPER)
    owner = Counter(desk=desk, sub="user-1", scopes=SHOPPER)
    for reply in (
        stranger.get(refund_id),
        stranger.get("ref_none"),
        stranger.get("pay_1"),
        stranger.post(ALL),
        stranger.post({"payment_id": "pay_none"}, key="key-2"),
    ):
        assert (reply.status, reply.code) == (404, "not_found")
    assert owner.get(refund_id).status == 200
    assert owner.post(ALL).status == 201
