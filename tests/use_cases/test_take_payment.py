"""Record first, call Stripe second, note the answer third."""

from dataclasses import replace

import pytest
from paidonce.domain.errors import (
    ChangedMeanwhile,
    IdempotencyConflict,
    KeyRefused,
    NotConfigured,
    OrderInProgress,
    OutcomeUnknown,
    SlowDown,
    StripeRefused,
    TryAgain,
)
from paidonce.domain.ledger import Outcome
from paidonce.domain.money import Money
from paidonce.domain.payment import Payment, PaymentStatus
from paidonce.use_cases.take_payment import KEY_IS_FRESH_SECONDS, How

from tests.use_cases.a_shop import Shop, a_caller, a_request, set_row


@pytest.fixture
def shop() -> Shop:
    return Shop()


def test_a_payment_is_recorded_made_and_noted(shop: Shop) -> None:
    taken = shop.take(a_request())
    (intent,) = shop.intents
    assert taken.how is How.MADE
    assert taken.client_secret == intent["client_secret"]
    assert taken.payment == shop.row
    assert shop.row.payment_intent_id == intent["id"]
    assert shop.row.status is PaymentStatus.PENDING
    assert shop.tables.pointers[intent["id"]].aggregate_id == shop.row.id
    (row,) = shop.tables.rows.values()
    assert row.event_id == f"answer#{shop.row.id}_a1"
    assert (row.outcome, row.aggregate_id) == (Outcome.APPLIED, shop.row.id)
    assert (row.correlation_id, row.request_id) == ("corr-1", "req_fake")
    assert row.livemode is False


def test_the_intent_carries_our_marks_beside_the_callers_notes(shop: Shop) -> None:
    shop.take(a_request(metadata={"colour": "red"}, description="a hat", customer_id="cus_1"))
    (intent,) = shop.intents
    assert intent["metadata"] == {
        "colour": "red",
        "paidonce_stage": "test",
        "paidonce_payment": shop.row.id,
        "paidonce_order": "order-1",
        "paidonce_attempt": "1",
        "paidonce_correlation": "corr-1",
        "paidonce_user": "user-1",
    }
    assert dict(shop.row.creation.params) == {
        "amount": 1000,
        "currency": "usd",
        "automatic_payment_methods": {"enabled": True},
        "customer": "cus_1",
        "description": "a hat",
        "metadata": intent["metadata"],
    }


def test_capture_method_is_named_only_when_it_is_manual(shop: Shop) -> None:
    shop.take(a_request(capture="manual"))
    assert shop.row.creation.params["capture_method"] == "manual"
    assert shop.row.capture == "manual"


def test_the_row_and_its_exact_request_stand_before_stripe_is_called(shop: Shop) -> None:
    seen: list[Payment] = []
    shop.gateway.faults.before("create_intent", lambda: seen.append(shop.row))
    shop.take(a_request())
    (before,) = seen
    assert before.creation.idempotency_key == f"{before.id}_a1" == shop.gateway.keys[0]
    assert before.creation.last_tried_at == before.creation.first_tried_at is not None
    assert before.payment_intent_id is None


def test_the_same_request_again_is_answered_from_the_row_with_a_fresh_secret(shop: Shop) -> None:
    first = shop.take(a_request())
    again = shop.take(a_request())
    assert again.how is How.REPEATED
    assert (again.payment, again.client_secret) == (first.payment, first.client_secret)
    assert shop.gateway.faults.calls == ["create_intent", "intent"]


def test_the_same_key_with_another_body_is_refused(shop: Shop) -> None:
    shop.take(a_request())
    with pytest.raises(IdempotencyConflict):
        shop.take(a_request(money=Money(2000, "usd")))
    assert len(shop.intents) == 1


def test_another_key_for_the_same_order_goes_on_with_its_payment(shop: Shop) -> None:
    first = shop.take(a_request("key-1"))
    second = shop.take(a_request("key-2", description="another note"))
    assert second.how is How.SAME_ORDER
    assert second.payment == first.payment
    assert second.client_secret == first.client_secret
    assert len(shop.intents) == len(shop.tables.payments) == 1


@pytest.mark.parametrize(
    "changes",
    [{"money": Money(2000, "usd")}, {"money": Money(1000, "eur")}, {"capture": "manual"}],
)
def test_another_key_with_another_content_is_refused(
    shop: Shop, changes: dict[str, object]
) -> None:
    shop.take(a_request("key-1"))
    with pytest.raises(OrderInProgress):
        shop.take(a_request("key-2", **changes))
    assert len(shop.intents) == len(shop.tables.payments) == 1


