"""A refund: reserved first, asked for second, noted third."""

from contextlib import suppress

import pytest
from paidonce.domain.caller import Caller
from paidonce.domain.errors import (
    ChangedMeanwhile,
    FailureStored,
    IdempotencyConflict,
    KeyRefused,
    NotConfigured,
    NotFound,
    OutcomeUnknown,
    StateConflict,
    StripeRefused,
    TryAgain,
)
from paidonce.domain.payment import PaymentStatus
from paidonce.domain.refund import RefundStatus
from paidonce.domain.stripe_call import CallState
from paidonce.use_cases.refund_payment import How
from paidonce.use_cases.run_operation import NextNotQueuedError

from tests.use_cases.a_refund_desk import (
    RefundDesk,
    a_refund_request,
    a_stripe_refund,
    only_refund,
    refunds_of,
    set_payment,
    the_server,
)
from tests.use_cases.test_take_payment_crashes import Crash


def a_shopper(name: str) -> Caller:
    return Caller(
        issuer="https://issuer.test",
        subject=name,
        user_id=name,
        scopes=frozenset({"refunds:write", "refunds:read"}),
    )


def test_without_an_amount_all_that_is_left_is_refunded() -> None:
    desk = RefundDesk()
    desk.refund(a_refund_request("part", amount_minor=300, reason="duplicate"))
    refunded = desk.refund(a_refund_request("rest"))
    assert refunded.how is How.MADE
    assert refunded.refund.amount_minor == 700
    assert refunded.refund.stripe_refund_id == "re_fake000002"
    assert refunded.payment.amount_refunded_minor == 1000
    assert [made["amount"] for made in desk.made] == [300, 700]
    assert desk.gateway.keys == ["ch_1_r1", "ch_1_r2"]
    assert desk.made[0]["reason"] == "duplicate"
    assert desk.made[0]["metadata"] == {
        "paidonce_stage": "test",
        "paidonce_payment": "pay_1",
        "paidonce_refund": a_refund_request("part").refund_id,
        "paidonce_correlation": "corr-1",
    }


def test_the_answer_is_in_the_ledger_with_its_pointer_and_its_event() -> None:
    desk = RefundDesk()
    refund = desk.refund(a_refund_request()).refund
    (row,) = desk.tables.rows.values()
    assert (row.event_id, row.event_type) == ("answer#ch_1_r1", "answer.refund.create")
    assert desk.told == [f"pay_1.{desk.row.version}.refund.settled.{refund.id}"]
    assert desk.tables.pointers[refund.id].aggregate_id == "pay_1"
    assert desk.tables.pointers["re_fake000001"].aggregate_id == "pay_1"
    assert desk.row.refunds[0].call is not None
    assert desk.row.refunds[0].call.state is CallState.DONE


def test_a_repeat_finds_its_refund_and_asks_nobody() -> None:
    desk = RefundDesk()
    first = desk.refund(a_refund_request(amount_minor=300))
    again = desk.refund(a_refund_request(amount_minor=300))
    assert again.how is How.REPEATED
    assert again.refund == first.refund
    assert desk.gateway.keys == ["ch_1_r1"]
    assert desk.row == first.payment


def test_the_same_key_with_another_body_is_a_conflict() -> None:
    """Also when the other body names a payment that has not heard of the key."""
    desk = RefundDesk()
    desk.refund(a_refund_request(amount_minor=300))
    for other in ({"amount_minor": 301}, {}, {"payment_id": "pay_2", "amount_minor": 300}):
        with pytest.raises(IdempotencyConflict):
            desk.refund(a_refund_request(**other))
    assert len(desk.made) == 1


def test_keys_of_two_callers_never_meet() -> None:
    desk = RefundDesk()
    for name in ("server-1", "server-2"):
        assert (
            desk.refund(a_refund_request(amount_minor=300, caller=the_server(name))).how is How.MADE
        )
    assert len(desk.made) == 2


