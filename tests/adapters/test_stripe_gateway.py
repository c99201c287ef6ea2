"""What each of Stripe's answers means for the API, against a server with canned ones."""

import time
from collections.abc import Iterator
from urllib.parse import parse_qs

import pytest
import stripe
from paidonce.domain.errors import (
    KeyRefused,
    NotConfigured,
    OutcomeUnknown,
    StripeRefused,
    TryAgain,
)
from paidonce.domain.versions import PINNED

from tests.adapters.canned import STRIPE_NOW, Canned
from tests.adapters.stripe_bench import (
    GOOD,
    INTENT,
    KEYS,
    Bench,
    before_canned_stripe,
    refusal,
)


@pytest.fixture
def bench() -> Iterator[Bench]:
    with before_canned_stripe() as made:
        yield made


# --- one good call --------------------------------------------------------------------------------


def test_an_intent_is_asked_for_with_the_given_key_and_version(bench: Bench) -> None:
    bench.creates(GOOD)
    (asked,) = bench.server.asked
    assert (asked.method, asked.path) == ("POST", "/v1/payment_intents")
    assert asked.headers["idempotency-key"] == "pay_1_a1"
    assert asked.headers["authorization"] == f"Bearer {KEYS[0]}"
    assert asked.headers["stripe-version"] == PINNED
    assert parse_qs(asked.body) == {
        "amount": ["1000"],
        "currency": ["usd"],
        "metadata[paidonce_payment]": ["pay_1"],
    }


def test_the_version_is_the_pinned_librarys_own() -> None:
    """Product, endpoint and library never disagree."""
    assert stripe.api_version == PINNED


def test_an_answer_is_dated_by_stripes_clock_and_the_calls_duration(bench: Bench) -> None:
    answer = bench.creates(GOOD)
    assert answer.seen.object == INTENT
    assert (answer.seen.as_of_from, answer.seen.as_of) == (STRIPE_NOW - 1, STRIPE_NOW)
    assert (answer.seen.source, answer.request_id, answer.replayed) == (
        "answer",
        "req_canned",
        False,
    )


def test_the_duration_of_a_call_lowers_the_bound(bench: Bench) -> None:
    original = bench.telemetry.fact

    def later(message: str, **ids: str | float | None) -> None:
        bench.clock.advance(3.5)
        original(message, **ids)

    bench.telemetry.fact = later  # type: ignore[method-assign] # the log line comes after the answer
    assert bench.creates(GOOD).seen.as_of_from == STRIPE_NOW - 5


@pytest.mark.parametrize("date", ["", "yesterday"])
def test_without_a_usable_date_our_own_clock_counts(bench: Bench, date: str) -> None:
    answer = bench.creates(Canned(body=INTENT, headers={"Date": date}))
    assert answer.seen.as_of == int(bench.clock.now())


def test_a_replayed_answer_says_so(bench: Bench) -> None:
    answer = bench.creates(Canned(body=INTENT, headers={"Idempotent-Replayed": "true"}))
    assert answer.replayed


def test_a_get_carries_no_idempotency_key(bench: Bench) -> None:
    answer = bench.gets(GOOD)
    (asked,) = bench.server.asked
    assert (asked.method, asked.path) == ("GET", "/v1/payment_intents/pi_1")
    assert "idempotency-key" not in asked.headers
    assert answer.seen.source == "fetch"


def test_the_library_tells_stripe_nothing_of_us(bench: Bench) -> None:
    """Telemetry would go with every request after the first."""
    gateway = bench.gateway()
    bench.server.answers = [GOOD]
    for _ in range(3):
        gateway.intent("pi_1", time_left=bench.clock.time_left(9))
    names = {name for asked in bench.server.asked for name in asked.headers}
    assert "x-stripe-client-telemetry" not in names
    agents = {asked.headers["x-stripe-client-user-agent"] for asked in bench.server.asked}
    assert not any("platform" in agent or "telemetry_id" in agent for agent in agents)


# --- trying again ---------------------------------------------------------------------------------

FAILURES = [
    Canned(closes=True),
    refusal(500),
    refusal(502),
    refusal(503),
    Canned(503, "<html>"),
    refusal(409, "idempotency_key_in_use"),
    refusal(429, "rate_limit"),
    refusal(429, "lock_timeout"),
    refusal(424),
    refusal(400, "rate_limit", Stripe_Should_Retry="true"),
    Canned(200, "not json"),
    Canned(200, "[]"),
    Canned(502, {"error": "bad gateway"}),
    Canned(400, {"message": "not Stripe's"}),
    *(Canned(body={k: v for k, v in INTENT.items() if k != n}) for n in ("id", "status")),
    Canned(body=INTENT | {"client_secret": None}),
]


@pytest.mark.parametrize("failure", FAILURES)
def test_a_failure_is_tried_again_with_the_same_key(bench: Bench, failure: Canned) -> None:
    assert bench.creates(failure, failure, GOOD).seen.object == INTENT
    assert [asked.headers["idempotency-key"] for asked in bench.server.asked] == ["pay_1_a1"] * 3
    assert len({asked.body for asked in bench.server.asked}) == 1
    assert [ids["attempt"] for _, ids in bench.telemetry.facts] == [1, 2, 3]