def test_another_key_makes_the_call_that_the_first_one_did_not_live_to_make(shop: Shop) -> None:
    shop.gateway.faults.plan("create_intent", OutcomeUnknown("no answer"))
    assert shop.take(a_request("key-1")).how is How.NOT_KNOWN_YET
    taken = shop.take(a_request("key-2"))
    assert taken.how is How.SAME_ORDER
    assert shop.gateway.keys == [f"{shop.row.id}_a1"]


def test_a_canceled_payment_is_answered_as_it_is_for_its_key(shop: Shop) -> None:
    shop.take(a_request())
    set_row(shop, status=PaymentStatus.CANCELED)
    again = shop.take(a_request())
    assert again.how is How.REPEATED
    assert again.payment.status is PaymentStatus.CANCELED
    assert again.client_secret is None


def test_after_a_cancel_a_new_key_makes_a_new_payment(shop: Shop) -> None:
    first = shop.take(a_request("key-1"))
    set_row(shop, status=PaymentStatus.CANCELED)
    second = shop.take(a_request("key-2", money=Money(2000, "usd")))
    assert second.how is How.MADE
    assert second.payment.id != first.payment.id
    assert shop.tables.claims == {"order#user-1#order-1": second.payment.id}


@pytest.mark.parametrize("status", [PaymentStatus.PAID, PaymentStatus.AUTHORIZED])
def test_what_needs_no_confirming_has_no_secret(shop: Shop, status: PaymentStatus) -> None:
    shop.take(a_request())
    set_row(shop, status=status)
    again = shop.take(a_request())
    assert (again.how, again.client_secret) == (How.REPEATED, None)
    assert shop.gateway.faults.calls == ["create_intent"]


def test_an_unknown_outcome_is_said_and_the_repeat_makes_no_second_intent(shop: Shop) -> None:
    shop.gateway.faults.plan("create_intent.after", OutcomeUnknown("lost"))
    unknown = shop.take(a_request())
    assert (unknown.how, unknown.client_secret) == (How.NOT_KNOWN_YET, None)
    assert unknown.payment.id == shop.row.id
    assert shop.telemetry.counts["PaymentsOutcomeUnknown"] == 1
    again = shop.take(a_request())
    assert again.how is How.MADE
    assert len(shop.intents) == 1
    assert shop.row.payment_intent_id == shop.intents[0]["id"]


def test_of_a_replayed_answer_only_the_id_is_taken(shop: Shop) -> None:
    """Its state is that of the first call: a webhook may have told a later one since."""
    shop.gateway.faults.plan("create_intent.after", OutcomeUnknown("lost"))
    shop.take(a_request())
    shop.take(a_request())
    assert shop.row.payment_intent_id is not None
    assert shop.row.as_of is None


def test_a_webhook_that_was_faster_is_kept(shop: Shop) -> None:
    """`canceled` stands in the row when the answer (pending) comes to be noted."""

    def tell() -> None:
        (intent,) = shop.intents
        set_row(shop, status=PaymentStatus.CANCELED, payment_intent_id=intent["id"])

    shop.books.faults.before("commit", tell)
    taken = shop.take(a_request())
    assert taken.payment.status is shop.row.status is PaymentStatus.CANCELED
    assert taken.client_secret is None
    assert len(shop.tables.rows) == 1


def test_an_answer_never_pays(shop: Shop) -> None:
    """Paid waits for the event or a reading, whatever the answer says."""
    answered = shop.stripe.answered
    shop.stripe.answered = lambda document, source: answered(  # type: ignore[method-assign]
        document.replace("requires_payment_method", "succeeded"), source
    )
    taken = shop.take(a_request())
    assert shop.row.status is PaymentStatus.PENDING
    assert shop.row.payment_intent_id == shop.intents[0]["id"]
    assert taken.client_secret is not None


def test_an_answer_with_another_intent_than_the_rows_raises_an_alarm(shop: Shop) -> None:
    shop.stripe.objects["pi_other"] = {
        "id": "pi_other",
        "status": "requires_payment_method",
        "client_secret": "pi_other_secret",
    }
    shop.books.faults.before("commit", lambda: set_row(shop, payment_intent_id="pi_other"))
    taken = shop.take(a_request())
    assert shop.row.payment_intent_id == "pi_other"
    assert taken.client_secret == "pi_other_secret"
    assert shop.telemetry.counts["IntentMismatch"] == 1
    (row,) = shop.tables.rows.values()
    assert (row.outcome, row.reason) == (Outcome.SUPERSEDED, "stray_intent")
    assert [event.type for event in row.domain_events] == ["payment.stray_intent"]


def test_a_conflict_is_met_by_reading_and_deciding_again(shop: Shop) -> None:
    shop.books.faults.plan("commit", *[ChangedMeanwhile("row")] * 4)
    taken = shop.take(a_request())
    assert taken.how is How.MADE
    assert shop.clock.pauses == [0.1] * 4