@pytest.mark.parametrize(
    ("amount_minor", "sentence"),
    [
        (701, "Only 700 minor units of usd are left to refund."),
        (1000, "Only 700 minor units of usd are left to refund."),
    ],
)
def test_more_than_is_left_is_refused_before_stripe_is_asked(
    amount_minor: int, sentence: str
) -> None:
    desk = RefundDesk()
    desk.refund(a_refund_request("first", amount_minor=300))
    before = desk.row
    with pytest.raises(StateConflict, match=sentence):
        desk.refund(a_refund_request("second", amount_minor=amount_minor))
    assert desk.row == before
    assert len(desk.gateway.keys) == 1


def test_nothing_is_left_after_all_of_it() -> None:
    desk = RefundDesk()
    desk.refund(a_refund_request("first"))
    for amount_minor in (None, 1):
        with pytest.raises(StateConflict, match="Nothing is left to refund"):
            desk.refund(a_refund_request("second", amount_minor=amount_minor))


@pytest.mark.parametrize("status", [s for s in PaymentStatus if s is not PaymentStatus.PAID])
def test_only_what_was_paid_can_be_refunded(status: PaymentStatus) -> None:
    desk = RefundDesk()
    set_payment(desk, status=status, charge_id=None, amount_captured_minor=0)
    with pytest.raises(StateConflict, match=f"The payment is {status.value}"):
        desk.refund(a_refund_request())
    assert desk.gateway.keys == []


def test_a_payment_takes_a_hundred_refunds() -> None:
    desk = RefundDesk()
    for number in range(100):
        desk.refund(a_refund_request(f"key-{number}", amount_minor=1))
    assert desk.gateway.keys[-1] == "ch_1_r100"
    with pytest.raises(StateConflict, match="100 refunds"):
        desk.refund(a_refund_request("one more", amount_minor=1))


def test_what_is_another_s_is_not_there() -> None:
    desk = RefundDesk()
    with pytest.raises(NotFound):
        desk.refund(a_refund_request(caller=a_shopper("user-2")))
    with pytest.raises(NotFound):
        desk.refund(a_refund_request(payment_id="pay_none"))
    # An id of something else in the same table names no payment.
    with pytest.raises(NotFound):
        desk.refund(a_refund_request(payment_id="pi_1"))
    assert desk.refund(a_refund_request(caller=a_shopper("user-1"))).how is How.MADE


def test_reading_follows_the_payment_s_owner() -> None:
    desk = RefundDesk()
    refund = desk.refund(a_refund_request()).refund
    for caller in (the_server(), a_shopper("user-1")):
        assert desk.read_refund(refund.id, caller=caller) == (desk.row, refund)
    assert desk.read_refund("re_fake000001", caller=the_server())[1] == refund
    for refund_id, caller in [
        (refund.id, a_shopper("user-2")),
        ("ref_none", the_server()),
        ("pi_1", the_server()),
        ("pay_1", the_server()),
    ]:
        with pytest.raises(NotFound):
            desk.read_refund(refund_id, caller=caller)


def test_without_a_key_nothing_is_written() -> None:
    desk = RefundDesk()
    for error in (NotConfigured("placeholder"), KeyRefused("open", http_status=401)):
        desk.key.faults.plan("read_key", error)
        with pytest.raises(type(error)):
            desk.refund(a_refund_request())
    assert desk.row.refunds == ()


# --- Stripe refuses -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stripe_code", "param", "sentence"),
    [
        ("charge_already_refunded", None, "Stripe has refunded this charge already."),
        ("charge_disputed", None, "The charge is disputed"),
        ("invalid_request_error", "amount", "Stripe has less left to refund than that."),
    ],
)
def test_what_stripe_refuses_for_its_state_frees_the_amount(
    stripe_code: str, param: str | None, sentence: str
) -> None:
    desk = RefundDesk()
    desk.gateway.faults.plan("send", StripeRefused("no", stripe_code=stripe_code, param=param))
    with pytest.raises(StateConflict, match=sentence) as first:
        desk.refund(a_refund_request(amount_minor=600))
    assert not first.value.is_repeat
    assert only_refund(desk.row).status is RefundStatus.FAILED
    assert desk.row.refundable_minor == 1000
    assert desk.row.amount_refunded_minor == 0
    assert desk.told == [f"pay_1.{desk.row.version}.refund.failed.{only_refund(desk.row).id}"]
    # The same key hears the same; another one is free to try, under the next number.
    with pytest.raises(StateConflict, match=sentence) as again:
        desk.refund(a_refund_request(amount_minor=600))
    assert again.value.is_repeat
    desk.refund(a_refund_request("other"))
    assert desk.gateway.keys == ["ch_1_r2"]


