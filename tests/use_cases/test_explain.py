"""The whole chain of one payment, from its row and the ledger alone."""

from dataclasses import replace

import pytest
from paidonce.domain.errors import NotFound, TryAgain
from paidonce.domain.ledger import LedgerRow, Outcome
from paidonce.domain.moment import seconds
from paidonce.domain.payment_calls import CANCEL, new_call
from paidonce.domain.rotation import CURRENT, PENDING
from paidonce.domain.stripe_call import CallState
from paidonce.use_cases.explain import Chain, Explain

from tests.examples import NOON, STAGE, a_payment, an_event, an_intent
from tests.fakes import FakeClock
from tests.fakes_ledger_search import FakeLedgerSearch
from tests.fakes_rotation import FakeSecretVersions
from tests.use_cases.worker import Worker


def explained(worker: Worker, asked: str) -> Chain:
    return explaining(worker, FakeLedgerSearch(worker.tables))(asked)


def explaining(worker: Worker, search: FakeLedgerSearch, *secrets: FakeSecretVersions) -> Explain:
    return Explain(
        books=worker.books,
        search=search,
        secrets=secrets,
        secret_cache_seconds=300,
        stage=STAGE,
        clock=worker.clock,
    )


def a_paid_one() -> Worker:
    worker = Worker()
    worker.takes(worker.delivery(an_event("payment_intent.created", an_intent())))
    worker.takes(worker.delivery(an_event(event_id="evt_2")))
    return worker


@pytest.mark.parametrize("asked", ["pay_1", "pi_1", "ch_1", "evt_2"])
def test_every_name_of_a_payment_leads_to_the_same_chain(asked: str) -> None:
    worker = Worker()
    worker.takes(worker.delivery(an_event("payment_intent.created", an_intent())))
    paid = an_intent("succeeded", latest_charge="ch_1")
    worker.takes(worker.delivery(an_event(found=paid, event_id="evt_2")))
    chain = explained(worker, asked)
    assert chain.about == "pay_1"
    assert chain.state is not None
    assert chain.state["status"] == "paid"
    assert [step.words.get("event_id") for step in chain.steps if step.kind == "delivered"] == [
        "evt_1",
        "evt_1",
        "evt_2",
        "evt_2",
    ]


def test_the_chain_is_in_the_order_of_time() -> None:
    steps = explained(a_paid_one(), "pay_1").steps
    assert [step.at for step in steps] == sorted(step.at for step in steps)
    assert steps[0].says == "payment recorded for order order-1, before Stripe was called"


def test_a_change_is_told_with_the_event_that_caused_it() -> None:
    worker = a_paid_one()
    (told,) = [step for step in explained(worker, "pay_1").steps if step.kind == "told"]
    assert told.says == "payment.paid due on the bus"
    row = worker.tables.rows["evt_2"]
    worker.tables.rows["evt_2"] = replace(row, is_published=True)
    (told,) = [step for step in explained(worker, "pay_1").steps if step.kind == "told"]
    assert told.says == "payment.paid on the bus"


def test_a_call_shows_its_key_its_first_and_its_last_try() -> None:
    worker = Worker()
    call = (
        new_call(a_payment(payment_intent_id="pi_1"), CANCEL, {}).tried(at=NOON).tried(at=NOON + 9)
    )
    worker.tables.payments["pay_1"] = a_payment(calls=(call,))
    said = [step.says for step in explained(worker, "pay_1").steps if step.kind == "asked"]
    assert said[-2:] == ["cancel asked of Stripe", "cancel asked again, with the same key"]
    refused = call.refused("state_conflict", stripe_code="payment_intent_unexpected_state")
    assert refused.state is CallState.REFUSED
    worker.tables.payments["pay_1"] = a_payment(calls=(refused,))
    last = explained(worker, "pay_1").steps[-1]
    assert (last.says, last.words["stripe_code"]) == (
        "cancel ended without effect: state_conflict",
        "payment_intent_unexpected_state",
    )


