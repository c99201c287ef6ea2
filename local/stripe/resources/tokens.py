"""Tokens and customers' card sources, the older ways to a card: docs.stripe.com/api/tokens."""

from local.stripe.accounts import Account
from local.stripe.call import Call
from local.stripe.errors import invalid, missing
from local.stripe.identifiers import new_id
from local.stripe.listing import envelope, paged
from local.stripe.payments import cards, methods
from local.stripe.payments.cards import TestCard
from local.stripe.rendering import includable
from local.stripe.router import route
from local.stripe.shapes import Json, merged_metadata
from local.stripe.spec.skeletons import skeleton

_SHOWN = 10


@route("POST", "/v1/tokens")
def create(call: Call) -> Json:
    """A token for a card, to be used once."""
    given = call.get("card")
    if not isinstance(given, dict):
        raise invalid(
            "You must supply either a card, customer, PII data, bank account, or account legal"
            " entity to create a token."
        )
    number = str(given.get("number", "")).replace(" ", "")
    months_and_years = {name: given.get(name, "") for name in ("exp_month", "exp_year")}
    # A month or year that is no number becomes 0, which no card has.
    numbers = {
        name: int(text) if text.isdecimal() else 0 for name, text in months_and_years.items()
    }
    methods.check_number(number, numbers, call.account, "card")
    card = cards.BY_NUMBER.get(number) or TestCard(number)
    token = skeleton(
        "token", **call.base, id=new_id("token"), card=_card(call, card, None), type="card"
    )
    token["_number"] = number
    return call.store.add(token)


@route("GET", "/v1/tokens/{token}")
def retrieve(call: Call) -> Json:
    """One token."""
    return call.named("token", "token")


@route("POST", "/v1/customers/{customer}/sources")
def create_source(call: Call) -> Json:
    """A card of a customer; the first is the customer's default."""
    customer = call.edited("customer", "customer")
    source = call.get("source") or call.get("card")
    if not isinstance(source, str) or not source:
        raise invalid("Missing required param: source.", param="source", code="parameter_missing")
    return attached_source(call, customer, source)


def attached_source(call: Call, customer: Json, source: str) -> Json:
    """The card behind a token, now the customer's."""
    card = cards.by_name(source, "tok_")
    stored = call.store.find("token", source)
    if card is None and stored is not None:
        number = stored["_number"]
        card = cards.BY_NUMBER.get(number) or TestCard(number)
    if card is None:
        raise missing("token", source, "source", status=400)
    made = call.store.add(_card(call, card, customer["id"]))
    made["_created"] = call.now
    # The card is a payment method too, under its own id, so that invoices can charge it.
    method = methods.from_card(call.account, card, {})
    call.store.remove("payment_method", method["id"])
    method.update(id=made["id"], customer=customer["id"])
    call.store.add(method)
    if customer["default_source"] is None:
        customer["default_source"] = made["id"]
    call.account.emit("customer.source.created", made)
    return made


@route("GET", "/v1/customers/{customer}/sources")
def index_sources(call: Call) -> Json:
    """A customer's cards, newest first."""
    customer = call.named("customer", "customer")
    rows = (row for row in call.store.newest("card") if row["customer"] == customer["id"])
    return paged(call, rows, "card")


@route("GET", "/v1/customers/{customer}/sources/{id}")
def retrieve_source(call: Call) -> Json:
    """One card of a customer."""
    return call.named("card", "id")


@route("POST", "/v1/customers/{customer}/sources/{id}")
def update_source(call: Call) -> Json:
    """Changes expiry, name, address or metadata of a card."""
    card = call.edited("card", "id")
    for name in ("exp_month", "exp_year", "name", "address_line1", "address_zip"):
        if name in call.params:
            card[name] = call.params[name]
    card["metadata"] = merged_metadata(card["metadata"] or {}, call.get("metadata"))
    call.account.emit_update("customer.source.updated", card)
    return card


@route("DELETE", "/v1/customers/{customer}/sources/{id}")
def delete_source(call: Call) -> Json:
    """Takes a card from its customer."""
    card = call.named("card", "id")
    call.account.emit("customer.source.deleted", card)
    call.store.remove("card", card["id"])
    customer = call.edited("customer", "customer")
    if customer["default_source"] == card["id"]:
        customer["default_source"] = None
    return {"id": card["id"], "object": "card", "deleted": True}


@includable("customer", "sources")
def sources_of(account: Account, customer: Json) -> Json:
    """A customer's cards."""
    rows = [row for row in account.store.newest("card") if row["customer"] == customer["id"]]
    url = f"/v1/customers/{customer['id']}/sources"
    return envelope(url, rows[:_SHOWN], has_more=len(rows) > _SHOWN)


def _card(call: Call, card: TestCard, customer_id: str | None) -> Json:
    """A card in the older shape."""
    names = {"visa": "Visa", "mastercard": "MasterCard", "amex": "American Express"}
    shown = skeleton(
        "card",
        id=new_id("card"),
        brand=names.get(card.brand, card.brand.capitalize()),
        country=card.country,
        customer=customer_id,
        cvc_check=None,
        exp_month=12,
        exp_year=1970 + call.now // 31_556_952 + 1,
        fingerprint=methods.fingerprint(card.number),
        funding=card.funding,
        last4=card.last4,
        metadata={},
    )
    for name in ("account", "available_payout_methods", "currency", "default_for_currency"):
        shown.pop(name, None)
    return shown
