"""Invoices made by hand."""

from typing import Any

import pytest
import stripe


def payer(client: Any) -> Any:
    """A customer with a card."""
    return client.v1.customers.create(
        {
            "email": "a@example.com",
            "payment_method": "pm_card_visa",
            "invoice_settings": {"default_payment_method": "pm_card_visa"},
        }
    )


def test_invoices_by_hand(client: Any) -> None:
    """Draft, lines, finalized, paid; then nothing of it can be changed."""
    customer = payer(client)
    for amount in (700, 300):
        client.v1.invoice_items.create(
            {"customer": customer.id, "amount": amount, "currency": "usd", "description": "Tea"}
        )
    draft = client.v1.invoices.create(
        {"customer": customer.id, "pending_invoice_items_behavior": "include"}
    )
    assert (draft.status, draft.total, draft.number) == ("draft", 1000, None)
    opened = client.v1.invoices.finalize_invoice(draft.id)
    assert opened.number.endswith("-0001")
    paid = client.v1.invoices.pay(draft.id)
    assert (paid.status, paid.amount_remaining) == ("paid", 0)
    for wrong in (client.v1.invoices.void_invoice, client.v1.invoices.delete):
        with pytest.raises(stripe.InvalidRequestError):
            wrong(draft.id)
    with pytest.raises(stripe.InvalidRequestError) as error:
        client.v1.invoices.pay(draft.id)
    assert error.value.code == "invoice_already_paid"


def test_an_invoice_can_end_otherwise(client: Any) -> None:
    """Void, uncollectible, deleted as a draft, sent."""
    customer = client.v1.customers.create({"email": "a@example.com"})

    def draft() -> Any:
        client.v1.invoice_items.create({"customer": customer.id, "amount": 500, "currency": "usd"})
        return client.v1.invoices.create(
            {
                "customer": customer.id,
                "collection_method": "send_invoice",
                "days_until_due": 7,
                "pending_invoice_items_behavior": "include",
            }
        )

    voided = client.v1.invoices.finalize_invoice(draft().id)
    assert client.v1.invoices.void_invoice(voided.id).status == "void"
    given_up = client.v1.invoices.finalize_invoice(draft().id)
    assert client.v1.invoices.mark_uncollectible(given_up.id).status == "uncollectible"
    assert client.v1.invoices.delete(draft().id).deleted
    assert client.v1.invoices.send_invoice(draft().id).status == "open"


def test_long_invoices_are_paged(client: Any) -> None:
    """Ten lines inside, `has_more`, the rest by pages."""
    customer = client.v1.customers.create({})
    for place in range(23):
        client.v1.invoice_items.create(
            {"customer": customer.id, "amount": 100 + place, "currency": "usd"}
        )
    draft = client.v1.invoices.create(
        {"customer": customer.id, "pending_invoice_items_behavior": "include"}
    )
    assert (len(draft.lines.data), draft.lines.has_more) == (10, True)
    rows = list(client.v1.invoices.line_items.list(draft.id).auto_paging_iter())
    assert [row.amount for row in rows] == [100 + place for place in range(23)]
