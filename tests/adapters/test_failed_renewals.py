"""Why a renewal failed, as the worker reads it from the stand-in Stripe with its restricted key."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import stripe
from paidonce import rules
from paidonce.adapters.clock import SystemClock
from paidonce.adapters.dynamodb_counters import Budget
from paidonce.adapters.stripe_calls import StripeCalls
from paidonce.adapters.stripe_gateway import StripeSdkReader
from paidonce.domain import permissions, rulebook
from paidonce.domain.errors import KeyRefused
from paidonce.domain.invoice import invoice_of
from paidonce.domain.permissions import INTENTS, INVOICES, Permission, reads

from tests.adapters.stand_in import OneKey, at_the_stand_in
from tests.fakes import FakeCounter
from tests.fakes_telemetry import FakeTelemetry
from tests.stripe.subscribers import DAY, START, advance, payer, subscribe

rulebook.load(rules)


@dataclass
class Account:
    """An account of its own at the stand-in, with a price for a month."""

    url: str
    key: str
    client: Any

    def reader(self, ticked: Sequence[Permission]) -> StripeSdkReader:
        """The worker's, with a key that may do this."""
        owner = {"Authorization": f"Bearer {self.key}"}
        wanted = {"permissions": [one.name for one in ticked], "livemode": False}
        made = httpx.post(f"{self.url}/_test/keys", json=wanted, headers=owner)
        key, clock, telemetry = OneKey(), SystemClock(), FakeTelemetry()
        key.text = made.json()["key"]
        calls = StripeCalls(key, base_url=self.url, clock=clock, telemetry=telemetry)
        budget = Budget(FakeCounter(), clock, use="worker", per_second=1000)
        return StripeSdkReader(calls, budget=budget, timeout_seconds=5)

    def late(self, card: str) -> Any:
        """A subscription whose renewal this card refuses."""
        v1 = self.client.v1
        price = v1.prices.create(
            {
                "currency": "usd",
                "unit_amount": 1000,
                "recurring": {"interval": "month"},
                "product_data": {"name": "Club"},
            }
        )
        clock = v1.test_helpers.test_clocks.create({"frozen_time": START})
        customer = payer(self.client, test_clock=clock.id)
        made = subscribe(self.client, customer, price)
        method = v1.payment_methods.attach(card, {"customer": customer.id})
        v1.subscriptions.update(made.id, {"default_payment_method": method.id})
        advance(self.client, clock, START + 30 * DAY + 2 * 3600)
        found = v1.subscriptions.retrieve(made.id)
        assert found.status == "past_due"
        return found


@pytest.fixture
def account() -> Iterator[Account]:
    with at_the_stand_in() as (_calls, key, url):
        client = stripe.StripeClient(key.text, base_addresses={"api": url}, max_network_retries=0)
        yield Account(url, key.text, client)


@pytest.mark.parametrize(
    ("card", "codes"),
    [
        ("pm_card_chargeCustomerFail", ("card_declined", "generic_decline")),
        ("pm_card_authenticationRequired", ("authentication_required", None)),
    ],
)
def test_the_worker_reads_why_a_renewal_failed(
    account: Account, card: str, codes: tuple[str, str | None]
) -> None:
    """From the invoice and from its subscription, with no more than its key is given."""
    late = account.late(card)
    reader = account.reader(permissions.of_key("reader"))
    found = reader.retrieve("invoice", late.latest_invoice).object
    whole = reader.retrieve("subscription", late.id).object["latest_invoice"]
    for shown in (found, whole):
        invoice = invoice_of(shown)
        assert invoice is not None
        assert invoice.error is not None
        assert (invoice.error.code, invoice.error.decline_code) == codes
    account.client.v1.invoices.pay(late.latest_invoice, {"payment_method": "pm_card_visa"})
    paid = invoice_of(reader.retrieve("invoice", late.latest_invoice).object)
    assert paid is not None
    assert (paid.status, paid.error) == ("paid", None)


@pytest.mark.parametrize("ticked", [reads(INVOICES), reads(INTENTS)])
def test_a_key_without_one_of_the_two_permissions_reads_nothing(
    account: Account, ticked: Sequence[Permission]
) -> None:
    late = account.late("pm_card_chargeCustomerFail")
    with pytest.raises(KeyRefused):
        account.reader(ticked).retrieve("invoice", late.latest_invoice)
