"""The verbs of the API over a world: payments, pages, refunds, customers, subscriptions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from paidonce.domain.money import Money
from paidonce.domain.price import Item
from paidonce.use_cases.carry_out import CarryOut
from paidonce.use_cases.defer import Defer
from paidonce.use_cases.make_customer import MakeCustomer
from paidonce.use_cases.open_checkout import OpenCheckout
from paidonce.use_cases.ports import TimeLeft
from paidonce.use_cases.refund_payment import RefundPayment
from paidonce.use_cases.subscribe import Subscribe
from paidonce.use_cases.take_payment import TakePayment

from tests.fakes import FakeCounter
from tests.simulation.at_stripe.sessions import UNIT_MINOR
from tests.simulation.operations import STAGE, Notes, refund_sender


@dataclass(frozen=True, kw_only=True)
class Ports:
    """What the verbs and the runner share, each call with its hazards."""

    books: Any
    payments: Any
    requests: Any
    gateway: Any
    operations: Any
    notes: Notes


class Api:
    """One process of the API."""

    def __init__(self, world: Any, ports: Ports) -> None:
        defer = Defer(operations=ports.operations, telemetry=world.tally)
        self.take_payment = TakePayment(
            payments=ports.payments,
            gateway=ports.gateway,
            sum_up=_summed_up,
            note_try=ports.notes.note_try,
            note_answer=ports.notes.note_answer,
            defer=defer,
            counter=world.guarded(FakeCounter(), "take"),
            clock=world.clock,
            telemetry=world.tally,
            stage=STAGE,
            check_key=_is_there,
            shopper_payments_per_minute=1000,
        )
        self.open_checkout = OpenCheckout(take_payment=self.take_payment, gateway=ports.gateway)
        self.refund_payment = RefundPayment(
            books=ports.books,
            send_refund=refund_sender(world, ports),
            defer=defer,
            clock=world.clock,
            stage=STAGE,
            jitter=world.jitter,
            check_key=_is_there,
        )
        self.carry_out = CarryOut(
            books=ports.books,
            requests=ports.requests,
            gateway=ports.gateway,
            defer=defer,
            clock=world.clock,
            telemetry=world.tally,
            stage=STAGE,
            jitter=world.jitter,
        )
        self.make_customer = MakeCustomer(carry_out=self.carry_out, check_key=_is_there)
        self.subscribe = Subscribe(carry_out=self.carry_out, check_key=_is_there)


def _is_there() -> None:
    """The key is configured."""


def _summed_up(items: Sequence[Item], *, time_left: TimeLeft) -> Money:
    """What Stripe's prices come to; they cost no call here."""
    assert time_left() > 0
    return Money(UNIT_MINOR * sum(item.quantity for item in items), "usd")