@pytest.mark.parametrize("failure", FAILURES)
def test_a_failure_that_stays_leaves_the_outcome_unknown(bench: Bench, failure: Canned) -> None:
    """Tries after 1, 2 and 4 seconds, a quarter more or less; then nobody knows."""
    with pytest.raises(OutcomeUnknown):
        bench.creates(failure)
    assert len(bench.server.asked) == 4
    for pause, seconds in zip(bench.clock.pauses, (1, 2, 4), strict=True):
        assert 0.75 * seconds <= pause <= 1.25 * seconds


def test_a_failed_get_is_try_again_since_nothing_is_at_stake(bench: Bench) -> None:
    with pytest.raises(TryAgain) as raised:
        bench.gets(refusal(503))
    assert type(raised.value) is TryAgain
    assert len(bench.server.asked) == 4
    assert not any("idempotency-key" in asked.headers for asked in bench.server.asked)


def test_no_connection_at_all_leaves_the_outcome_unknown(bench: Bench) -> None:
    bench.server.server_close()
    with pytest.raises(OutcomeUnknown):
        bench.creates(GOOD)
    assert bench.statuses == [None] * 4
    assert bench.telemetry.counts["StripeUnreachable"] == 4


@pytest.mark.parametrize(
    "failure",
    [
        refusal(500, Idempotent_Replayed="true"),
        refusal(503, Idempotent_Replayed="true", Stripe_Should_Retry="true"),
        refusal(500, Stripe_Should_Retry="false"),
        refusal(429, Stripe_Should_Retry="false"),
        refusal(409, Stripe_Should_Retry="false"),
    ],
)
def test_a_stored_failure_or_stripes_no_ends_the_tries(bench: Bench, failure: Canned) -> None:
    with pytest.raises(OutcomeUnknown):
        bench.creates(failure)
    assert len(bench.server.asked) == 1
    assert bench.clock.pauses == []


@pytest.mark.parametrize(("seconds", "tries"), [(0.4, 0), (1.0, 1), (2.2, 2), (6.0, 3), (60, 4)])
def test_no_try_begins_that_the_deadline_would_cut_off(
    bench: Bench, seconds: float, tries: int
) -> None:
    with pytest.raises(OutcomeUnknown):
        bench.creates(refusal(503), seconds=seconds)
    assert len(bench.server.asked) == tries
    assert sum(bench.clock.pauses) <= seconds


def test_a_slow_answer_is_given_up_after_the_calls_timeout(bench: Bench) -> None:
    started = time.monotonic()
    bench.creates(Canned(hangs=True), GOOD, timeout=0.3)
    assert time.monotonic() - started < 3
    assert bench.statuses == [None, 200]


def test_a_try_waits_no_longer_than_what_is_left(bench: Bench) -> None:
    started = time.monotonic()
    with pytest.raises(OutcomeUnknown):
        bench.creates(Canned(hangs=True), seconds=0.6, timeout=30)
    assert time.monotonic() - started < 3
    assert len(bench.server.asked) == 1


# --- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "code"), [(400, "parameter_unknown"), (404, "resource_missing")]
)
def test_a_wrong_request_is_refused_at_once_and_counted(
    bench: Bench, status: int, code: str
) -> None:
    with pytest.raises(StripeRefused) as raised:
        bench.creates(refusal(status, code))
    refused = raised.value
    assert (refused.stripe_code, refused.param, refused.http_status) == (code, "amount", status)
    assert bench.telemetry.counts["InvalidRequest"] == 1
    assert len(bench.server.asked) == 1


def test_the_same_key_with_another_request_is_a_refusal(bench: Bench) -> None:
    told = {"error": {"type": "idempotency_error", "message": "Keys for idempotent requests …"}}
    with pytest.raises(StripeRefused) as raised:
        bench.creates(Canned(400, told))
    assert raised.value.stripe_code == "idempotency_error"


def test_an_expired_key_is_read_anew_once(bench: Bench) -> None:
    assert bench.creates(refusal(401), GOOD).seen.object == INTENT
    used = [asked.headers["authorization"] for asked in bench.server.asked]
    assert used == [f"Bearer {key}" for key in KEYS]
    assert [asked.headers["idempotency-key"] for asked in bench.server.asked] == ["pay_1_a1"] * 2
    assert bench.telemetry.counts["StripeKeyRefused"] == 0


def test_a_key_that_stays_refused_is_not_tried_a_third_time(bench: Bench) -> None:
    with pytest.raises(KeyRefused) as raised:
        bench.creates(refusal(401))
    assert raised.value.http_status == 401
    assert (len(bench.server.asked), bench.key.refreshes) == (2, 1)
    assert bench.telemetry.counts["StripeKeyRefused"] == 1


def test_a_missing_permission_is_refused_at_once(bench: Bench) -> None:
    with pytest.raises(KeyRefused) as raised:
        bench.creates(refusal(403, "more_permissions_required"))
    assert raised.value.http_status == 403
    assert (len(bench.server.asked), bench.key.refreshes) == (1, 0)
    assert bench.telemetry.counts["StripePermissionDenied"] == 1


def test_without_a_key_nobody_is_called(bench: Bench) -> None:
    bench.key.keys.clear()
    with pytest.raises(NotConfigured):
        bench.creates(GOOD)
    with pytest.raises(NotConfigured):
        bench.reader().retrieve("payment_intent", "pi_1")
    assert bench.server.asked == []
