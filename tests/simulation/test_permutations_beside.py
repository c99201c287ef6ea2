"""Every order of the events of what stands beside an intent, with copies, by the real worker.

Disputes, fraud warnings, charges, refunds and Stripe's own page, each with the intent's own events
where both can tell of one change.
"""

import json
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from paidonce.domain.payment import SESSIONS_PATH, Payment
from paidonce.domain.stripe_event import StripeEvent
from paidonce.use_cases.ports import Pointer

from tests.examples import (
    NOON,
    a_charge,
    a_declined_intent,
    a_dispute,
    a_fraud_warning,
    a_payload,
    a_payment,
    a_session,
    an_intent,
)
from tests.simulation.orders import Explorer, Told, in_each_pace, with_each_fetch
from tests.use_cases.a_refund_desk import a_paid_payment, a_stripe_refund
from tests.use_cases.worker import Worker

Document = dict[str, Any]


@dataclass(frozen=True)
class Step:
    """One event, and whatever else Stripe holds from its moment on."""

    type: str
    about: Document
    beside: tuple[Document, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Life:
    """What happens at Stripe, in order, to a payment that began as `begins`.

    `ends` is how the payment is shown in the end; `once` are domain events of which there is
    exactly one, `never` those of which there is none.
    """

    steps: Sequence[Step]
    ends: Mapping[str, Any]
    begins: Payment = field(default_factory=a_paid_payment)
    once: tuple[str, ...] = ()
    never: tuple[str, ...] = ()


def dispute(kind: str, status: str, **changes: Any) -> Step:
    return Step(f"charge.dispute.{kind}", a_dispute(status, **changes))


def warning(kind: str, **changes: Any) -> Step:
    return Step(f"radar.early_fraud_warning.{kind}", a_fraud_warning(**changes))


def intent(kind: str, found: Document) -> Step:
    return Step(f"payment_intent.{kind}", found)


def page(kind: str, status: str = "complete", **changes: Any) -> Step:
    return Step(f"checkout.session.{kind}", a_session(status, **changes))


def on_a_page() -> Payment:
    return a_payment(
        creation=replace(a_payment().creation, path=SESSIONS_PATH), checkout_session_id="cs_1"
    )


DECLINED, EXPIRED_CARD = a_declined_intent(), a_declined_intent("expired_card")
HELD, PAID = an_intent("requires_capture"), an_intent("succeeded")
REFUSED = a_charge("failed", captured=False)
UNCAPTURED = a_charge(captured=False)
CANCELED = an_intent("canceled", latest_charge="ch_1")
UNPAID = {"payment_status": "unpaid"}

LIVES = {
    "dispute won": Life(
        steps=[
            dispute("created", "needs_response"),
            dispute("funds_withdrawn", "needs_response"),
            dispute("updated", "needs_response", reason="duplicate"),
            dispute("updated", "under_review", reason="duplicate"),
            dispute("closed", "won", reason="duplicate"),
            dispute("funds_reinstated", "won", reason="duplicate"),
        ],
        ends={"status": "paid", "disputes": {"du_1": "won"}},
        once=("dispute.opened", "dispute.won"),
    ),
    "dispute asked about again and lost": Life(
        steps=[
            dispute("created", "needs_response"),
            dispute("funds_withdrawn", "needs_response"),
            dispute("updated", "under_review"),
            dispute("updated", "needs_response"),
            dispute("updated", "under_review"),
            dispute("closed", "lost"),
        ],
        ends={"disputes": {"du_1": "lost"}},
        once=("dispute.opened", "dispute.lost"),
        never=("dispute.won",),
    ),
    "inquiry that became a chargeback": Life(
        steps=[
            dispute("created", "warning_needs_response"),
            dispute("updated", "warning_under_review"),
            dispute("updated", "needs_response"),
            dispute("funds_withdrawn", "needs_response"),
            dispute("updated", "under_review"),
            dispute("closed", "won"),
            dispute("funds_reinstated", "won"),
        ],
        ends={"disputes": {"du_1": "won"}},
        once=("dispute.opened", "dispute.won"),
    ),
    "inquiry closed, chargeback prevented": Life(
        steps=[
            dispute("created", "warning_needs_response"),
            dispute("updated", "warning_under_review"),
            dispute("closed", "warning_closed"),
            dispute("created", "needs_response", id="du_2"),
            dispute("closed", "prevented", id="du_2"),
        ],
        ends={"disputes": {"du_1": "warning_closed", "du_2": "prevented"}},
        never=("dispute.won", "dispute.lost"),
    ),
    "two disputes of one charge": Life(
        steps=[
            dispute("created", "needs_response", amount=400),
            dispute("created", "needs_response", id="du_2", amount=600),
            dispute("funds_withdrawn", "needs_response", amount=400),
            dispute("closed", "lost", amount=400),
            dispute("closed", "won", id="du_2", amount=600),
            dispute("funds_reinstated", "won", id="du_2", amount=600),
        ],
        ends={"disputes": {"du_1": "lost", "du_2": "won"}},
        once=("dispute.won", "dispute.lost"),
    ),
    "dispute in the middle": Life(
        steps=[
            dispute("created", "needs_response"),
            dispute("funds_withdrawn", "needs_response"),
            dispute("updated", "under_review"),
            dispute("updated", "needs_response"),
            dispute("updated", "under_review"),
            dispute("updated", "needs_response", reason="duplicate"),
        ],
        ends={"disputes": {"du_1": "needs_response"}},
        once=("dispute.opened",),
        never=("dispute.won", "dispute.lost"),
    ),
    "warned of, then disputed": Life(
        steps=[
            warning("created"),
            dispute("created", "needs_response"),
            warning("updated", actionable=False),
            dispute("funds_withdrawn", "needs_response"),
            dispute("closed", "lost"),
        ],
        ends={"disputes": {"du_1": "lost"}, "fraud_warning": False},
        once=("dispute.opened", "dispute.lost"),
    ),
    "warned of, then refunded": Life(
        steps=[
            warning("created"),
            Step("refund.created", a_stripe_refund("pending", amount=1000)),
            Step("charge.refunded", a_charge(refunded=True)),
            warning("updated", actionable=False),
            Step("refund.updated", a_stripe_refund(amount=1000)),
            Step("charge.refund.updated", a_stripe_refund(amount=1000)),
        ],
        ends={"status": "paid", "amount_refunded_minor": 1000, "fraud_warning": False},
        once=("refund.settled",),
        never=("refund.failed",),
    ),
    "captured": Life(
        begins=a_payment(),
        steps=[
            intent("created", an_intent()),
            intent("amount_capturable_updated", HELD),
            Step("charge.updated", UNCAPTURED),
            Step("charge.captured", a_charge(), (PAID,)),
            intent("succeeded", PAID),
            Step("charge.updated", a_charge(description="captured")),
        ],
        ends={"status": "paid", "amount_captured_minor": 1000, "charge_id": "ch_1"},
        once=("payment.paid",),
    ),
    "never captured": Life(
        begins=a_payment(),
        steps=[
            intent("created", an_intent()),
            intent("amount_capturable_updated", HELD),
            Step("charge.updated", UNCAPTURED),
            Step("charge.expired", UNCAPTURED, (CANCELED,)),
            intent("canceled", CANCELED),
        ],
        ends={"status": "canceled"},
        once=("payment.canceled",),
        never=("payment.paid",),
    ),
    "declined twice, then paid": Life(
        begins=a_payment(),
        steps=[
            intent("created", an_intent()),
            Step("charge.failed", REFUSED | {"id": "ch_a"}, (DECLINED,)),
            intent("payment_failed", DECLINED),
            Step("charge.failed", REFUSED | {"id": "ch_b"}, (EXPIRED_CARD,)),
            intent("payment_failed", EXPIRED_CARD),
            intent("succeeded", PAID),
            Step("charge.updated", a_charge()),
        ],
        ends={"status": "paid"},
        once=("payment.paid",),
    ),
    "paid on the page": Life(
        begins=on_a_page(),
        steps=[
            intent("created", an_intent()),
            Step("charge.failed", REFUSED | {"id": "ch_a"}, (DECLINED,)),
            intent("payment_failed", DECLINED),
            intent("succeeded", PAID),
            page("completed"),
        ],
        ends={"status": "paid", "payment_intent_id": "pi_1"},
        once=("payment.paid",),
        never=("payment.canceled",),
    ),
    "paid on the page by a bank": Life(
        begins=on_a_page(),
        steps=[
            intent("created", an_intent()),
            intent("processing", an_intent("processing", latest_charge="ch_1")),
            page("completed", **UNPAID),
            intent("succeeded", PAID),
            page("async_payment_succeeded"),
        ],
        ends={"status": "paid"},
        once=("payment.paid",),
    ),
    "refused by the bank after the page": Life(
        begins=on_a_page(),
        steps=[
            intent("created", an_intent()),
            intent("processing", an_intent("processing", latest_charge="ch_1")),
            page("completed", **UNPAID),
            Step("charge.failed", REFUSED, (DECLINED | {"latest_charge": "ch_1"},)),
            intent("payment_failed", DECLINED | {"latest_charge": "ch_1"}),
            page("async_payment_failed", **UNPAID),
        ],
        ends={"status": "failed"},
        never=("payment.paid", "payment.canceled"),
    ),
    "page that nobody paid on": Life(
        begins=on_a_page(),
        steps=[page("expired", "expired", payment_intent=None)],
        ends={"status": "canceled", "payment_intent_id": None},
        once=("payment.canceled",),
    ),
    "page that expired after a decline": Life(
        begins=on_a_page(),
        steps=[
            intent("created", an_intent()),
            Step("charge.failed", REFUSED, (DECLINED,)),
            intent("payment_failed", DECLINED),
            page("expired", "expired", payment_intent=None),
        ],
        ends={"status": "canceled"},
        once=("payment.canceled",),
        never=("payment.paid",),
    ),
    "page that expired while the bank asked": Life(
        begins=on_a_page(),
        steps=[
            intent("created", an_intent()),
            intent("payment_failed", DECLINED),
            intent("requires_action", an_intent("requires_action")),
            page("expired", "expired"),
            intent("succeeded", PAID),
        ],
        ends={"status": "paid"},
        once=("payment.paid",),
        never=("payment.canceled",),
    ),
    "page that expired with its intent": Life(
        begins=on_a_page(),
        steps=[
            intent("created", an_intent()),
            intent("payment_failed", DECLINED),
            Step("checkout.session.expired", a_session("expired"), (an_intent("canceled"),)),
            intent("canceled", an_intent("canceled")),
        ],
        ends={"status": "canceled", "payment_intent_id": "pi_1"},
        once=("payment.canceled",),
    ),
}
# What is held from the beginning where a life does not say: the paid intent.
HELD_ANYWAY = (PAID,)


class LifeExplorer(Explorer[Payment]):
    """A payment, told of by events of what stands beside its intent."""

    def __init__(self, life: Life, *, pace: int, sees_the_end: bool) -> None:
        payloads = [
            a_payload(step.type, step.about, f"evt_{n}", NOON + n * pace)
            for n, step in enumerate(life.steps)
        ]
        events = [StripeEvent.parse(json.dumps(payload)) for payload in payloads]
        super().__init__(events, sees_the_end=sees_the_end)
        self.life = life

    def known(self, payment: Payment, told: Told) -> Hashable:
        """Without how often the payment was written, and when."""
        return tuple(sorted(told)), repr(replace(payment, version=1, updated_at=""))

    def worker_with(self, payment: Payment) -> Worker:
        worker = Worker(payment)
        for pointer_id in payment.pointer_ids:
            worker.tables.pointers[pointer_id] = Pointer(id=pointer_id, aggregate_id=payment.id)
        return worker

    def row_of(self, worker: Worker) -> Payment:
        return worker.payment

    def held_at(self, number: int) -> list[Document]:
        """All that Stripe holds once the event of that number was made, older states first."""
        steps = self.life.steps[: number + 1]
        return [*HELD_ANYWAY, *(found for s in steps for found in (s.about, *s.beside))]

    def judge(self, payment: Payment, told: Told) -> None:
        """Where the life ends, and nothing that happens once was told twice."""
        view = payment.view()
        view["disputes"] = {each["id"]: each["status"] for each in view["disputes"]}
        shown_warning = view["fraud_warning"]
        view["fraud_warning"] = shown_warning and shown_warning["actionable"]
        assert {name: view[name] for name in self.life.ends} == self.life.ends
        counted = Counter(told)
        assert all(counted[kind] == 1 for kind in self.life.once), counted
        assert all(counted[kind] == 0 for kind in self.life.never), counted
        assert counted["fraud.warned"] <= 1
        if self.sees_the_end and payment.fraud_warning:
            # Whenever Stripe was asked, it was over.
            assert counted["fraud.warned"] == 0


@with_each_fetch
@in_each_pace
@pytest.mark.parametrize("life", LIVES.values(), ids=LIVES)
def test_every_order_with_copies_ends_as_stripe_holds_it(
    life: Life,
    pace: int,
    sees_the_end: bool,  # noqa: FBT001 - pytest gives it by name
) -> None:
    """Each event twice at once, each copy again after each step; fetches show the end or little."""
    explorer = LifeExplorer(life, pace=pace, sees_the_end=sees_the_end)
    assert explorer.explore(life.begins) >= 1
