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
from paidonce.use_cases.carry_out import CarryOut
from paidonce.use_cases.catalogue import Freshness, LookUpPrices
from paidonce.use_cases.change_payment import ChangePayment
from paidonce.use_cases.defer import Defer
from paidonce.use_cases.make_call import MakeCall
from paidonce.use_cases.note_answer import NoteAnswer
from paidonce.use_cases.note_try import NoteTry
from paidonce.use_cases.read_payment import ReadPayment
from paidonce.use_cases.take_payment import Taken, TakePayment

from tests.examples import STAGE
from tests.fakes import FakeBooks, FakeClock, FakeCounter, FakePaymentBooks, Faults, Tables
from tests.fakes_billing import FakeRequestBooks, teach
from tests.fakes_catalogue import FakeCatalogue
from tests.fakes_operations import FakeOperationQueue
from tests.fakes_stripe import FakePaymentGateway, FakeStripe, FakeStripeGateway
from tests.fakes_telemetry import FakeTelemetry

rulebook.load(rules)

SHOPPER_SCOPES = frozenset({"payments:read", "payments:write", "payments:amount"})
DEADLINE_SECONDS = 22
KEY_FRESH_SECONDS = 23 * 3600


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
        self.calls: Any = FakeStripeGateway(self.stripe)
        self.operations: Any = FakeOperationQueue()
        self.counter: Any = FakeCounter()
        self.requests: Any = FakeRequestBooks(self.tables)
        self.billing_gateway: Any = FakeStripeGateway(self.stripe)
        teach(self.stripe)
        self.catalogue: Any = FakeCatalogue(self.tables)

    @cached_property
    def take_payment(self) -> TakePayment:
        """The verb, over the ports as they stand at its first use."""
        return TakePayment(
            payments=self.payments,
            gateway=self.gateway,
            sum_up=self.prices.total,
            note_try=self.note_try,
            note_answer=self.note_answer,
            defer=self.defer,
            counter=self.counter,
            clock=self.clock,
            telemetry=self.telemetry,
            stage=STAGE,
            check_key=self.key.read,
            shopper_payments_per_minute=self.per_minute,
        )

    @cached_property
    def note_answer(self) -> NoteAnswer:
        """Writes down what Stripe answered."""
        return NoteAnswer(
            books=self.books,
            payments=self.payments,
            clock=self.clock,
            telemetry=self.telemetry,
            stage=STAGE,
            jitter=lambda: 0.5,
        )

    @cached_property
    def note_try(self) -> NoteTry:
        """Writes down that a call is about to be made."""
        return NoteTry(
            payments=self.payments,
            clock=self.clock,
            telemetry=self.telemetry,
            jitter=lambda: 0.5,
            key_fresh_seconds=KEY_FRESH_SECONDS,
        )

    @cached_property
    def defer(self) -> Defer:
        """Leaves a call to run_operation."""
        return Defer(operations=self.operations, telemetry=self.telemetry)

    @cached_property
    def make_call(self) -> MakeCall:
        """Makes a call that stands in a row."""
        return MakeCall(gateway=self.calls, note_try=self.note_try, note_answer=self.note_answer)

    @cached_property
    def change_payment(self) -> ChangePayment:
        """What capture and cancel do alike."""
        return ChangePayment(
            payments=self.payments,
            make_call=self.make_call,
            defer=self.defer,
            clock=self.clock,
            jitter=lambda: 0.5,
            check_key=self.key.read,
        )

    @cached_property
    def prices(self) -> LookUpPrices:
        """The catalogue, over what `stripe` sells."""
        return LookUpPrices(
            catalogue=self.catalogue,
            gateway=self.calls,
            clock=self.clock,
            telemetry=self.telemetry,
            freshness=Freshness(
                memory_seconds=5, shared_seconds=600, unknown_seconds=30, claim_seconds=10
            ),
            jitter=lambda: 0.5,
        )

    @cached_property
    def carry_out(self) -> CarryOut:
        """What customers, subscriptions and sessions share."""
        return CarryOut(
            books=self.books,
            requests=self.requests,
            gateway=self.billing_gateway,
            defer=self.defer,
            clock=self.clock,
            telemetry=self.telemetry,
            stage=STAGE,
            jitter=lambda: 0.5,
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
        return [o for o in self.stripe.objects.values() if o["object"] == "payment_intent"]


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