def test_a_dead_event_says_why_and_where() -> None:
    worker = Worker()
    worker.tables.rows["evt_9"] = LedgerRow(
        event_id="evt_9",
        event_type="payment_intent.succeeded",
        outcome=Outcome.DEAD,
        reason="failed",
        livemode=False,
        decided_at="2026-11-22T12:00:00.000Z",
        attempts=5,
        error_class="KeyError",
        error_place="payment_intent.py:34",
    )
    chain = explained(worker, "evt_9")
    assert (chain.about, chain.state) == (None, None)
    (step,) = chain.steps
    assert step.kind == "dead"
    assert step.says == "payment_intent.succeeded: dead (failed), attempt 5"
    assert step.words["error_place"] == "payment_intent.py:34"


def test_what_waits_or_died_stands_in_the_chain_of_its_payment() -> None:
    worker = Worker()
    worker.books.faults.plan("read", TryAgain("throttled"))
    worker.takes(worker.delivery(an_event()))
    (waits,) = [step for step in explained(worker, "pay_1").steps if step.kind == "waits"]
    assert waits.says == "payment_intent.succeeded: waiting (try_again)"


def test_what_nothing_knows_is_said_to_be_so() -> None:
    with pytest.raises(NotFound, match="pi_other"):
        explained(Worker(), "pi_other")


def test_a_ledger_that_cannot_be_read_is_no_absence() -> None:
    worker = a_paid_one()
    search = FakeLedgerSearch(worker.tables)
    search.faults.plan("about", TryAgain("throttled"))
    with pytest.raises(TryAgain):
        explaining(worker, search)("pay_1")


def rotated(*, at: float) -> FakeSecretVersions:
    """A secret that was made long ago, and whose rotation began at this moment."""
    clock = FakeClock(NOON - 86_400)
    secret = FakeSecretVersions({"key": "rk_old"}, name="paidonce/t/keys/payments", clock=clock)
    clock.advance(at - clock.now())
    secret.begin_rotation("n" * 32)
    secret.put({"key": "rk_new"}, version_id="n" * 32, label=PENDING)
    return secret


def told_of(worker: Worker, secret: FakeSecretVersions) -> list[str]:
    chain = explaining(worker, FakeLedgerSearch(worker.tables), secret)("pay_1")
    return [step.says for step in chain.steps if step.kind == "rotation"]


def test_what_was_rotated_meanwhile_stands_in_the_chain_at_its_moment() -> None:
    worker = a_paid_one()
    steps = explained(worker, "pay_1").steps
    began, ended = seconds(steps[0].at), seconds(steps[-1].at)
    name = "paidonce/t/keys/payments got a new version"
    secret = rotated(at=(began + ended) / 2)
    assert told_of(worker, secret) == [f"{name}: not in use yet"]
    secret.move(CURRENT, to="n" * 32, taken_from=secret.labels()[CURRENT])
    chain = explaining(worker, FakeLedgerSearch(worker.tables), secret)("pay_1")
    assert [step.at for step in chain.steps] == sorted(step.at for step in chain.steps)
    assert chain.unseen == ()
    (step,) = [step for step in chain.steps if step.kind == "rotation"]
    assert (step.says, step.words) == (f"{name}: in use", {"version_id": "n" * 32})
    assert steps[0].at < step.at < steps[-1].at
    secret.put({"key": "rk_newer"}, version_id="o" * 32, label=PENDING)
    secret.move(CURRENT, to="o" * 32, taken_from="n" * 32)
    assert f"{name}: replaced since" in told_of(worker, secret)
    # A function may have had the old one until five minutes later.
    assert len(told_of(worker, rotated(at=began - 300))) == 1
    assert told_of(worker, rotated(at=began - 301)) == []
    assert told_of(worker, rotated(at=ended + 1)) == []


def test_what_is_not_over_is_told_of_every_rotation_until_now() -> None:
    worker = Worker()
    worker.takes(worker.delivery(an_event("payment_intent.created", an_intent())))
    worker.clock.advance(86_400)
    secret = rotated(at=worker.clock.now() - 1)
    assert len(told_of(worker, secret)) == 1


def test_who_may_not_list_a_secret_sees_the_rest_and_is_told_so() -> None:
    worker = a_paid_one()
    secret = rotated(at=NOON + 10)
    secret.is_listed = False
    chain = explaining(worker, FakeLedgerSearch(worker.tables), secret)("pay_1")
    assert chain.steps == explained(worker, "pay_1").steps
    assert chain.unseen == (
        "Rotations are not shown: you may not list the versions of paidonce/t/keys/payments.",
    )
