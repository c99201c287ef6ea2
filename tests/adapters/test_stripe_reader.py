"""What the worker reads at Stripe, and what each request leaves behind it."""

import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

import pytest
from paidonce.domain.errors import StripeRefused, TryAgain

from tests.adapters.canned import STRIPE_NOW, Canned
from tests.adapters.stripe_bench import GOOD, INTENT, Bench, before_canned_stripe, refusal
from tests.billing_examples import a_failed_invoice, a_subscription, an_invoice, with_payments
from tests.examples import a_payload


@pytest.fixture
def bench() -> Iterator[Bench]:
    with before_canned_stripe() as made:
        yield made


# --- the worker's reads ---------------------------------------------------------------------------


def test_an_object_is_read_in_one_try(bench: Bench) -> None:
    bench.server.answers = [GOOD]
    seen = bench.reader().retrieve("payment_intent", "pi_1")
    assert (seen.object, seen.source, seen.as_of) == (INTENT, "fetch", STRIPE_NOW)
    assert sum(bench.counter.counts.values()) == 1


@pytest.mark.parametrize(
    "failure", [Canned(closes=True), refusal(500), refusal(429), refusal(409), Canned(200, "[]")]
)
def test_a_failed_read_is_try_again_after_one_try(bench: Bench, failure: Canned) -> None:
    bench.server.answers = [failure]
    with pytest.raises(TryAgain):
        bench.reader().retrieve("payment_intent", "pi_1")
    assert len(bench.server.asked) == 1
    assert bench.clock.pauses == []


def test_a_slow_read_is_given_up(bench: Bench) -> None:
    bench.server.answers = [Canned(hangs=True)]
    started = time.monotonic()
    with pytest.raises(TryAgain):
        bench.reader(timeout_seconds=0.3).retrieve("payment_intent", "pi_1")
    assert time.monotonic() - started < 3


def test_without_budget_nobody_is_called(bench: Bench) -> None:
    bench.server.answers = [GOOD]
    reader = bench.reader(per_second=1)
    reader.retrieve("payment_intent", "pi_1")
    with pytest.raises(TryAgain):
        reader.retrieve("payment_intent", "pi_1")
    assert len(bench.server.asked) == 1


def test_an_object_that_is_not_there_is_no_bug(bench: Bench) -> None:
    bench.server.answers = [refusal(404, "resource_missing")]
    with pytest.raises(StripeRefused) as raised:
        bench.reader().retrieve("charge", "ch_1")
    assert raised.value.http_status == 404
    assert bench.telemetry.counts["InvalidRequest"] == 0
    assert bench.server.asked[0].path == "/v1/charges/ch_1"


@pytest.mark.parametrize("object_id", ["", "../balance", "pi_1/cancel", "pi_1?expand[]=x", "é"])
def test_what_is_no_id_is_never_put_into_a_path(bench: Bench, object_id: str) -> None:
    bench.server.answers = [GOOD]
    with pytest.raises(StripeRefused):
        bench.reader().retrieve("payment_intent", object_id)
    with pytest.raises(StripeRefused):
        bench.gateway().intent(object_id, time_left=bench.clock.time_left(9))
    assert bench.server.asked == []


def test_an_event_is_read_by_its_id(bench: Bench) -> None:
    bench.server.answers = [Canned(body=a_payload(event_id="evt_7"))]
    assert bench.reader().event("evt_7").id == "evt_7"
    assert bench.server.asked[0].path == "/v1/events/evt_7"


def test_an_answer_that_is_no_event_is_try_again(bench: Bench) -> None:
    bench.server.answers = [Canned(body={"id": "evt_7"})]
    with pytest.raises(TryAgain):
        bench.reader().event("evt_7")


# --- what is left of a call -----------------------------------------------------------------------


def test_every_request_leaves_one_line_of_ids_and_words(bench: Bench) -> None:
    bench.creates(refusal(429, "rate_limit", Stripe_Rate_Limited_Reason="global-rate"), GOOD)
    first, second = (dict(ids) for _, ids in bench.telemetry.facts)
    assert {name: value for name, value in first.items() if value is not None} == {
        "method": "post",
        "path": "/v1/payment_intents",
        "status": 429,
        "stripe_request_id": "req_canned",
        "idempotency_key": "pay_1_a1",
        "duration_ms": 0,
        "attempt": 1,
        "rate_limited_reason": "global-rate",
        "error": "RateLimitError",
        "stripe_code": "rate_limit",
        "param": "amount",
    }
    assert (second["status"], second["error"]) == (200, None)
    assert bench.telemetry.counts == {"StripeCalls": 2, "StripeThrottled": 1}


def test_the_apis_calls_are_counted_and_never_refused(bench: Bench) -> None:
    gateway = bench.gateway(per_second=1)
    bench.server.answers = [GOOD]
    for _ in range(3):
        gateway.intent("pi_1", time_left=bench.clock.time_left(9))
    assert len(bench.server.asked) == 3
    assert bench.telemetry.counts["StripeBudgetExceeded"] == 2


