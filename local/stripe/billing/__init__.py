"""Subscriptions, invoices and the engine that moves them in time."""
