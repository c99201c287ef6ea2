"""A shop on fakes: the use cases of the payments API with everything that they ask of the world."""

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from paidonce import rules
from paidonce.domain import rulebook
from paidonce.domain.caller import Caller
from paidonce.domain.money import Money
from paidonce.domain.payment import Payment
from paidonce.domain.payment_request import PaymentRequest
from paidonce.use_cases.note_answer import NoteAnswer
from paidonce.use_cases.read_payment import ReadPayment
from paidonce.use_cases.take_payment import Taken, TakePayment

from tests.examples import STAGE
from tests.fakes import (
    FakeBooks,
    FakeClock,
    FakeCounter,
    FakePaymentBooks,
    FakeTelemetry,
    Faults,
    Tables,
)
from tests.fakes_stripe import FakePaymentGateway, FakeStripe

rulebook.load(rules)

SHOPPER_SCOPES = frozenset({"payments:read", "payments:write", "payments:amount"})
DEADLINE_SECONDS = 22


class FakeKey:
    """The restricted key's secret: `read` is what `check_key` asks."""

    def __init__(self) -> None:
        self.faults = Faults()

    def read(self) -> str:
        """A key; plan NotConfigured for a placeholder."""
        with self.faults.around("read_key"):
            return "a key"


@dataclass
class Shop:
    """Every port's fake over one set of tables; `ports` is where a test puts something between."""

    clock: FakeClock = field(default_factory=FakeClock)
    tables: Tables = field(default_factory=Tables)
    telemetry: FakeTelemetry = field(default_factory=FakeTelemetry)
    key: Any = field(default_factory=FakeKey)
    per_minute: int = 1000

    def __post_init__(self) -> None:
        """Make what rests on the tables and the clock."""
        self.stripe = FakeStripe(self.clock)
        self.books: Any = FakeBooks(self.tables)
        self.payments: Any = FakePaymentBooks(self.tables)
        self.gateway: Any = FakePaymentGateway(self.stripe)
        self.counter: Any = FakeCounter()

    @cached_property
    def take_payment(self) -> TakePayment:
        """The verb, over the ports as they stand at its first use."""
        return TakePayment(
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
            counter=self.counter,
            clock=self.clock,
            telemetry=self.telemetry,
            stage=STAGE,
            jitter=lambda: 0.5,
            check_key=self.key.read,
            shopper_payments_per_minute=self.per_minute,
        )

    @cached_property
    def read_payment(self) -> ReadPayment:
        """The reading verbs."""
        return ReadPayment(payments=self.payments, gateway=self.gateway)

    def take(self, request: PaymentRequest, *, seconds: float = DEADLINE_SECONDS) -> Taken:
        """Ask for a payment, as one request of a browser does."""
        return self.take_payment(
            request, correlation_id="corr-1", time_left=self.clock.time_left(seconds)
        )

    @property
    def row(self) -> Payment:
        """The only payment there is."""
        (payment,) = self.tables.payments.values()
        return payment

    @property
    def intents(self) -> list[dict[str, Any]]:
        """All payment intents at Stripe."""
        return list(self.stripe.objects.values())


def a_caller(name: str = "user-1", *more_scopes: str, user_id: str | None = "same") -> Caller:
    """A shopper; with `payments:any` among the scopes a shop's own server."""
    return Caller(
        issuer="https://issuer.test",
        subject=name,
        user_id=name if user_id == "same" else user_id,
        scopes=SHOPPER_SCOPES | set(more_scopes),
    )


def a_request(key: str = "key-1", **changes: Any) -> PaymentRequest:
    """10.00 USD for order-1, by user-1 for themselves."""
    values: dict[str, Any] = {
        "caller": a_caller(),
        "idempotency_key": key,
        "order_id": "order-1",
        "money": Money(1000, "usd"),
        "user_id": "user-1",
    } | changes
    content = sorted((name, str(value)) for name, value in values.items() if name != "caller")
    without_key = [pair for pair in content if pair[0] != "idempotency_key"]
    return PaymentRequest(**({"body_hash": str(without_key)} | values))


def set_row(shop: Shop, **changes: Any) -> Payment:
    """Write the only payment as a worker would."""
    changed = replace(shop.row, version=shop.row.version + 1, **changes)
    shop.tables.payments[changed.id] = changed
    return changed