def test_a_counter_out_of_reach_is_not_in_the_way(bench: Bench) -> None:
    bench.counter.faults.plan("take", TryAgain("throttled"))
    assert bench.gets(GOOD).seen.object == INTENT


def test_different_failures_in_a_row_end_in_one_answer(bench: Bench) -> None:
    bench.creates(Canned(closes=True), refusal(429), refusal(500), GOOD)
    assert bench.statuses == [None, 429, 500, 200]


# --- lists that Stripe cuts short -----------------------------------------------------------------


def a_cut_subscription(**items: object) -> Canned:
    shown = {"data": [{"id": "si_0"}], "has_more": True, **items}
    return Canned(body={"id": "sub_1", "object": "subscription", "items": shown})


def a_page(number: int, *, has_more: bool) -> Canned:
    return Canned(body={"object": "list", "data": [{"id": f"si_{number}"}], "has_more": has_more})


def test_a_subscription_is_read_with_its_invoice_and_all_its_items(bench: Bench) -> None:
    bench.server.answers = [
        a_cut_subscription(),
        a_page(1, has_more=True),
        a_page(2, has_more=False),
    ]
    seen = bench.reader().retrieve("subscription", "sub_1")
    assert [row["id"] for row in seen.object["items"]["data"]] == ["si_0", "si_1", "si_2"]
    asked = [request.path for request in bench.server.asked]
    assert asked[0].startswith("/v1/subscriptions/sub_1?expand")
    assert [path.partition("?")[0] for path in asked[1:]] == ["/v1/subscription_items"] * 2
    assert "subscription=sub_1" in asked[2]
    assert "starting_after=si_1" in asked[2]
    # Each page is a call of the worker's share.
    assert sum(bench.counter.counts.values()) == 3


def test_a_list_without_an_end_is_try_again(bench: Bench) -> None:
    bench.server.answers = [
        a_cut_subscription(),
        *(a_page(n, has_more=True) for n in range(1, 7)),
    ]
    with pytest.raises(TryAgain):
        bench.reader().retrieve("subscription", "sub_1")
    assert len(bench.server.asked) == 6


def test_a_whole_list_is_read_in_one_try(bench: Bench) -> None:
    bench.server.answers = [a_cut_subscription(has_more=False)]
    seen = bench.reader().retrieve("subscription", "sub_1")
    assert [row["id"] for row in seen.object["items"]["data"]] == ["si_0"]
    assert len(bench.server.asked) == 1


# --- why a payment failed -------------------------------------------------------------------------


def test_an_invoice_is_read_with_the_intent_that_shall_pay_it(bench: Bench) -> None:
    whole = with_payments(a_failed_invoice())
    bench.server.answers = [Canned(body=whole)]
    assert bench.reader().retrieve("invoice", "in_2").object == whole
    (asked,) = bench.server.asked
    path, _, query = unquote(asked.path).partition("?")
    assert path == "/v1/invoices/in_2"
    assert query.endswith("]=payments.data.payment.payment_intent")


def test_a_failed_invoice_is_read_after_its_subscription(bench: Bench) -> None:
    """`expand` ends one level above the intent; both calls are of the worker's share."""
    whole = with_payments(a_failed_invoice())
    late = a_subscription("past_due", latest_invoice=a_failed_invoice())
    bench.server.answers = [Canned(body=late), Canned(body=whole)]
    seen = bench.reader().retrieve("subscription", "sub_1")
    assert seen.object == late | {"latest_invoice": whole}
    paths = [request.path.partition("?")[0] for request in bench.server.asked]
    assert paths == ["/v1/subscriptions/sub_1", "/v1/invoices/in_2"]
    assert sum(bench.counter.counts.values()) == 2


def test_where_the_second_look_fails_nothing_is_seen(bench: Bench) -> None:
    late = a_subscription("past_due", latest_invoice=a_failed_invoice())
    bench.server.answers = [Canned(body=late), refusal(500)]
    with pytest.raises(TryAgain):
        bench.reader().retrieve("subscription", "sub_1")
    bench.server.answers = [Canned(body=late)]
    with pytest.raises(TryAgain):
        bench.reader(per_second=1).retrieve("subscription", "sub_1")


@pytest.mark.parametrize(
    "invoice",
    [None, an_invoice("draft", 2), an_invoice("open", 2), an_invoice(), a_failed_invoice(1)],
)
def test_an_invoice_that_has_not_failed_is_not_read(
    bench: Bench, invoice: dict[str, Any] | None
) -> None:
    bench.server.answers = [Canned(body=a_subscription(latest_invoice=invoice))]
    bench.reader().retrieve("subscription", "sub_1")
    assert len(bench.server.asked) == 1