def test_a_request_that_is_wrong_is_no_conflict_and_frees_the_amount_too() -> None:
    desk = RefundDesk()
    for _ in range(2):
        desk.gateway.faults.plan("send", StripeRefused("no", stripe_code="parameter_unknown"))
        with pytest.raises(StripeRefused):
            desk.refund(a_refund_request())
    assert desk.row.refundable_minor == 1000
    assert desk.gateway.faults.calls == ["send"]


def test_a_refund_that_an_event_has_shown_is_not_taken_back_by_a_refusal() -> None:
    """Stripe may answer a repeat of a forgotten key with "already refunded"."""
    desk = RefundDesk()
    request = a_refund_request()

    (marks,) = [
        r.call.params["metadata"]
        for r in request.reserved(desk.row, stage="test", at=0, correlation_id="corr-1").refunds
        if r.call
    ]
    found = a_stripe_refund(amount=1000, metadata=marks)
    desk.gateway.faults.before("send", lambda: desk.shows(found))
    desk.gateway.faults.plan("send", StripeRefused("no", stripe_code="charge_already_refunded"))
    assert desk.refund(request).refund.status is RefundStatus.SUCCEEDED


# --- nobody knows ---------------------------------------------------------------------------------


@pytest.mark.parametrize("call", ["send", "send.after"])
def test_an_unknown_outcome_is_left_to_run_operation_and_found_by_a_repeat(call: str) -> None:
    desk = RefundDesk()
    desk.gateway.faults.plan(call, OutcomeUnknown("lost"))
    refunded = desk.refund(a_refund_request(amount_minor=600))
    assert refunded.how is How.NOT_KNOWN_YET
    assert refunded.refund.view()["status"] == "pending"
    assert desk.row.amount_refunded_minor == 0
    assert desk.row.refundable_minor == 400
    (operation,) = desk.operations.put_in
    assert (operation.aggregate_id, operation.call) == ("pay_1", "ch_1_r1")
    assert operation.correlation_id == "corr-1"
    again = desk.refund(a_refund_request(amount_minor=600))
    assert again.how is How.MADE
    assert len(desk.made) == 1
    desk.finish("ch_1_r1")
    assert desk.gateway.keys in (["ch_1_r1"], ["ch_1_r1"] * 2)


def test_a_key_that_is_refused_midway_blocks_and_is_left_to_run_operation() -> None:
    desk = RefundDesk()
    desk.gateway.faults.plan("send", KeyRefused("no", http_status=401))
    with pytest.raises(KeyRefused):
        desk.refund(a_refund_request())
    assert len(desk.operations.put_in) == 1
    desk.finish("ch_1_r1")
    assert len(desk.made) == 1
    assert desk.refund(a_refund_request()).how is How.REPEATED


def test_when_not_even_the_queue_is_sure_the_caller_must_ask_again() -> None:
    desk = RefundDesk()
    desk.gateway.faults.plan("send", OutcomeUnknown("lost"))
    desk.operations.faults.plan("put", TryAgain("full"))
    with pytest.raises(OutcomeUnknown):
        desk.refund(a_refund_request())
    assert desk.refund(a_refund_request()).how is How.MADE


def test_an_old_key_is_never_sent_again_by_a_request() -> None:
    """Stripe may have forgotten it, and would refund a second time."""
    desk = RefundDesk()
    desk.gateway.faults.plan("send.after", OutcomeUnknown("lost"))
    desk.refund(a_refund_request(amount_minor=300))
    desk.clock.advance(23 * 3600)
    assert desk.refund(a_refund_request(amount_minor=300)).how is How.NOT_KNOWN_YET
    assert len(desk.gateway.keys) == 1


