"""Imports every resource, so that each registers its routes."""

import local.stripe.payments.debits
import local.stripe.payments.disputing  # noqa: F401 - cards with consequences call it
from local.stripe.resources import (  # noqa: F401 - imported for what they register
    account,
    balance,
    billing_portal,
    charges,
    checkout_sessions,
    coupons,
    customers,
    disputes,
    events,
    invoice_items,
    invoices,
    payment_intents,
    payment_methods,
    plans,
    prices,
    products,
    refunds,
    setup_intents,
    subscription_items,
    subscription_pausing,
    subscriptions,
    test_clocks,
    tokens,
    webhook_endpoints,
)
