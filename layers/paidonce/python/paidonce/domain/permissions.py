"""What each function may do at Stripe: the one list that documents, doctor, probes and tests read.

Rows and names: https://docs.stripe.com/keys/permissions-reference
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from paidonce.domain import rulebook


class Level(StrEnum):
    """A column of the Dashboard's page of a restricted key; write includes read."""

    READ = "read"
    WRITE = "write"


@dataclass(frozen=True)
class Row:
    """A row of that page: Stripe's name, the Dashboard's, and the path of what it is about."""

    name: str
    shown: str
    path: str


@dataclass(frozen=True)
class Permission:
    """A ticked cell of that page."""

    row: Row
    level: Level

    @property
    def name(self) -> str:
        """As Stripe's errors name it: `payment_intent_write`."""
        return f"{self.row.name}_{self.level}"

    @property
    def shown(self) -> str:
        """As an operator ticks it: `PaymentIntents: Write`."""
        return f"{self.row.shown}: {self.level.capitalize()}"

    def covers(self, other: "Permission") -> bool:
        """Whether who has this one has the other."""
        return self.row == other.row and self.level in (Level.WRITE, other.level)


BALANCE = Row("balance", "Balance", "/v1/balance")
CHARGES = Row("charge", "Charges and Refunds", "/v1/refunds")
CHECKOUT = Row("checkout_session", "Checkout Sessions", "/v1/checkout/sessions")
COUPONS = Row("coupon", "Coupons", "/v1/coupons")
CUSTOMERS = Row("customer", "Customers", "/v1/customers")
DISPUTES = Row("dispute", "Disputes", "/v1/disputes")
ENDPOINTS = Row("webhook", "Webhook Endpoints", "/v1/webhook_endpoints")
EVENTS = Row("event", "Events", "/v1/events")
INTENTS = Row("payment_intent", "PaymentIntents", "/v1/payment_intents")
INVOICES = Row("invoice", "Invoices", "/v1/invoices")
PAYOUTS = Row("payout", "Payouts", "/v1/payouts")
PORTAL = Row("customer_portal", "Customer portal", "/v1/billing_portal/configurations")
PRICES = Row("plan", "Plans and Prices", "/v1/prices")
PRODUCTS = Row("product", "Products", "/v1/products")
SETUPS = Row("setup_intent", "SetupIntents", "/v1/setup_intents")
SUBSCRIPTIONS = Row("subscription", "Subscriptions", "/v1/subscriptions")
TOP_UPS = Row("topup", "Top-ups", "/v1/topups")
TRANSFERS = Row("transfer", "Transfers", "/v1/transfers")


def reads(*rows: Row) -> tuple[Permission, ...]:
    """Their column Read."""
    return tuple(Permission(row, Level.READ) for row in rows)


def writes(*rows: Row) -> tuple[Permission, ...]:
    """Their column Write."""
    return tuple(Permission(row, Level.WRITE) for row in rows)


# What a rule can name as its resource, and the row that lets it be read.
ROW_OF_RESOURCE: Mapping[str, Row] = {
    "charge": CHARGES,
    "checkout.session": CHECKOUT,
    "customer": CUSTOMERS,
    "dispute": DISPUTES,
    "invoice": INVOICES,
    "payment_intent": INTENTS,
    "price": PRICES,
    "product": PRODUCTS,
    # Early fraud warnings have no row of their own.
    "radar.early_fraud_warning": CHARGES,
    "refund": CHARGES,
    "subscription": SUBSCRIPTIONS,
}

# What is read inside the answers about it (`expand`): an expanded object needs its own row.
_EXPANDED_IN: Mapping[str, tuple[Row, ...]] = {
    "invoice": (INTENTS,),
    "subscription": (INVOICES, INTENTS),
}

# What no key of ours needs to do harm with; each key is probed for those that it has no use for.
DANGERS = (
    *writes(PAYOUTS, TRANSFERS, TOP_UPS, CHARGES, INTENTS, CUSTOMERS, SUBSCRIPTIONS),
    *writes(DISPUTES, PRODUCTS, PRICES, COUPONS, ENDPOINTS),
    *reads(BALANCE),
)

_MONEY_IN = (
    *writes(INTENTS, CUSTOMERS, SUBSCRIPTIONS, CHECKOUT, PORTAL),
    # Invoices and SetupIntents are read inside the answers about subscriptions (`expand`), and the
    # intents that pay invoices inside theirs.
    *reads(PRICES, PRODUCTS, INVOICES, SETUPS),
)


def of_function(function: str) -> Mapping[str, tuple[Permission, ...]]:
    """Name of a key (`keys/<name>`) -> what this function does with it; load the rules first."""
    return {
        "payments_api": {"payments": _MONEY_IN},
        "refunds_api": {"refunds": writes(CHARGES)},
        "run_operation": {"payments": _MONEY_IN, "refunds": writes(CHARGES)},
        # What a rule may have to fetch depends on which rules there are.
        "apply_event": {"reader": _distinct([*reads(EVENTS), *_read_by_rules()])},
        # It compares what every rule decides about, and watches the endpoints.
        "reconcile": {"reader": _distinct([*reads(EVENTS, ENDPOINTS), *_read_by_rules()])},
        "rotate_secret": {"endpoints": writes(ENDPOINTS)},
        "retire_endpoints": {"endpoints": writes(ENDPOINTS)},
        # `paidonce doctor`, `replay` and `verify`, with the reader's key.
        "doctor": {"reader": reads(ENDPOINTS)},
        "verify": {"reader": _distinct([*reads(EVENTS), *_read_by_rules()])},
    }.get(function, {})


USERS = (
    *("payments_api", "refunds_api", "run_operation", "apply_event"),
    *("reconcile", "rotate_secret", "retire_endpoints", "doctor", "verify"),
)
KEYS = ("payments", "refunds", "reader", "endpoints")
# Where each key sees something of its account: what it wrote, or what it reads.
WITNESS_OF: Mapping[str, Row] = {
    "payments": INTENTS,
    "refunds": CHARGES,
    "reader": INTENTS,
    "endpoints": ENDPOINTS,
}


def of_key(key: str) -> tuple[Permission, ...]:
    """What an operator ticks for a key: all that its functions need, and nothing else."""
    every = _distinct(p for user in USERS for p in of_function(user).get(key, ()))
    return tuple(p for p in every if not any(o != p and o.covers(p) for o in every))


def forbidden_to(key: str) -> tuple[Permission, ...]:
    """The dangers that a key has no use for."""
    allowed = of_key(key)
    return tuple(p for p in DANGERS if not any(a.covers(p) for a in allowed))


def _read_by_rules() -> tuple[Permission, ...]:
    read = rulebook.resources()
    inside = [row for resource in read for row in _EXPANDED_IN.get(resource, ())]
    return reads(*(ROW_OF_RESOURCE[resource] for resource in read), *inside)


def _distinct(permissions: Iterable[Permission]) -> tuple[Permission, ...]:
    return tuple(dict.fromkeys(permissions))


def sentence(permissions: Collection[Permission]) -> str:
    """Cells as an operator reads them, in one line."""
    return ", ".join(permission.shown for permission in permissions)