def test_run_operation_adopts_what_the_list_shows_once_the_key_is_old() -> None:
    desk = RefundDesk()
    desk.gateway.faults.plan("send.after", OutcomeUnknown("lost"))
    desk.refund(a_refund_request(amount_minor=300))
    desk.stripe.made.clear()  # Stripe has forgotten the key
    desk.clock.advance(23 * 3600)
    desk.finish("ch_1_r1")
    assert len(desk.made) == 1
    assert only_refund(desk.row).stripe_refund_id == "re_fake000001"
    assert desk.row.amount_refunded_minor == 300
    assert desk.refund(a_refund_request(amount_minor=300)).how is How.REPEATED


def a_desk_whose_key_is_spent() -> RefundDesk:
    """A stored failure is given again for ever; fifteen minutes later a list proves absence."""
    desk = RefundDesk()
    desk.gateway.faults.plan("send", FailureStored("500"))
    assert desk.refund(a_refund_request(amount_minor=300)).how is How.NOT_KNOWN_YET
    with pytest.raises(OutcomeUnknown):
        desk.finish("ch_1_r1")
    assert desk.refund(a_refund_request(amount_minor=300)).how is How.NOT_KNOWN_YET
    assert desk.gateway.keys == []
    desk.clock.advance(15 * 60)
    return desk


def test_run_operation_asks_anew_once_nothing_was_made_for_certain() -> None:
    desk = a_desk_whose_key_is_spent()
    desk.finish("ch_1_r1")
    assert desk.gateway.keys == ["ch_1_r2"]
    assert desk.tables.rows["answer#ch_1_r1"].reason == "never_made"
    for key in ("ch_1_r1", "ch_1_r2"):
        desk.finish(key)
    assert len(desk.made) == 1
    assert desk.refund(a_refund_request(amount_minor=300)).how is How.REPEATED


@pytest.mark.parametrize("error", [OutcomeUnknown("lost"), Crash()])
def test_after_the_next_key_is_written_a_message_ends_it(error: BaseException) -> None:
    """Of the next key when its first try is lost, of the old one when the process dies there."""
    desk = a_desk_whose_key_is_spent()
    desk.operations.put_in.clear()
    desk.gateway.faults.plan("send", error)
    with suppress(Crash):
        desk.finish("ch_1_r1")
    desk.finish("ch_1_r1")
    assert {o.idempotency_key for o in desk.operations.put_in} == {"ch_1_r2"}
    desk.finish("ch_1_r2")
    assert desk.gateway.keys == ["ch_1_r2"]
    assert desk.row.amount_refunded_minor == 300


def test_what_could_not_be_queued_is_left_to_the_message_itself() -> None:
    desk = a_desk_whose_key_is_spent()
    desk.gateway.faults.plan("send", OutcomeUnknown("lost"))
    desk.operations.faults.plan("put", TryAgain("full"))
    with pytest.raises(NextNotQueuedError):
        desk.finish("ch_1_r1")


def test_what_an_event_has_ended_has_a_final_row_after_run_operation() -> None:
    desk = RefundDesk()
    desk.gateway.faults.plan("send.after", OutcomeUnknown("lost"))
    desk.refund(a_refund_request(amount_minor=300))
    desk.shows(desk.made[0])
    desk.finish("ch_1_r1")
    assert desk.tables.rows["answer#ch_1_r1"].reason == "known_before"
    assert len(desk.gateway.keys) == 1


def test_run_operation_ends_a_refusal_without_an_error() -> None:
    desk = RefundDesk()
    desk.gateway.faults.plan(
        "send", OutcomeUnknown("lost"), StripeRefused("no", stripe_code="charge_disputed")
    )
    desk.refund(a_refund_request())
    desk.finish("ch_1_r1")
    assert refunds_of(desk.row) == {a_refund_request().refund_id: (1000, "failed")}
    with pytest.raises(StateConflict, match="disputed"):
        desk.refund(a_refund_request())


def test_five_conflicts_are_worth_another_request() -> None:
    desk = RefundDesk()
    desk.books.faults.plan("commit", *[ChangedMeanwhile("pay_1")] * 5)
    with pytest.raises(ChangedMeanwhile):
        desk.refund(a_refund_request())
    assert desk.row.refunds == ()
    assert desk.refund(a_refund_request()).how is How.MADE
