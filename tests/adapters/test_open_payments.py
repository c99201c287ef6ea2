"""Open payments are found by their index, oldest or not, and leave it once they are over."""

from dataclasses import replace

from paidonce.adapters import items
from paidonce.adapters.dynamodb_open_payments import DynamoDbOpenPayments
from paidonce.adapters.dynamodb_payments import DynamoDbPaymentBooks
from paidonce.domain.moment import iso
from paidonce.domain.payment import Payment, PaymentStatus
from paidonce.domain.payment_calls import CAPTURE, new_call
from paidonce.domain.stripe_call import CallState
from paidonce.use_cases.see_to_open import SeeToOpen

from tests.adapters.places import Place
from tests.examples import a_payment
from tests.fakes import FakeClock, Tables
from tests.fakes_ledger_search import FakeLedgerSearch
from tests.fakes_operations import FakeOperationQueue
from tests.fakes_references import FakeReferences
from tests.fakes_telemetry import FakeTelemetry

LATER = "2030-01-01T00:00:00.000Z"


def found(place: Place, table: str, before: str = LATER) -> set[str]:
    opened = DynamoDbOpenPayments(place.client("dynamodb"), payments_table=table)
    return {payment.id for page in opened.since(before=before) for payment in page}


def test_what_can_still_move_is_found_by_its_age(moto: Place) -> None:
    table = moto.state()
    books = DynamoDbPaymentBooks(moto.client("dynamodb"), payments_table=table, clock=FakeClock())
    old = "2026-01-01T00:00:00.000Z"
    for n in range(40):
        books.open(a_payment(id=f"pay_{n}", created_at=old), claim_id=f"order#{n}")
    books.open(a_payment(id="pay_new"), claim_id="order#new")
    assert found(moto, table, "2026-01-02T00:00:00.000Z") == {f"pay_{n}" for n in range(40)}
    assert "pay_new" in found(moto, table)


def test_what_is_over_is_found_no_more_unless_a_call_about_it_has_no_end(moto: Place) -> None:
    table = moto.state()
    books = DynamoDbPaymentBooks(moto.client("dynamodb"), payments_table=table, clock=FakeClock())
    payment = books.open(a_payment(payment_intent_id="pi_1"), claim_id="order#1")

    def becomes(before: Payment, **changes: object) -> Payment:
        after = replace(before, version=before.version + 1, **changes)  # type: ignore[arg-type]  # a test's short way
        books.save(before, after)
        return after

    call = new_call(payment, CAPTURE, {})
    paid = becomes(payment, status=PaymentStatus.PAID, calls=(call,))
    assert found(moto, table) == {"pay_1"}
    done = becomes(paid, calls=(call.ended(CallState.DONE),))
    assert found(moto, table) == set()
    becomes(done, status=PaymentStatus.CANCELED, calls=(call,))
    assert found(moto, table) == set()


def test_many_that_need_nothing_do_not_hide_for_ever_what_has_no_end(moto: Place) -> None:
    """A shop has more abandoned carts than a run looks at; each run used to see the same ones."""
    table = moto.state()
    clock = FakeClock()
    client = moto.client("dynamodb")
    books = DynamoDbPaymentBooks(client, payments_table=table, clock=clock)
    old = iso(clock.now() - 5 * 3600)
    idle = [a_payment(id=f"pay_{n}", created_at=old, payment_intent_id="pi_1") for n in range(40)]
    last = max(idle, key=lambda payment: str(items.payment_item(payment)["open"]))
    call = new_call(last, CAPTURE, {}).tried(at=int(clock.now()) - 4 * 3600)
    for payment in idle:
        books.open(
            last.with_call(call) if payment is last else payment, claim_id=f"order#{payment.id}"
        )
    operations = FakeOperationQueue()
    see_to_open = SeeToOpen(
        open_payments=DynamoDbOpenPayments(client, payments_table=table),
        payments=books,
        search=FakeLedgerSearch(Tables()),
        operations=operations,
        references=FakeReferences(),
        clock=clock,
        telemetry=FakeTelemetry(),
        livemode=False,
        unpaid_max_seconds=86_400,
        processing_max_seconds=86_400,
        unknown_after_seconds=3_600,
        payments_max=20,
    )
    for _ in range(100):
        see_to_open(time_left=lambda: 60.0)
        if operations.put_in:
            break
    assert [operation.call for operation in operations.put_in] == [call.idempotency_key]