def test_after_five_conflicts_the_outcome_is_not_known_yet(shop: Shop) -> None:
    shop.books.faults.plan("commit", *[ChangedMeanwhile("row")] * 5)
    assert shop.take(a_request()).how is How.NOT_KNOWN_YET
    assert shop.take(a_request()).how is How.MADE
    assert len(shop.intents) == 1


def test_an_answer_that_was_noted_before_is_a_normal_end(shop: Shop) -> None:
    """The commit was made, its answer got lost, and the round after it finds the ledger's row."""
    shop.books.faults.plan("commit.after", TryAgain("lost"))
    assert shop.take(a_request()).how is How.MADE
    assert shop.row.payment_intent_id == shop.intents[0]["id"]
    assert len(shop.tables.rows) == 1


def test_a_stage_without_a_key_records_nothing_and_calls_nobody(shop: Shop) -> None:
    shop.key.faults.plan("read_key", NotConfigured("keys/payments"))
    with pytest.raises(NotConfigured):
        shop.take(a_request())
    assert not shop.tables.payments
    assert not shop.gateway.faults.calls


@pytest.mark.parametrize(
    "error",
    [
        KeyRefused("401", http_status=401),
        StripeRefused("no", stripe_code="parameter_invalid", param="currency", http_status=400),
        NotConfigured("gone meanwhile"),
        TryAgain("Secrets Manager"),
    ],
)
def test_what_stripe_refuses_is_told_and_can_be_asked_again(shop: Shop, error: Exception) -> None:
    shop.gateway.faults.plan("create_intent", error)
    with pytest.raises(type(error)):
        shop.take(a_request())
    assert shop.row.payment_intent_id is None
    assert shop.take(a_request()).how is How.MADE


def test_a_payment_whose_secret_cannot_be_read_now_is_not_known_yet(shop: Shop) -> None:
    shop.take(a_request())
    shop.gateway.faults.plan("intent", TryAgain("Stripe is away"))
    assert shop.take(a_request()).how is How.NOT_KNOWN_YET
    shop.gateway.faults.plan("intent", KeyRefused("401", http_status=401))
    with pytest.raises(KeyRefused):
        shop.take(a_request())


def test_an_idempotency_key_that_stripe_may_have_forgotten_is_never_sent_again(shop: Shop) -> None:
    """After 24 hours the same key would make a second intent: better not known than paid twice."""
    shop.gateway.faults.plan("create_intent.after", OutcomeUnknown("lost"))
    shop.take(a_request())
    shop.clock.advance(KEY_IS_FRESH_SECONDS)
    shop.stripe.made.clear()
    assert shop.take(a_request()).how is How.NOT_KNOWN_YET
    assert shop.gateway.faults.calls == ["create_intent"]
    assert shop.telemetry.counts["CreationsTooOld"] == 1


def test_a_webhook_between_record_and_call_saves_the_call(shop: Shop) -> None:
    """Another attempt stands in the row, with its intent: this request must not make one more."""
    shop.stripe.objects["pi_told"] = {"id": "pi_told", "client_secret": "pi_told_secret"}

    def move_on() -> None:
        creation = replace(shop.row.creation, attempt=2)
        set_row(shop, creation=creation, payment_intent_id="pi_told")

    shop.payments.faults.before("note_try", move_on)
    taken = shop.take(a_request())
    assert taken.client_secret == "pi_told_secret"
    assert shop.gateway.faults.calls == ["intent"]


def test_a_try_that_cannot_be_noted_is_not_made(shop: Shop) -> None:
    shop.payments.faults.plan("note_try", *[ChangedMeanwhile("attempt")] * 5)
    assert shop.take(a_request()).how is How.NOT_KNOWN_YET
    assert not shop.gateway.faults.calls


def test_a_shopper_is_slowed_down_by_the_minute() -> None:
    shop = Shop(per_minute=2)
    shop.clock.time = 1_800_000_000.0 + 20
    for number in (1, 2):
        shop.take(a_request(f"key-{number}", order_id=f"order-{number}"))
    with pytest.raises(SlowDown) as slowed:
        shop.take(a_request("key-3", order_id="order-3"))
    assert 0 < slowed.value.retry_after_seconds <= 60
    other = a_caller("user-2")
    shop.take(a_request(caller=other, user_id="user-2"))
    shop.clock.advance(60)
    shop.take(a_request("key-3", order_id="order-3"))


def test_a_shops_own_server_is_not_slowed_down() -> None:
    shop = Shop(per_minute=0)
    server = a_caller("server", "payments:any", user_id=None)
    shop.take(a_request(caller=server, user_id=None))
    assert not shop.counter.counts


def test_no_secret_is_stored_counted_or_logged(shop: Shop) -> None:
    shop.take(a_request())
    shop.take(a_request())
    told = f"{shop.tables} {shop.telemetry.facts} {shop.telemetry.faults} {shop.counter.counts}"
    assert "_secret" not in told
