"""A refund desk on fakes: one paid payment, and everything that refunds ask of the world."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from paidonce import rules
from paidonce.domain import rulebook
from paidonce.domain.caller import Caller
from paidonce.domain.payment import Payment, PaymentStatus
from paidonce.domain.refund import Refund
from paidonce.domain.refund_request import RefundRequest
from paidonce.domain.rulebook import Verdict, rule_for
from paidonce.use_cases.defer import Defer
from paidonce.use_cases.note_answer import NoteAnswer
from paidonce.use_cases.ports import Pointer
from paidonce.use_cases.read_refund import ReadRefund
from paidonce.use_cases.refund_payment import Refunded, RefundPayment
from paidonce.use_cases.send_refund import SendRefund

from tests.examples import NOON, STAGE, a_look, a_payment, an_intent
from tests.fakes import FakeBooks, FakeClock, FakePaymentBooks, Tables
from tests.fakes_operations import FakeOperationQueue
from tests.fakes_stripe import FakeStripe, FakeStripeGateway
from tests.fakes_telemetry import FakeTelemetry
from tests.use_cases.a_shop import FakeKey

rulebook.load(rules)

DEADLINE_SECONDS = 22
KEY_FRESH_SECONDS = 23 * 3600


def a_paid_payment(**changes: Any) -> Payment:
    """The payment of 10.00 USD, paid."""
    values = {
        "status": PaymentStatus.PAID,
        "payment_intent_id": "pi_1",
        "charge_id": "ch_1",
        "amount_captured_minor": 1000,
    }
    return a_payment(**(values | changes))


@dataclass
class RefundDesk:
    """Every port's fake over one set of tables; `ports` is where a test puts something between."""

    clock: FakeClock = field(default_factory=FakeClock)
    tables: Tables = field(default_factory=Tables)
    telemetry: FakeTelemetry = field(default_factory=FakeTelemetry)
    key: Any = field(default_factory=FakeKey)
    operations: Any = field(default_factory=FakeOperationQueue)

    def __post_init__(self) -> None:
        """A payment that is paid here and at Stripe, and what rests on the tables and the clock."""
        if not self.tables.payments:
            self.tables.payments["pay_1"] = a_paid_payment()
            for pointer_id in ("pi_1", "ch_1"):
                self.tables.pointers[pointer_id] = Pointer(id=pointer_id, aggregate_id="pay_1")
        self.stripe = FakeStripe(self.clock)
        self.stripe.objects["pi_1"] = an_intent("succeeded", created=int(self.clock.now()))
        self.books: Any = FakeBooks(self.tables)
        self.payments: Any = FakePaymentBooks(self.tables)
        self.gateway: Any = FakeStripeGateway(self.stripe)

    @cached_property
    def send_refund(self) -> SendRefund:
        """What makes the call, over the ports as they stand at its first use."""
        return SendRefund(
            payments=self.payments,
            gateway=self.gateway,
            note_answer=NoteAnswer(
                books=self.books,
                payments=self.payments,
                clock=self.clock,
                telemetry=self.telemetry,
                stage=STAGE,
                jitter=lambda: 0.5,
            ),
            operations=self.operations,
            clock=self.clock,
            telemetry=self.telemetry,
            jitter=lambda: 0.5,
            key_fresh_seconds=KEY_FRESH_SECONDS,
        )

    @cached_property
    def refund_payment(self) -> RefundPayment:
        """The verb."""
        return RefundPayment(
            books=self.books,
            send_refund=self.send_refund,
            defer=Defer(operations=self.operations, telemetry=self.telemetry),
            clock=self.clock,
            stage=STAGE,
            jitter=lambda: 0.5,
            check_key=self.key.read,
        )

    @cached_property
    def read_refund(self) -> ReadRefund:
        """The reading verb."""
        return ReadRefund(books=self.books)

    def refund(self, request: RefundRequest, *, seconds: float = DEADLINE_SECONDS) -> Refunded:
        """Ask for a refund, as one request of a caller does."""
        return self.refund_payment(
            request, correlation_id="corr-1", time_left=self.clock.time_left(seconds)
        )

    def finish(self, key: str) -> None:
        """What `run_operation` does with a message."""
        self.send_refund.finish(
            "pay_1", key, correlation_id="corr-2", time_left=self.clock.time_left(DEADLINE_SECONDS)
        )

    def shows(self, found: Mapping[str, Any]) -> None:
        """What the worker writes for an event about a refund."""
        rule = rule_for("refund.created")
        assert rule is not None
        verdict = rule.decide(self.row, a_look(found, NOON))
        assert isinstance(verdict, Verdict)
        self.tables.payments["pay_1"] = verdict.after.written(at="an event's moment")

    @property
    def row(self) -> Payment:
        """The payment."""
        return self.tables.payments["pay_1"]

    @property
    def made(self) -> list[dict[str, Any]]:
        """All refunds at Stripe."""
        return [o for o in self.stripe.objects.values() if o["object"] == "refund"]

    @property
    def told(self) -> list[str]:
        """Every domain event's id."""
        return [e.id for row in self.tables.rows.values() for e in row.domain_events]


def set_payment(desk: RefundDesk, **changes: Any) -> None:
    """Write the payment as somebody else would."""
    row = desk.row
    desk.tables.payments[row.id] = replace(row, version=row.version + 1, **changes)


def the_server(name: str = "server") -> Caller:
    """A shop's own server."""
    return Caller(
        issuer="https://issuer.test",
        subject=name,
        user_id=None,
        scopes=frozenset({"refunds:write", "refunds:read", "payments:any"}),
    )


def a_refund_request(key: str = "key-1", **changes: Any) -> RefundRequest:
    """All of pay_1, by the shop's server."""
    values: dict[str, Any] = {
        "caller": the_server(),
        "idempotency_key": key,
        "payment_id": "pay_1",
    } | changes
    body = sorted((n, str(v)) for n, v in values.items() if n not in ("caller", "idempotency_key"))
    return RefundRequest(**({"body_hash": str(body)} | values))


def a_stripe_refund(status: str = "succeeded", **changes: Any) -> dict[str, Any]:
    """A refund of 4.00 of ch_1 at Stripe, made in the Dashboard."""
    values: Mapping[str, Any] = {
        "id": "re_1",
        "object": "refund",
        "amount": 400,
        "charge": "ch_1",
        "created": 1_790_000_000,
        "currency": "usd",
        "metadata": {},
        "payment_intent": "pi_1",
        "reason": None,
        "status": status,
    }
    return {**values, **changes}


def refunds_of(payment: Payment) -> dict[str, tuple[int, str]]:
    """Refund id → amount and status."""
    return {r.id: (r.amount_minor, r.status.value) for r in payment.refunds}


def only_refund(payment: Payment) -> Refund:
    """The one refund that there is."""
    (refund,) = payment.refunds
    return refund
